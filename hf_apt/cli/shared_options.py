"""Options that `run`, `measure` and other commands have in common."""

# Without postponed annotations: typer reads them.

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from typer import Option

from hf_apt.cli.dataclass_options import Flag, described, in_panel, made_from
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.depths.head_config import HeadKind
from hf_apt.runs.recipes import RunConfig

TEXT_HELP, _ = described(CorpusSource, "name")

CORPUS = made_from(
    CorpusSource,
    *in_panel(
        "Corpus",
        "config",
        "split",
        "column",
        "encoding",
        Flag("max_documents", min=1),
    ),
)

SEQUENCES = in_panel("Corpus", Flag("sequence_length", min=8), "layout")

MEASURING = in_panel(
    "Measuring",
    Flag("heads.num_steps", "--head-steps", min=1),
    Flag("heads.num_distinct_steps", "--head-distinct-steps", min=1),
    Flag("measure.num_sequences", "--measure-sequences", min=1),
    Flag("measure.num_realisations", "--realisations", min=1),
    "untrained",
)

HeadsName = Literal["none", "linear", "mlm", "both"]

HEAD_KINDS: dict[HeadsName, tuple[HeadKind, ...]] = {
    "none": (),
    "linear": ("linear_head",),
    "mlm": ("mlm_head",),
    "both": ("linear_head", "mlm_head"),
}

Heads = Annotated[
    HeadsName | None,
    Option(help="Heads to train for every depth.", rich_help_panel="Measuring"),
]

Output = Annotated[
    Path | None,
    Option("--output", "-o", help="The run's folder.", show_default="runs/<corpus>"),
]

TaskOutput = Annotated[
    Path | None, Option("--output", "-o", help="The run's folder to write into.")
]


def with_heads(config: RunConfig, heads: HeadsName | None) -> RunConfig:
    """`config` with the heads of that name, if one is given."""
    return config if heads is None else replace(config, head_kinds=HEAD_KINDS[heads])


def run_folder(name: str) -> Path:
    """The folder of a run on the corpus `name`, where none is given."""
    stem = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name)
    return Path("runs") / (stem.strip("-.") or "run")
