"""Laws of what is taken for each other beyond what is common."""
# V vocabulary.

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from hf_apt.report.confusions.specific import MOST_MEMBERS, Answers


def counts_of(share_VV, support_V) -> csr_array:
    """Counts of rows that give each answer with this share, exactly."""
    return csr_array(np.rint(np.asarray(share_VV) * np.asarray(support_V)[:, None]).astype(int))


def test_answers_that_everything_gets_alike_have_no_core() -> None:
    """If what is answered does not depend on what is asked, nothing is specific."""
    common_V = np.array([0.5, 0.25, 0.125, 0.125])
    matrix = counts_of(np.tile(common_V, (4, 1)), [8, 80, 800, 16])
    answers = Answers(matrix)
    np.testing.assert_array_equal(answers.share_V, common_V)
    assert answers.specific_shares(np.arange(4)).max() == 0
    assert answers.core(np.arange(4), 8).tokens == []
    assert answers.core(np.arange(4), 8).strength == 0


def test_shares_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(0)
    matrix_VV = rng.poisson(rng.gamma(0.3, 4, (9, 9))) + 6 * np.eye(9, dtype=int)
    answers = Answers(csr_array(matrix_VV))
    tokens = np.array([7, 2, 4])
    made = answers.specific_shares(tokens)
    for i, asked in enumerate(tokens):
        for j, given in enumerate(tokens):
            num = matrix_VV[asked].sum()
            share = matrix_VV[asked, given] / num
            common = matrix_VV[:, given].sum() / matrix_VV.sum()
            beyond = share - common - (share * (1 - share) / num) ** 0.5
            assert made[i, j] == pytest.approx(0 if i == j else max(beyond, 0))


def chain(num: int, tight: list[int]) -> np.ndarray:
    """Shares of tokens each taken for the next a little, and `tight` ones for one another much."""
    share_VV = 0.05 * np.eye(num, k=1) + 0.05 * np.eye(num, k=-1)
    share_VV[np.ix_(tight, tight)] = 0.15
    np.fill_diagonal(share_VV, 0.5)
    return share_VV


def test_a_chain_of_weak_matches_is_seen_by_its_tight_part() -> None:
    answers = Answers(counts_of(chain(40, [11, 17, 23, 31]), np.full(40, 400)))
    core = answers.core(np.arange(40), 4)
    assert sorted(core.tokens) == [11, 17, 23, 31]
    assert sorted(answers.core(np.arange(40), 8).tokens[:4]) == [11, 17, 23, 31]


def test_a_core_goes_with_its_tokens_whatever_their_ids() -> None:
    matrix_VV = counts_of(chain(30, [3, 8, 21]), np.full(30, 300)).toarray()
    renamed = np.random.default_rng(4).permutation(30)
    other_VV = np.zeros_like(matrix_VV)
    other_VV[np.ix_(renamed, renamed)] = matrix_VV
    one = Answers(csr_array(matrix_VV)).core(np.arange(30), 3)
    other = Answers(csr_array(other_VV)).core(np.arange(30), 3)
    assert sorted(renamed[one.tokens]) == sorted(other.tokens)
    assert one.strength == pytest.approx(other.strength)


def test_the_same_shares_count_more_the_more_answers_they_are_of() -> None:
    strengths = [
        Answers(counts_of(chain(30, [3, 8, 21]), np.full(30, num))).core(np.arange(30), 3).strength
        for num in (20, 200, 2000)
    ]
    assert strengths == sorted(strengths)
    assert strengths[0] < strengths[-1] < 6 * 0.15


def test_of_a_huge_cluster_the_most_asked_members_are_looked_at() -> None:
    num = 3 * MOST_MEMBERS
    support_V = np.full(num, 100)
    support_V[-2:] = 1000
    answers = Answers(counts_of(chain(num, [num - 2, num - 1]), support_V))
    assert set(answers.core(np.arange(num), 2).tokens) == {num - 2, num - 1}
