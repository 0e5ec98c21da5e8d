"""Options that `run`, `measure` and other commands have in common."""

# Without postponed annotations: typer reads them.

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from typer import Option

from hf_apt.cli.dataclass_options import Flag, described, in_panel, made_from
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.depths.head_config import DECODER_KINDS, DecodersName
from hf_apt.runs.recipes import RunConfig
from hf_apt.runs.text_source import text_source as text_source

TEXT_HELP, _ = described(CorpusSource, "name")

CORPUS = made_from(
    CorpusSource,
    *in_panel(
        "Corpus",
        Flag("config", "--dataset-config"),
        "split",
        "column",
        "encoding",
        Flag("max_documents", min=1),
    ),
)

SEQUENCE_LENGTH, LAYOUT = SEQUENCES = in_panel(
    "Corpus", Flag("sequence_length", min=8), Flag("layout")
)

MEASURING = in_panel(
    "Measuring",
    Flag("heads.num_steps", "--head-steps", min=1),
    Flag("heads.num_distinct_steps", "--head-distinct-steps", min=1),
    Flag("jacobian.num_sequences", "--jacobian-sequences", min=1),
    Flag("measure.num_sequences", "--measure-sequences", min=1),
    Flag("measure.num_realisations", "--realisations", min=1),
    Flag("measure.precision", "--measure-precision"),
    "untrained",
    "sentences",
)

Heads = Annotated[
    DecodersName | None,
    Option(
        help="Heads to train for every depth, or lenses to fit to it (jacobian, translator).",
        rich_help_panel="Measuring",
    ),
]

_SHARE_HELP, _ = described(CorpusSource, "validation_share")

ValidationShare = Annotated[
    float | None,
    Option(
        help=_SHARE_HELP,
        rich_help_panel="Corpus",
        max=1.0,
        show_default="0.02 where something is trained, else 1",
    ),
]

Paragraphs = Annotated[
    bool,
    Option(
        "--paragraphs",
        help="Separate the documents of .txt files by blank lines; else each line is one.",
        rich_help_panel="Corpus",
    ),
]

Output = Annotated[
    Path | None,
    Option("--output", "-o", help="The run's folder.", show_default="runs/<corpus>"),
]

TaskOutput = Annotated[
    Path | None, Option("--output", "-o", help="The run's folder to write into.")
]


Revision = Annotated[
    str | None,
    Option(
        help="Branch, tag or commit of the Hub id; its commit is recorded. NAME@REVISION says the "
        "same.",
        show_default="the newest",
    ),
]


def with_heads(config: RunConfig, heads: DecodersName | None) -> RunConfig:
    """`config` with the heads and lenses of that name, if one is given."""
    return config if heads is None else replace(config, head_kinds=DECODER_KINDS[heads])


def short_name(checkpoint: str) -> str:
    """The name of a checkpoint in that of a folder.

    >>> short_name("owner/bert"), short_name("owner/bert@" + "0123456789" * 4)
    ('bert', 'bert-01234567')
    """
    from hf_apt.records.checkpoints import name_and_commit

    name, commit = name_and_commit(checkpoint)
    return Path(name).name + (f"-{commit[:8]}" if commit else "")


def run_folder(name: str) -> Path:
    """The folder of a run on the corpus `name`, where none is given."""
    stem = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name)
    return Path("runs") / (stem.strip("-.") or "run")
