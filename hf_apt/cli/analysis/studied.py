"""The model and the texts of a study, by their names."""

from __future__ import annotations

from itertools import islice
from typing import Any


def texts_of(name: str, *, column: str, paragraphs: bool, max_texts: int) -> list[str]:
    """The first texts of a corpus.

    Raises ValueError where there is none, and for the planted language, which is no text.
    """
    from hf_apt.cli.shared_options import text_source
    from hf_apt.data.corpora import open_corpus
    from hf_apt.data.corpus_source import CorpusSource

    if name == "planted":
        raise ValueError("this study reads natural text, not the planted language: name a text.")
    source = text_source(
        CorpusSource(column=column, validation_share=1.0), name, paragraphs=paragraphs
    )
    return list(islice(open_corpus(source).validation, max_texts))


def loaded_model(name: str) -> tuple[Any, Any]:
    """A language model on this process's device, and its tokenizer."""
    from hf_apt.data.tokenizer import load_tokenizer
    from hf_apt.models.devices import to_device
    from hf_apt.runs.measured_checkpoint import is_causal_checkpoint, load_measured

    tokenizer = load_tokenizer(name, needs_mask=not is_causal_checkpoint(name))
    return to_device(load_measured(name)), tokenizer
