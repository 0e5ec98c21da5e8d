"""The first tokens of a confusion picture are those that are known to be taken for each other."""
# V vocabulary.

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from synthetic_runs import planted_classes, synthetic_counts

from hf_apt.report.confusions.picture_tokens import (
    PICTURE_CLUSTER,
    PICTURE_TOKENS,
    picture_counts,
    picture_tokens,
)
from hf_apt.stats.readout_analysis import ReadoutAnalysis


def runs_of(tokens, lengths):
    starts = np.r_[0, np.cumsum(lengths)]
    return [tokens[start:end] for start, end in zip(starts, starts[1:], strict=False)]


@pytest.fixture(scope="module")
def planted():
    """A made-up model of a language whose classes are known, at its last depth."""
    class_V = planted_classes(200, np.random.default_rng(1))
    counts, _ = synthetic_counts(class_V, 3, 40_000, 0.8)
    analysis = ReadoutAnalysis.of_counts(counts)
    groups = analysis.clusters(2, 0.05, "mutual").members
    asked = np.argsort(-analysis.support_V, kind="stable").tolist()
    return class_V, analysis.table(2).matrix, groups, asked


def test_each_frame_holds_tokens_of_one_planted_class(planted) -> None:
    class_V, matrix, groups, asked = planted
    tokens, lengths = picture_tokens(matrix, groups, asked)
    framed = runs_of(tokens, lengths)
    assert len(framed) >= 5
    assert sum(map(len, framed)) >= 30
    for run in framed:
        assert len(set(class_V[run])) == 1
        assert class_V[run[0]] >= 0
    assert len(set(tokens)) == len(tokens) == PICTURE_TOKENS
    assert all(2 <= length <= PICTURE_CLUSTER for length in lengths)


def test_neither_a_larger_chain_nor_common_answers_come_first() -> None:
    """Four tokens taken for each other stand before a chain of twenty, and before function words.

    Tokens 0 and 1 are what a fifth of all answers is, whatever was asked, as function words are.
    """
    num, months = 60, [40, 41, 42, 43]
    share_VV = np.zeros((num, num))
    share_VV[:, :2] = 0.1
    share_VV[np.arange(10, 29), np.arange(11, 30)] = share_VV[
        np.arange(11, 30), np.arange(10, 29)
    ] = 0.06
    share_VV[np.ix_(months, months)] = 0.1
    share_VV[np.arange(num), np.arange(num)] = 0.4
    support_V = np.full(num, 300)
    support_V[:2] = 6000
    matrix = csr_array(np.rint(share_VV * support_V[:, None]).astype(int))
    groups = [np.arange(10, 30), np.array([0, 1]), np.array(months)]  # the largest first
    tokens, lengths = picture_tokens(matrix, groups, range(num))
    framed = runs_of(tokens, lengths)
    assert set(framed[0]) == set(months)
    assert set(framed[1]) <= set(range(10, 30))
    assert not any({0, 1} & set(run) for run in framed)
    assert tokens[sum(lengths) :][:2] == [0, 1]  # the most asked fill up


def test_without_clusters_the_most_asked_are_shown() -> None:
    matrix = csr_array(np.eye(50, dtype=int))
    assert picture_tokens(matrix, [], range(50)) == (list(range(PICTURE_TOKENS)), [])


def test_counts_are_those_of_the_matrix(planted) -> None:
    _, matrix, groups, asked = planted
    tokens, _ = picture_tokens(matrix, groups, asked)
    flat = picture_counts(matrix, tokens)
    rebuilt = np.zeros(len(tokens) ** 2, int)
    rebuilt[flat[::2]] = flat[1::2]
    for row, asked_for in enumerate(tokens):
        for column, answer in enumerate(tokens):
            assert rebuilt[row * len(tokens) + column] == matrix[asked_for, answer]
    assert 0 not in flat[1::2]
