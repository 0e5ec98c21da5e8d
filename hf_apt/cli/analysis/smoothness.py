"""`hf-apt smoothness`: its options."""

# Without postponed annotations: typer reads them.

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from hf_apt.analysis.smoothness.smoothness_config import SmoothnessConfig
from hf_apt.cli.dataclass_options import Flag, in_panel, made_from
from hf_apt.cli.every_command.present import require_present
from hf_apt.cli.option_functions import with_options
from hf_apt.cli.shared_options import (
    TEXT_HELP,
    Paragraphs,
    Revision,
    TaskOutput,
    run_folder,
    short_name,
)
from hf_apt.cli.task_options import TASK

_NOT_TAKEN = ("task.train_per_class", "task.imbalance", "task.label_noise")

SMOOTHNESS = made_from(
    SmoothnessConfig,
    *(flag for flag in TASK if flag.path not in _NOT_TAKEN),
    *in_panel(
        "Perturbations",
        Flag("radii", "--radius", min=0),
        "norm",
        "norm_level",
        Flag("num_steps", "--ascent-steps", min=1),
        "seed",
    ),
    *in_panel(
        "Texts",
        Flag("max_texts", min=1),
        Flag("batch_size", min=1),
        Flag("sequence_length", min=8),
    ),
)


@with_options(SMOOTHNESS)
def smoothness_options(
    config: SmoothnessConfig,
    *,
    checkpoint: Annotated[
        str, Argument(help="A classifier: a folder, such as RUN/finetune/<task>, or a Hub id.")
    ],
    text: Annotated[
        str | None,
        Option(
            help=f"Texts in place of the task's. {TEXT_HELP}",
            show_default="the task's test texts",
            rich_help_panel="Texts",
        ),
    ] = None,
    paragraphs: Paragraphs = False,
    revision: Revision = None,
    output: TaskOutput = None,
) -> tuple[str, str | None, bool, SmoothnessConfig, Path]:
    """The classifier, the text in place of a task's, what is asked, and the folder."""
    from hf_apt.records.checkpoints import pinned

    checkpoint = pinned(checkpoint, revision)
    folder = run_folder(f"{short_name(checkpoint)}-smoothness")
    return checkpoint, text, paragraphs, config, output or folder


@with_options(smoothness_options)
def smoothness_command(
    checkpoint: str, text: str | None, paragraphs: bool, config: SmoothnessConfig, folder: Path
) -> None:
    """How far the worst small change of word embeddings moves a classifier's answers."""
    require_present(checkpoints=(checkpoint,), text=text, rows=None if text else config.task.data)
    from hf_apt.analysis.smoothness.smoothness_study import (
        require_classifier,
        smoothness_study,
        some_of_each_class,
    )
    from hf_apt.cli.analysis.studied import study_into
    from hf_apt.cli.tables import study
    from hf_apt.cli.tables.show import end_of_study, show
    from hf_apt.runs.option_checks import require_checkpoint

    run = study_into(folder)
    require_checkpoint(checkpoint)
    asked: dict[str, Any]
    if text is not None:
        require_classifier(checkpoint)
        texts, asked = _texts(text, config.max_texts, paragraphs)
    else:
        from hf_apt.data.tasks.read_texts import open_unread

        task = open_unread(config.task, checkpoint)
        require_classifier(checkpoint, task.label_names)
        texts = some_of_each_class(task, config.max_texts)
        asked = {
            "subject": task.name,
            "label_names": task.label_names,
            "provenance": task.provenance,
        }
    record = smoothness_study(checkpoint, texts, config, **asked)
    show(record, (study,))
    end_of_study(run, record)


def _texts(name: str, most: int, paragraphs: bool) -> tuple[list[str], dict[str, Any]]:
    """The first texts of a source, and what they are."""
    from hf_apt.cli.analysis.studied import texts_of
    from hf_apt.data.text_fingerprints import texts_provenance

    texts = texts_of(name, column="text", paragraphs=paragraphs, max_texts=most)
    stem = "".join(each if each.isalnum() or each in "._-" else "-" for each in Path(name).stem)
    provenance = texts_provenance(name, texts)
    return texts, {"subject": stem.strip("-.") or "text", "provenance": provenance}
