"""The command line: parse, call one function, print its table."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core

from hf_apt.cli.committee import committee_command
from hf_apt.cli.compare import compare_command
from hf_apt.cli.finetune import finetune_command
from hf_apt.cli.measure_options import measure_options
from hf_apt.cli.option_functions import taking
from hf_apt.cli.publish import publish_app
from hf_apt.cli.run_options import DryRun, run_options

if TYPE_CHECKING:
    from hf_apt.records.run import Run
    from hf_apt.runs.recipes import RunConfig

_MENDABLE = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EPERM)
"""Errors of the operating system that the user can do something about."""
_DISK_FULL = ("os error 28", "inline_container.cc")
"""How safetensors and torch.save say that a file could not be written to its end."""


class _Commands(typer.core.TyperGroup):
    """The commands, with one sentence and exit code 2 for what the user can mend."""

    def invoke(self, ctx: typer.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ValueError as error:
            _stop(str(error), 2)
        except KeyboardInterrupt:
            _stop("stopped; the same command goes on from here.", 130)
        except OSError as error:
            if error.errno not in _MENDABLE:
                raise
            _stop(f"{error.strerror}: {error.filename or os.getcwd()}.", 2)
        except Exception as error:
            if not any(phrase in str(error) for phrase in _DISK_FULL):
                raise
            _stop(f"a checkpoint could not be written, the disk seems full: {error}", 2)


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Which tokens a masked language model has learnt, at which block, and what it confuses "
    "with what.",
)


app.add_typer(publish_app, name="publish")
app.command("finetune")(finetune_command)
app.command("committee")(committee_command)
app.command("compare")(compare_command)


@app.callback()
def quieten() -> None:
    """Leave the progress bars to our own phases."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")


@app.command("run")
@taking(run_options, dry_run=DryRun)
def run_command(config: RunConfig, folder: Path, *, dry_run: bool) -> None:
    """Pre-train BERT-6, or a shallow model, on a corpus, measure every block, write the page."""
    from hf_apt.runs.pipeline import run_all

    if dry_run:
        _show_costs(config, folder)
    else:
        _show(run_all(config, folder))


@app.command("pretrain")
@taking(run_options)
def pretrain_command(config: RunConfig, folder: Path) -> None:
    """Only tokenise and pre-train; `run` with the same options goes on from there."""
    from hf_apt.runs.pipeline import begin, is_main, pretrain_run

    pretrain_run(config, begin(config, folder))
    if is_main():
        typer.echo(f"checkpoint: {folder / 'checkpoint'}")


@app.command("measure")
@taking(measure_options)
def measure_command(checkpoint: str, config: RunConfig, folder: Path) -> None:
    """Measure any masked-LM checkpoint at every block, on any corpus, and write the page."""
    from hf_apt.runs.pipeline import begin, finish, measure_run

    run = begin(config, folder)
    measure_run(config, run, checkpoint)
    _show(finish(run))


@app.command("report")
def report_command(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
) -> None:
    """Make a run's figures and page anew from its counts, without the model."""
    from hf_apt.records.run import Run
    from hf_apt.runs.pipeline import finish

    _show(finish(Run(run)))


def _show(run: Run) -> None:
    from rich.console import Console

    from hf_apt.cli.tables.accuracy import in_a_line
    from hf_apt.cli.tables.measurement import legend, tables
    from hf_apt.records.task_records import own_tasks
    from hf_apt.runs.pipeline import is_main

    if not is_main():
        return
    console = Console(highlight=False)
    summary = run.read_json("summary.json")
    for table in tables(summary):
        console.print(table)
        console.print()
    console.print(legend(summary), style="dim")
    for record in own_tasks(run.finetuned(), summary).values():
        console.print(in_a_line(record), soft_wrap=True)
    console.print(f"page: {run.path('report.html')}", soft_wrap=True)


def _show_costs(config: RunConfig, folder: Path) -> None:
    from rich.console import Console

    from hf_apt.cli.tables.costs import cost_notes, cost_table
    from hf_apt.runs.dry_run import plan
    from hf_apt.runs.pipeline import is_main

    if not is_main():
        return
    found = plan(config, folder)
    console = Console(highlight=False)
    console.print(cost_table(found))
    console.print()
    console.print(cost_notes(found), style="dim")


def _stop(sentence: str, code: int) -> None:
    typer.echo(f"hf-apt: {' '.join(sentence.splitlines())}", err=True)
    sys.exit(code)
