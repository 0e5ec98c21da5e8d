"""The texts that an objective reads beside the batch, by their name."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np

from hf_apt.data.corpora import open_corpus
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.tasks.named_task import TASK
from hf_apt.data.tasks.read_texts import training_texts
from hf_apt.data.whole_texts.encoded_texts import EncodedTexts
from hf_apt.models.loading import num_positions, require_room
from hf_apt.training.objective import TrainingSetup

_LONGEST = 128
"""Tokens that a text is cut to, where the model has as many positions."""


def own_texts(name: str, *, column: str | None = None, max_texts: int | None = None) -> list[str]:
    """The texts that `name` stands for: the first `max_texts` in the corpus's or task's own order.

    `task:NAME` is a task of `hf-apt finetune`, whose training texts are meant. Its test texts are
    not read; those of other numbers or of another seed can be, so that these are given with the
    name, `task:NAME:train_per_class=32;seed=1`. Everything else is a corpus as `hf-apt run` takes
    it: a file, a folder, a quoted glob, a data set of the Hub, `sotu`. Blank texts are left out.

    Raises ValueError where there is no text, and for what a corpus or a task refuses.
    """
    if name.startswith(TASK):
        texts: Any = training_texts(name, column, max_texts)
    else:
        # All of it is held out, and none for training, so that the whole is read.
        source = CorpusSource(
            name=name, column=column or "text", validation_share=1.0, max_documents=max_texts
        )
        texts = open_corpus(source).validation
    kept = list(islice((text for text in texts if text.strip()), max_texts))
    if not kept:
        raise ValueError(f"{name!r} holds no text: name a file, a corpus or {TASK}NAME that does.")
    return kept


def encoded_for(
    setup: TrainingSetup, texts: list[str], *, sequence_length: int | None, name: str
) -> EncodedTexts:
    """`texts` as the tokenizer of a training reads them, cut to `sequence_length`.

    None stands for 128 tokens, or as many as the model has positions. `name` is the objective's.

    Raises ValueError for a training without a tokenizer, for one that knows few of the texts'
    tokens or does not fit the model, and for texts longer than the model takes.
    """
    tokenizer = setup.tokenizer
    if tokenizer is None:
        raise ValueError(
            f"{name} reads texts of its own, and the Trainer has no tokenizer to read them with: "
            "give it as processing_class=tokenizer."
        )
    length = sequence_length or min(num_positions(setup.model.config) or _LONGEST, _LONGEST)
    require_room(setup.model, len(tokenizer), length)
    encoded = EncodedTexts(tokenizer, texts, length)
    if tokenizer.unk_token_id is not None:
        unknown = np.mean([each == tokenizer.unk_token_id for row in encoded.rows for each in row])
        if unknown > 0.5:
            raise ValueError(
                f"the tokenizer does not know {unknown:.0%} of the tokens in the texts of {name}: "
                "choose texts in the language that is pre-trained on."
            )
    return encoded
