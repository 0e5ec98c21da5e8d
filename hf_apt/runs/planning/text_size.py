"""How many sequences a text makes and at how many positions they can be asked, by a look at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from hf_apt.data.artificial.generated_corpus import GeneratedCorpus
from hf_apt.data.corpora import open_corpus
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.held_out import TwoSources
from hf_apt.data.sequences import Cutter
from hf_apt.data.token_sources.token_corpus import TokenCorpus, id_cutter_of, token_corpus
from hf_apt.data.tokens import Tokens
from hf_apt.records.run import Run
from hf_apt.runs.recipes import RunConfig

LOOK = 1000
"""Number of documents that are read, and the rest of the block that the last one is in."""


@dataclass(frozen=True)
class TextSize:
    """The held-out side of a text."""

    num_sequences: float
    """Number of sequences; of the documents that were read alone where `certainty` is `unknown`."""

    num_positions: float
    """Number of tokens in them that are not special."""

    num_first: float
    """How many of these begin a sequence, before which there is nothing."""

    certainty: Literal["exact", "about", "unknown"]
    """`exact`: all was read. `about`: as many as the documents that were read let expect.
    `unknown`: how much more there is is not known."""


def text_size(
    config: RunConfig, source: CorpusSource | GeneratedCorpus, run: Run, tokenizer: Any
) -> TextSize:
    """The size of the held-out side of `source`, cut as `config` says.

    The tokens of `run` are counted where it has them, and nothing is read. Nothing is written but
    the cache of files that `open_corpus` keeps. Raises ValueError for a text or a tokenizer that
    cannot be read.
    """
    special = tokenizer.all_special_ids
    if run.path("frequency.npy").exists():  # which is written last
        tokens = Tokens(run.path("tokens/validation"))
        ids, starts = np.asarray(tokens.ids), tokens.starts[:-1]
        is_text = ~np.isin(ids, special)
        return TextSize(len(tokens), int(is_text.sum()), int(is_text[starts].sum()), "exact")
    if isinstance(source, GeneratedCorpus):  # a document a sequence, of one length
        num, length = source.num_validation_documents, config.sequence_length - 2
        return TextSize(num, num * length, num, "exact")
    corpus = token_corpus(source) or open_corpus(source)
    stream = corpus.stream
    total, place = stream.num_documents, None
    if isinstance(stream, TwoSources):  # whose training documents come first
        total, place = stream.validation.num_documents, ["validation", None]
    form: Any = {"length": config.sequence_length, "layout": config.layout}
    if isinstance(corpus, TokenCorpus):
        cutter = id_cutter_of(corpus, tokenizer, config.tokenizer, **form)
    else:
        cutter = Cutter(tokenizer, **form)
    waiting: list[int] = []
    sizes_3, num_read, is_whole = np.zeros(3), 0, True
    for block in stream.blocks(place):
        if num_read >= LOOK:
            is_whole = False
            break
        num_read += len(block.train) + len(block.validation)
        for sequence in cutter.cut(block.validation, waiting):
            is_text = ~np.isin(sequence, special)
            sizes_3 += 1, is_text.sum(), is_text[0]
    if not is_whole and total is not None:
        sizes_3 *= total / num_read
    num_sequences, num_positions, num_first = sizes_3.tolist()
    certainty = "exact" if is_whole else "unknown" if total is None else "about"
    return TextSize(num_sequences, num_positions, num_first, certainty)
