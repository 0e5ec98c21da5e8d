"""Whether a model should read documents one by one or joined, decided by how long they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from statistics import median
from typing import Any

from hf_apt.data.corpora import Corpus, open_corpus
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.sequences import Layout
from hf_apt.data.token_sources.token_corpus import TokenCorpus, id_cutter_of, token_corpus
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
    corpus = token_corpus(source) or open_corpus(source)
    loaded = load_tokenizer(tokenizer, needs_mask=needs_mask)
    if not isinstance(corpus, TokenCorpus):
        return layout_of(_documents(corpus), loaded, sequence_length)
    cutter = id_cutter_of(corpus, loaded, tokenizer, length=sequence_length, layout="packed")
    bodies = map(cutter.body, islice(_documents(corpus), LOOK))
    return _layout([body.stop - body.start for body in bodies], loaded, sequence_length)


def layout_of(documents: Iterable[str], tokenizer: Any, sequence_length: int) -> Layout:
    """`natural_layout` of documents that are at hand; `packed` where none has a token."""
    texts = [text[: _CHARACTERS * sequence_length] for text in islice(documents, LOOK)]
    if not texts:
        return "packed"
    rows = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    return _layout([len(ids) for ids in rows], tokenizer, sequence_length)


def _layout(lengths: list[int], tokenizer: Any, sequence_length: int) -> Layout:
    """The layout for documents of so many tokens, special ones around them excluded."""
    around = len(tokenizer("")["input_ids"])
    whole = [length + around for length in lengths if length]
    return "first" if whole and median(whole) < sequence_length else "packed"


def _documents(corpus: Corpus) -> Iterator[Any]:
    """The documents of a corpus, of either side as they come."""
    for block in corpus.stream.blocks():
        yield from block.train
        if block.validation is not block.train:
            yield from block.validation
