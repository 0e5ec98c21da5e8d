"""The exact best answer for one masked word of the planted language."""

from __future__ import annotations

from typing import Any

import numpy as np

from hf_apt.data.planted.bayes import bayes_predictions
from hf_apt.data.planted.corpus import PlantedCorpus
from hf_apt.data.tokenizer import SPECIAL_TOKENS
from hf_apt.records.shown_sentences import ShownAnswer
from hf_apt.runs.lens_text import AskedSequence, shown_token


def exact_answer(planted: PlantedCorpus, tokenizer: Any, asked: AskedSequence) -> ShownAnswer:
    """What is most probable in place of the mask, given all other words of the text.

    The text has to be a document of the language or the beginning of one, within one special token
    on each side.
    """
    language, first = planted.language(), len(SPECIAL_TOKENS)
    word_ids = np.arange(first, first + language.num_words)
    (position,), (true,) = asked.positions, asked.true
    assert true is not None  # it was masked here
    modified_1T = np.zeros((1, len(asked.ids) - 2), bool)
    modified_1T[0, position - 1] = True
    best = bayes_predictions(
        language,
        np.array([asked.ids[1:-1]]),
        modified_1T,
        mask_id=tokenizer.mask_token_id,
        vocab_size=first + language.num_words,
        word_ids=word_ids,
        masked_share=1.0,  # what is no mask is as it was
        replaced_share=0.0,
    )
    posterior_V = best.confusion.sum(axis=1)  # of the one position
    of_true = posterior_V[true - first]
    return {
        "token": shown_token(tokenizer, int(best.token_ids[0])),
        "probability": round(float(best.probabilities[0]), 6),
        "true_probability": round(float(of_true), 6),
        "true_rank": int((posterior_V > of_true).sum()) + 1,
    }
