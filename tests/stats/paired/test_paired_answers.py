"""Laws of paired answers."""

import numpy as np
import pytest

from hf_apt.stats.measures.answers import Answers
from hf_apt.stats.measures.rarefied_apt import RarefiedApt
from hf_apt.stats.paired.paired_answers import PairedAnswers


def measured(seed: int, depths: int = 2) -> RarefiedApt:
    """The same 500 positions of 30 tokens, answered by another model for each seed."""
    rng = np.random.default_rng(0)
    references_N, sequences_N = rng.integers(0, 30, 500), rng.integers(0, 70, 500)
    predictions_DN = np.random.default_rng(seed).integers(0, 30, (depths, 500))
    measure = RarefiedApt.empty(depths)
    none_N = np.zeros(500, int)
    measure.update(Answers(references_N, none_N, sequences_N, predictions_DN, predictions_DN * 0.0))
    return measure


def test_sums_over_groups_are_the_tokens_own():
    a, b = measured(1), measured(2)
    pairs = PairedAnswers.of_measures(a, b)
    support_T, hits_a_DT, hits_b_DT = pairs.by_token()
    for measure, hits_DT in ((a, hits_a_DT), (b, hits_b_DT)):
        support_V, hits_DV = measure._by_token(30)
        assert support_T.tolist() == support_V[pairs.tokens].tolist()
        assert hits_DT.tolist() == hits_DV[:, pairs.tokens].tolist()
    for depth in range(2):
        gains_T = pairs.gains(depth).sum(axis=1)
        assert gains_T.tolist() == (hits_b_DT - hits_a_DT)[depth].tolist()


def test_a_set_of_tokens_has_its_own_pairs():
    pairs = PairedAnswers.of_measures(measured(1), measured(2))
    part = pairs.of_tokens(np.arange(12) >= 10)
    assert part.tokens.tolist() == [10, 11]
    assert len(pairs.of_tokens(np.zeros(30, bool)).tokens) == 0


def test_other_positions_are_refused():
    other = RarefiedApt.empty(2)
    one_N = np.zeros(1, int)
    other.update(Answers(one_N, one_N, one_N, np.zeros((2, 1), int), np.zeros((2, 1))))
    with pytest.raises(ValueError, match="other asked positions"):
        PairedAnswers.of_measures(measured(1), other)
