"""Laws of the strongest confusions: shares of a token's positions, one answer each."""

import numpy as np
import pytest

from hf_apt.stats.acquisition.step_confusions import TakenFor, strongest_confusions
from hf_apt.stats.counts import DepthCounts


def slow(references_N, predictions_N, min_support: int, most: int) -> list[TakenFor]:
    """The strongest confusions, found by a loop over the tokens."""
    made = []
    for token in np.unique(references_N).tolist():
        answers_M = predictions_N[references_N == token]
        if len(answers_M) < min_support:
            continue
        wrong = sorted(
            (-int((answers_M == answer).sum()), int(answer))
            for answer in np.unique(answers_M)
            if answer != token
        )
        if wrong:
            share = -wrong[0][0] / len(answers_M)
            made.append((-share, -len(answers_M), token, wrong[0][1]))
    return [TakenFor(token, answer, -share) for share, _, token, answer in sorted(made)[:most]]


@pytest.mark.parametrize("min_support", [1, 5])
def test_they_are_those_found_token_by_token(min_support) -> None:
    rng = np.random.default_rng(0)
    for vocab in (2, 5, 30):
        references_N = rng.integers(0, vocab, 150)
        predictions_DN = rng.integers(0, vocab, (2, 150))
        counts = DepthCounts.empty(2, vocab)
        counts.update(references_N, predictions_DN, rng.integers(0, 3, 150))
        told = strongest_confusions(counts, min_support=min_support, most=7)
        for predictions_N, pairs in zip(predictions_DN, told, strict=True):
            assert pairs == slow(references_N, predictions_N, min_support, 7)


def test_right_answers_alone_are_no_confusion() -> None:
    counts = DepthCounts.empty(1, 3)
    counts.update(np.array([0, 1]), np.array([[0, 1]]), np.zeros(2, int))
    assert strongest_confusions(counts, min_support=1) == [[]]
