"""Laws of the answers of parts: exact counts, and who was right where."""

import numpy as np
import pytest

from hf_apt.stats.experts.part_answers import PartAnswers


def some_answers(num_parts: int = 9, num: int = 57) -> tuple[PartAnswers, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    references_N = rng.integers(0, 5, num)
    predictions_UN = rng.integers(0, 5, (num_parts, num))
    answers = PartAnswers.empty(num_parts, 6)
    for start in range(0, num, 20):
        part = slice(start, start + 20)
        answers.update(
            references_N[part],
            predictions_UN[:, part],
            np.zeros(len(references_N[part]), np.int64),
            np.arange(num)[part],
        )
    return answers, references_N, predictions_UN


def test_who_was_right_is_kept_for_each_position() -> None:
    answers, references_N, predictions_UN = some_answers()
    np.testing.assert_array_equal(answers.references(), references_N)
    np.testing.assert_array_equal(answers.texts(), np.arange(57))
    np.testing.assert_array_equal(answers.right(), predictions_UN == references_N)


def test_counts_are_those_of_a_loop() -> None:
    answers, references_N, predictions_UN = some_answers()
    for part, predictions_N in enumerate(predictions_UN):
        for token in range(6):
            hits = sum(
                int(one == token == other)
                for one, other in zip(references_N, predictions_N, strict=True)
            )
            assert answers.counts.hits()[part, token] == hits
            assert answers.answered()[part, token] == (predictions_N == token).sum()
    asked = np.bincount(references_N, minlength=6)
    apt_UT = answers.apt(min_support=12)
    tokens = np.flatnonzero(asked >= 12)
    assert apt_UT.shape == (9, len(tokens))
    np.testing.assert_allclose(apt_UT[3], answers.counts.hits()[3, tokens] / asked[tokens])


def test_nothing_is_kept_of_a_refused_batch() -> None:
    answers = PartAnswers.empty(2, 4)
    with pytest.raises(ValueError, match="prediction id"):
        answers.update(
            np.array([1]), np.array([[1], [-1]]), np.zeros(1, np.int64), np.zeros(1, np.int64)
        )
    assert answers.references().size == 0
    assert answers.right().shape == (2, 0)
