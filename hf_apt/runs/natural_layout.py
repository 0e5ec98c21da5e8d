"""Whether a model should read documents one by one or joined, decided by how long they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from statistics import median
from typing import Any

from hf_apt.data.corpora import Corpus, open_corpus
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.sequences import Layout
from hf_apt.data.tokenizer import load_tokenizer

LOOK = 1000
"""Number of documents that are looked at."""

_CHARACTERS = 100
"""Characters of a document that are looked at, for each token of a sequence: enough to fill it."""


def natural_layout(
    source: CorpusSource, tokenizer: str, sequence_length: int, *, needs_mask: bool = True
) -> Layout:
    """The layout in which most documents are read whole, from the first 1,000 of the text.

    `first` where the median length, special tokens included, is below `sequence_length`: the items
    of a text such as proteins, tweets or queries are each a sequence. `packed` otherwise. Source:
    ours.

    Raises ValueError for a text or a tokenizer that cannot be read, and if it `needs_mask` and has
    no mask token.
    """
    corpus = open_corpus(source)
    loaded = load_tokenizer(tokenizer, needs_mask=needs_mask)
    return layout_of(_documents(corpus), loaded, sequence_length)


def layout_of(documents: Iterable[str], tokenizer: Any, sequence_length: int) -> Layout:
    """`natural_layout` of documents that are at hand; `packed` where none has a token."""
    texts = [text[: _CHARACTERS * sequence_length] for text in islice(documents, LOOK)]
    if not texts:
        return "packed"
    around = len(tokenizer("")["input_ids"])
    rows = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    lengths = [len(ids) + around for ids in rows if ids]
    return "first" if lengths and median(lengths) < sequence_length else "packed"


def _documents(corpus: Corpus) -> Iterator[str]:
    """The documents of a corpus, of either side as they come."""
    for block in corpus.stream.blocks():
        yield from block.train
        if block.validation is not block.train:
            yield from block.validation
