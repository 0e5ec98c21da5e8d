"""The command line: parse, call one function, print its table."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core

from hf_apt.cli.acquisition import acquisition_command
from hf_apt.cli.analysis.commands import STUDIES
from hf_apt.cli.bench.command import bench_command
from hf_apt.cli.check import check_command
from hf_apt.cli.committee import committee_command
from hf_apt.cli.compare import compare_command
from hf_apt.cli.diff import diff_command
from hf_apt.cli.environment.command import env_command
from hf_apt.cli.every_command.common_options import with_common_options
from hf_apt.cli.every_command.output_format import is_json, print_json
from hf_apt.cli.failures import failure_of, writes_into, writes_nothing
from hf_apt.cli.finetune import finetune_command
from hf_apt.cli.fit_lens import fit_lens_command
from hf_apt.cli.lens import lens_command
from hf_apt.cli.ls import ls_command
from hf_apt.cli.measure_options import MeasureDryRun, measure_or_series_options
from hf_apt.cli.ner.command import ner_command
from hf_apt.cli.option_functions import with_options
from hf_apt.cli.publish import publish_app
from hf_apt.cli.rates import rates_command
from hf_apt.cli.reference import reference_command
from hf_apt.cli.run_options import DryRun, run_options
from hf_apt.cli.score import score_command
from hf_apt.cli.similarity import similarity_command
from hf_apt.runs.checkpoints.named import Series
from hf_apt.runs.recipes import RunConfig
from hf_apt.training.interruption import stopping_signals

if TYPE_CHECKING:
    from hf_apt.records.run import Run


PANELS = {
    "Look into a model": (
        *("lens", "measure", "check", "reference", "bench", "rates", "score", "similarity"),
        "fit-lens",
    ),
    "Study a model": tuple(STUDIES),
    "Train": ("run", "pretrain", "finetune", "committee", "ner"),
    "Compare": ("diff", "acquisition", "compare"),
    "Keep and share": ("report", "publish", "ls", "env"),
}
"""The commands in the order in which they are used, as the help shows them."""

_PANEL_OF = {name: panel for panel, names in PANELS.items() for name in names}
_ORDER = list(_PANEL_OF)


class _Commands(typer.core.TyperGroup):
    """The commands, with one sentence and an exit code for what the user can mend."""

    def list_commands(self, ctx: typer.Context) -> list[str]:
        """The names of the commands in the order of `PANELS`."""
        return sorted(super().list_commands(ctx), key=_ORDER.index)

    def invoke(self, ctx: typer.Context) -> Any:
        writes_nothing()
        try:
            with stopping_signals():
                return super().invoke(ctx)
        except BaseException as error:
            failure = failure_of(error)
            if failure is None:
                raise
            _say(f"hf-apt: {failure.sentence}")
            sys.exit(failure.code)


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Which tokens a masked language model has learnt, at which block, and what it confuses "
    "with what.",
)


app.add_typer(publish_app, name="publish")
app.command("finetune")(finetune_command)
app.command("committee")(committee_command)
app.command("ner")(ner_command)
app.command("bench")(bench_command)
app.command("check")(check_command)
app.command("compare")(compare_command)
app.command("diff")(diff_command)
app.command("acquisition")(acquisition_command)
app.command("lens")(lens_command)
app.command("score")(score_command)
app.command("reference")(reference_command)
app.command("rates")(rates_command)
app.command("similarity")(similarity_command)
app.command("fit-lens")(fit_lens_command)
for _name, _study in STUDIES.items():
    app.command(_name)(_study)
app.command("ls")(ls_command)
app.command("env")(env_command)


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"hf-apt {version('hf_apt')}")
        raise typer.Exit


@app.callback()
def quieten(
    is_version_asked: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Leave the progress bars to our own phases."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")


@app.command("run")
@with_options(run_options)
def run_command(config: RunConfig, folder: Path, *, dry_run: DryRun = False) -> None:
    """Pre-train BERT-6, or a shallow model, on a corpus, measure every block, write the page."""
    from hf_apt.runs.pipeline import run_all

    if dry_run:
        _show_costs(config, folder)
    else:
        writes_into(folder)
        _show(run_all(config, folder))


@app.command("pretrain")
@with_options(run_options)
def pretrain_command(config: RunConfig, folder: Path) -> None:
    """Only tokenise and pre-train; `run` with the same options goes on from there."""
    from hf_apt.runs.option_checks import require_valid
    from hf_apt.runs.pipeline import begun, is_main, pretrain_run
    from hf_apt.runs.starting.read_tasks import require_read_tasks
    from hf_apt.runs.trained_models import PARTS

    writes_into(folder)
    require_valid(config)  # before tasks, which may be downloaded
    if is_main():
        require_read_tasks(config.pretrain.objectives, config.finetune)
    with begun(config, folder) as run:
        pretrain_run(config, run)
    if is_main():
        for name in ("checkpoint", *(PARTS if config.shape.generator else ())):
            typer.echo(f"{name}: {folder / name}", err=is_json())


@app.command("measure")
@with_options(measure_or_series_options)
def measure_command(
    checkpoint: str | Series, config: RunConfig, folder: Path, *, dry_run: MeasureDryRun = False
) -> None:
    """Measure any checkpoint of a language model at every block, on any corpus; write the page.

    A masked one is asked for masked tokens, a causal one for every next token. Several checkpoints
    of one training are measured by --revisions.
    """
    from hf_apt.runs.option_checks import require_checkpoint
    from hf_apt.runs.pipeline import begun, finish, is_main, measure_run

    if dry_run:
        return _show_measuring_costs(checkpoint, config, folder)
    if not isinstance(checkpoint, str):
        return _measure_series(checkpoint, config, folder)
    writes_into(folder)
    require_checkpoint(checkpoint)
    with begun(config, folder) as run:
        before = run.whole_readouts()
        measure_run(config, run, checkpoint)
        is_new = run.whole_readouts() != before
        _show(finish(run))
    if not is_new and is_main():
        _say(
            f"nothing was measured: {folder} holds all of this already; to measure again, give "
            "another --output, or delete that folder first."
        )


@app.command("report")
def report_command(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
) -> None:
    """Make a run's figures and page again from its counts, without the model."""
    from hf_apt.records.run import Run
    from hf_apt.runs.option_checks import require_run
    from hf_apt.runs.pipeline import finish, one_run

    require_run(Run(run))
    writes_into(run)
    with one_run(run) as records:
        _show(finish(records))


def _say(sentence: str) -> None:
    """Write a line to standard error, above progress bars that were left where they were."""
    from tqdm import tqdm

    tqdm.write(sentence, file=sys.stderr)


def _show(run: Run) -> None:
    from hf_apt.cli.tables import finetuned, measurement, measures, ruler
    from hf_apt.cli.tables.show import show, show_paths
    from hf_apt.records.run_records import RunRecords
    from hf_apt.runs.pipeline import is_main

    if not is_main():
        return
    records = RunRecords(run)
    if is_json():
        return print_json({"summary": records.summary, "tasks": records.own_tasks})
    show(records.summary, (measurement, measures))
    show(records.own_tasks, (finetuned,))
    show(records.summary, (ruler,))
    show_paths(page=run.path("report.html"))


def _measure_series(series: Series, config: RunConfig, folder: Path) -> None:
    """Measure several checkpoints and print their table; fails in the end if one is left out."""
    from hf_apt.cli.tables import text_tables
    from hf_apt.cli.tables.show import show
    from hf_apt.runs.checkpoints.series import measure_series

    measured = measure_series(series, config, folder, told=_say)
    show(measured, (text_tables,))
    if measured.left_out:
        raise ValueError(
            f"{len(measured.left_out)} of {len(series.checkpoints)} checkpoints could not be "
            f"measured: {', '.join(measured.left_out)}; the others are whole."
        )


def _show_measuring_costs(checkpoint: str | Series, config: RunConfig, folder: Path) -> None:
    from hf_apt.cli.tables import costs
    from hf_apt.cli.tables.show import show
    from hf_apt.runs.pipeline import is_main
    from hf_apt.runs.planning.measurement_plan import measurement_plan

    if not is_main():
        return
    if isinstance(checkpoint, str):
        show(measurement_plan(checkpoint, config, folder), (costs,))
        return
    from hf_apt.runs.checkpoints.series import first_usable

    first, num = first_usable(checkpoint.checkpoints), len(checkpoint.checkpoints)
    show(measurement_plan(first.name, config, folder / first.folder_name), (costs,))
    typer.echo(f"This is for each of {num} checkpoints; the text is tokenised once.", err=is_json())


def _show_costs(config: RunConfig, folder: Path) -> None:
    from hf_apt.cli.tables import costs
    from hf_apt.cli.tables.show import show
    from hf_apt.runs.dry_run import plan
    from hf_apt.runs.pipeline import is_main

    if is_main():
        show(plan(config, folder), (costs,))


for _registered in (*app.registered_commands, *app.registered_groups):
    _registered.rich_help_panel = _PANEL_OF[str(_registered.name)]
for _command in app.registered_commands:
    assert _command.callback is not None
    _command.callback = with_common_options(str(_command.name), _command.callback)
