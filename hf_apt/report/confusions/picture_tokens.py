"""The tokens of a confusion picture, in the order in which a reader wants to see them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.sparse import csr_array

from hf_apt.report.confusions.specific import Answers

PICTURE_TOKENS = 40
"""Tokens in a confusion picture."""
PICTURE_CLUSTER = 8
"""Most tokens that one cluster may give to a picture."""


def picture_tokens(
    matrix: csr_array, groups: Sequence[np.ndarray], asked: Iterable[int]
) -> tuple[list[int], list[int]]:
    """The ids of the tokens of a confusion picture, and how many belong together, in runs.

    Those clusters come first whose tokens are taken for each other most beyond what is common
    (`hf_apt.report.confusions.specific`), and of each the tokens that are: not the largest cluster,
    which weak matches may have tied into a chain, nor the answers that everything gets. If there
    are too few, the most `asked` tokens fill up.

    `matrix` are the counts of the last depth, `groups` its clusters.
    """
    answers = Answers(matrix)
    cores = [answers.core(group, PICTURE_CLUSTER) for group in groups]
    tokens: list[int] = []
    lengths: list[int] = []
    for core in sorted(cores, key=lambda core: -core.strength):
        room = PICTURE_TOKENS - len(tokens)
        if room < 2 or len(core.tokens) < 2:
            break
        tokens += core.tokens[:room]
        lengths.append(len(core.tokens[:room]))
    alone = [token for token in asked if token not in set(tokens)]
    return tokens + alone[: PICTURE_TOKENS - len(tokens)], lengths


def picture_counts(matrix: csr_array, tokens: Sequence[int]) -> list[int]:
    """The counts among the tokens of a picture, flat: cell, count, cell, count, ...

    The cell of row i and column j among K tokens is i K + j; cells of no answer are left out.
    """
    ids = np.array(tokens, np.int64)
    counts_X = matrix[ids][:, ids].toarray().ravel()
    cells = np.flatnonzero(counts_X)
    return np.stack([cells, counts_X[cells]], axis=1).ravel().tolist()
