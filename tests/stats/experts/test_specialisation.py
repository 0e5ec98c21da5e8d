"""Laws of specialisation: no gain where parts know the same, the planted one where they do not."""

import numpy as np
import pytest

from hf_apt.stats.experts.part_answers import PartAnswers
from hf_apt.stats.experts.specialisation import choice_gain, mean_cosine, mean_jaccard

VOCAB = 40


def answers_of(chance_UV: np.ndarray, num_each: int = 60, seed: int = 0) -> PartAnswers:
    """Part u is right about token v with probability chance[u, v]."""
    rng = np.random.default_rng(seed)
    num_parts, num_tokens = chance_UV.shape
    references_N = np.tile(np.arange(num_tokens), num_each)
    right_UN = rng.random((num_parts, len(references_N))) < chance_UV[:, references_N]
    texts_N = np.repeat(np.arange(num_each), num_tokens)
    return PartAnswers.empty(num_parts, VOCAB).update(
        references_N,
        np.where(right_UN, references_N, VOCAB - 1),
        np.zeros(len(references_N), np.int64),
        texts_N,
    )


def test_disjoint_parts_gain_what_the_best_one_lacks() -> None:
    chance_UV = np.zeros((3, 30))
    for part in range(3):
        chance_UV[part, part::3] = 1.0
    answers = answers_of(chance_UV)
    assert choice_gain(answers).value == pytest.approx(2 / 3)
    assert mean_cosine(answers.apt()).value == 0
    assert mean_jaccard(answers.apt() >= 0.5) == 0


def test_equal_parts_gain_nothing_whatever_luck_does() -> None:
    chance_UV = np.tile(np.random.default_rng(5).random(30), (4, 1))
    gains = [choice_gain(answers_of(chance_UV, 20, seed)).value for seed in range(40)]
    mean, error = np.mean(gains), np.std(gains) / np.sqrt(40)
    assert mean < 2 * error  # chosen by luck and judged by the same texts it would be 0.1
    assert mean > -0.05


def test_parts_of_one_order_gain_nothing() -> None:
    """The second part knows the same tokens, half as well."""
    best_V = np.random.default_rng(5).random(30)
    gain = choice_gain(answers_of(np.stack([best_V, best_V / 2]), 400))
    assert gain.value == pytest.approx(0, abs=0.01)


def test_gain_is_over_tokens_that_both_halves_ask_for() -> None:
    answers = answers_of(np.ones((2, 5)), 10)
    assert choice_gain(answers, min_support=10).num == 5
    assert choice_gain(answers, min_support=11).num == 0
    assert np.isnan(choice_gain(answers, min_support=11).value)


def test_cosine_of_equal_parts_is_one_and_silent_ones_are_left_out() -> None:
    apt_UT = np.array([[0.2, 0.4, 0.9], [0.1, 0.2, 0.45], [0, 0, 0]])
    cosine = mean_cosine(apt_UT)
    assert cosine.value == pytest.approx(1)
    assert cosine.standard_error == pytest.approx(0, abs=1e-12)
    assert np.isnan(mean_cosine(np.zeros((3, 4))).value)


def test_jaccard_of_nothing_known_is_not_known() -> None:
    assert np.isnan(mean_jaccard(np.zeros((3, 4), bool)))
    assert mean_jaccard(np.ones((3, 4), bool)) == 1
