"""Accuracy per token on the two halves of the texts, so that a choice is judged on other texts."""
# U parts, T tokens.

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from hf_apt.stats.experts.part_answers import PartAnswers


def apt_of_halves(
    answers: PartAnswers, *, min_support: int = 1
) -> Float[np.ndarray, "half part tokens"]:
    """APT of each part on the texts of even numbers and on those of odd numbers.

    What is chosen on one half can be judged on the other, so that luck in choosing gains nothing.
    Source: ours.

    Args:
        answers: what parts answered; the texts' numbers divide it.
        min_support: how often a token has to be asked for, in both halves together.

    Returns:
        APT in [0, 1], shape (2, U, T), of the tokens that are asked for in both halves, by their
        numbers.
    """
    references_N, right_UN = answers.references(), answers.right()
    half_N = answers.texts() % 2
    vocab_size = answers.counts.vocab_size
    support_2V = np.stack(
        [np.bincount(references_N[half_N == half], minlength=vocab_size) for half in (0, 1)]
    )
    is_in_V = (support_2V.sum(axis=0) >= min_support) & (support_2V.min(axis=0) > 0)
    hits_2UT = np.zeros((2, answers.num_parts, int(is_in_V.sum())))
    for half in (0, 1):
        for part, right_N in enumerate(right_UN):
            hit_N = references_N[(half_N == half) & right_N]
            hits_2UT[half, part] = np.bincount(hit_N, minlength=vocab_size)[is_in_V]
    return hits_2UT / support_2V[:, None, is_in_V]
