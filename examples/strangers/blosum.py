"""Are a model's errors like those of evolution? Rank correlation with BLOSUM62, by permutation."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

RESIDUES = "ARNDCQEGHILKMFPSTWYV"
"""The amino acids in the order of `BLOSUM62`."""

_LOWER = """
4
-1 5
-2 0 6
-2 -2 1 6
0 -3 -3 -3 9
-1 1 0 0 -3 5
-1 0 0 2 -4 2 5
0 -2 0 -1 -3 -2 -2 6
-2 0 1 -1 -3 0 0 -2 8
-1 -3 -3 -3 -1 -3 -3 -4 -3 4
-1 -2 -3 -4 -1 -2 -3 -4 -3 2 4
-1 2 0 -1 -3 1 1 -2 -1 -3 -2 5
-1 -1 -2 -3 -1 0 -2 -3 -2 1 2 -1 5
-2 -3 -3 -3 -2 -3 -3 -3 -1 0 0 -3 0 6
-1 -2 -2 -1 -3 -1 -1 -2 -2 -3 -3 -1 -2 -4 7
1 -1 1 0 -1 0 0 0 -1 -2 -2 0 -1 -2 -1 4
0 -1 0 -1 -1 -1 -1 -2 -2 -1 -1 -1 -1 -2 -1 1 5
-3 -3 -4 -4 -2 -2 -3 -2 -2 -3 -2 -3 -1 1 -4 -3 -2 11
-2 -2 -2 -3 -2 -1 -2 -3 2 -1 -1 -2 -1 3 -3 -2 -2 2 7
0 -3 -3 -3 -1 -2 -2 -3 -3 3 1 -2 1 -1 -2 -2 0 -3 -1 4
"""


def _symmetric(lower: str) -> np.ndarray:
    rows = [[int(cell) for cell in line.split()] for line in lower.strip().splitlines()]
    half_RR = np.array([row + [0] * (len(rows) - len(row)) for row in rows])
    return half_RR + half_RR.T - np.diag(half_RR.diagonal())


BLOSUM62 = _symmetric(_LOWER)
"""Log-odds of substitutions in half bits (Henikoff and Henikoff 1992, PNAS 89, 10915), (20, 20)."""

_PAIRS = np.tril_indices(len(RESIDUES), -1)


def error_log_odds(errors_RR: np.ndarray) -> np.ndarray:
    """How much more often two residues are taken for one another than independent errors would be.

    Expected are errors with as many of each residue and as many of each answer that are otherwise
    independent (quasi-independence, Goodman 1968). Half an error is added to both, so that pairs
    that never occur have a number. The diagonal says nothing.

    Args:
        errors_RR: integers of shape (20, 20), rows the true residues, columns the answers.

    Returns:
        Symmetric log-odds, natural logarithms, of shape (20, 20).
    """
    errors_RR = np.where(np.eye(len(errors_RR), dtype=bool), 0, errors_RR).astype(float)
    expected_RR = 1.0 - np.eye(len(errors_RR))
    for _ in range(1000):  # to both sums in turn: iterative proportional fitting
        for axis in (1, 0):
            sums_R = expected_RR.sum(axis, keepdims=True)
            expected_RR *= errors_RR.sum(axis, keepdims=True) / np.where(sums_R > 0, sums_R, 1)
    return np.log((errors_RR + errors_RR.T + 0.5) / (expected_RR + expected_RR.T + 0.5))


def blosum_agreement(
    errors_RR: np.ndarray, *, num_permutations: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Spearman's correlation of the errors' log-odds and BLOSUM62 over the 190 pairs of residues.

    Args:
        errors_RR: integers of shape (20, 20), in the order of `RESIDUES`; the diagonal is not read.
        num_permutations: permutations of the residues, as many of rows as of columns.
        seed: seed of the permutations.

    Returns:
        The correlation, and the share of permuted matrices that agree at least as well, this one
        among them. NaN and 1 where the log-odds do not vary.
    """
    odds_P = _standard(error_log_odds(errors_RR)[_PAIRS])
    if odds_P is None:
        return float("nan"), 1.0
    ranks_P = rankdata(BLOSUM62[_PAIRS])
    ranks_RR = np.zeros_like(BLOSUM62, dtype=float)
    ranks_RR[_PAIRS] = (ranks_P - ranks_P.mean()) / np.linalg.norm(ranks_P - ranks_P.mean())
    ranks_RR += ranks_RR.T
    observed = float(odds_P @ ranks_RR[_PAIRS])
    generator, num_as_good = np.random.default_rng(seed), 1
    for _ in range(num_permutations):
        order_R = generator.permutation(len(RESIDUES))
        permuted = float(odds_P @ ranks_RR[np.ix_(order_R, order_R)][_PAIRS])
        num_as_good += permuted >= observed - 1e-12
    return observed, num_as_good / (num_permutations + 1)


def similar_answers(errors_RR: np.ndarray) -> int:
    """Number of residues whose commonest wrong answer BLOSUM62 calls likely, above 0."""
    errors_RR = np.where(np.eye(len(errors_RR), dtype=bool), 0, errors_RR)
    scores_R = BLOSUM62[np.arange(len(errors_RR)), errors_RR.argmax(axis=1)]
    return int(((scores_R > 0) & (errors_RR.sum(axis=1) > 0)).sum())


def _standard(values_P: np.ndarray) -> np.ndarray | None:
    """Centred ranks of length 1, or None where all values are equal."""
    ranks_P = rankdata(values_P) - (len(values_P) + 1) / 2
    length = np.linalg.norm(ranks_P)
    return ranks_P / length if length > 0 else None
