"""`hf-apt ner`: its options."""

# Without postponed annotations: typer reads them.

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from hf_apt.cli.dataclass_options import Flag, in_panel, made_from
from hf_apt.cli.every_command.present import require_present
from hf_apt.cli.failures import writes_into
from hf_apt.cli.option_functions import with_options
from hf_apt.cli.shared_options import Revision, TaskOutput, run_folder, short_name
from hf_apt.cli.task_options import FINETUNING
from hf_apt.spans.ner_config import NerConfig

_NOT_TAKEN = ("num_seeds", "finetune.lora_rank")

NER = made_from(
    NerConfig,
    *in_panel(
        "Task",
        "tokens_column",
        "tags_column",
        Flag("num_shots", "--shots", min=0),
        Flag("num_draws", "--draws", min=1),
        Flag("test_sentences", min=1),
        Flag("arms", "--arm"),
    ),
    *in_panel("Training", Flag("max_span_words", min=1), Flag("max_rows", min=1), "cut"),
    *(flag for flag in FINETUNING if flag.path not in _NOT_TAKEN),
    *in_panel("Training", "finetune.weight_decay"),
)


@with_options(NER)
def ner_options(
    config: NerConfig,
    *,
    checkpoint: Annotated[
        str, Argument(help="A checkpoint folder, a run's folder, a shipped name or a Hub id.")
    ],
    data: Annotated[
        str,
        Argument(
            help="File, folder or quoted glob of sentences with BIO tags: columns of text, "
            ".parquet or .jsonl."
        ),
    ],
    revision: Revision = None,
    output: TaskOutput = None,
) -> tuple[str, str, NerConfig, Path]:
    """The checkpoint, the sentences, what to try, and the folder to write into."""
    from hf_apt.records.checkpoints import of_run, pinned

    checkpoint = pinned(checkpoint, revision)
    path = of_run(checkpoint)
    if path != checkpoint:
        return path, data, config, output or Path(checkpoint)
    folder = run_folder(f"{short_name(checkpoint)}-names-in-{Path(data).stem}")
    return checkpoint, data, config, output or folder


DryRun = Annotated[
    bool,
    Option(
        "--dry-run",
        help="Print what the comparison would take here, trainings, steps, spans and time, and do "
        "no more: the model is tried on one batch and a few sentences, and no folder made.",
    ),
]


@with_options(ner_options)
def ner_command(
    checkpoint: str, data: str, config: NerConfig, folder: Path, *, dry_run: DryRun = False
) -> None:
    """Find names after a few examples: spans between masks, against tags and prototypes.

    Sentences are drawn until each type has so many mentions; F1 is strict (first word, last word
    and type). An interrupted comparison goes on after the last training that was finished.
    """
    require_present(checkpoints=(checkpoint,))
    from hf_apt.spans.ner_task import open_ner

    task = open_ner(data, config)
    if dry_run:
        return _show_costs(checkpoint, task, config)
    from hf_apt.cli.tables import study
    from hf_apt.cli.tables.show import end_of_study, show
    from hf_apt.records.run import Run
    from hf_apt.runs.option_checks import require_checkpoint

    writes_into(folder)
    require_checkpoint(checkpoint)
    from hf_apt.spans.ner_study import measure_ner

    run = Run(folder)
    record = measure_ner(checkpoint, task, config, run)
    show(record, (study,))
    end_of_study(run, record)


def _show_costs(checkpoint: str, task: Any, config: NerConfig) -> None:
    from hf_apt.cli.failures import starts_anew
    from hf_apt.cli.tables import ner_costs
    from hf_apt.cli.tables.show import show
    from hf_apt.runs.option_checks import require_checkpoint
    from hf_apt.spans import ner_costs as costs

    starts_anew()
    require_checkpoint(checkpoint)
    show(costs.ner_costs(checkpoint, task, config), (ner_costs,))
