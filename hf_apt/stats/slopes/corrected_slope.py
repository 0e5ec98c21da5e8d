"""The slope on mean APT that would be seen if the APT of tokens were known exactly.

Noise of the regressor flattens a line (Fuller, Measurement Error Models, 1987, section 1.2): half
of the spread of mean APT being noise, the slope is half of what it is. Here the noise is not of
each input alone, as inputs share tokens. Source: ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Integer
from scipy.sparse import csr_array
from scipy.stats import t as student_t

from hf_apt.stats.estimates import Slope
from hf_apt.stats.slopes.apt_noise import GroupedHits
from hf_apt.stats.slopes.class_slope import centred, in_shared_class, leverages


@dataclass(frozen=True)
class CorrectedSlope:
    """A slope freed of the noise of mean APT."""

    slope: Slope
    """The slope with its interval; NaN where mean APT does not differ by more than its noise."""

    reliability: float
    """The share of the spread of mean APT that is no noise, at most 1; below 0 by chance alone."""


def token_shares(
    ids_IT: Integer[np.ndarray, "inputs seq"],
    counted_IT: Bool[np.ndarray, "inputs seq"],
    known_V: Bool[np.ndarray, " vocab"],
) -> csr_array:
    """Which share of an input each known token is, (I, V), float64: rows sum to 1, or are empty.

    Counted are the positions of `counted_IT` whose token is in `known_V`. Its product with APT per
    token is the mean APT of inputs.

    >>> ids, known = np.array([[0, 1, 1, 1, 2]]), np.array([True, True, False])
    >>> token_shares(ids, np.ones((1, 5), bool), known).toarray().tolist()
    [[0.25, 0.75, 0.0]]
    """
    rows_P, places_P = np.nonzero(counted_IT & known_V[ids_IT])
    num_I = np.bincount(rows_P, minlength=len(ids_IT))
    shares = csr_array(
        (1 / num_I[rows_P], (rows_P, ids_IT[rows_P, places_P])), shape=(len(ids_IT), len(known_V))
    )
    shares.sum_duplicates()
    return shares


def corrected_slope(
    shares_IV: csr_array,
    y_I: Float[np.ndarray, " inputs"],
    classes_I: Integer[np.ndarray, " inputs"],
    counts: GroupedHits,
) -> CorrectedSlope:
    """The slope of y on mean APT within classes, corrected for the noise of APT.

    `shares_IV` are `token_shares` of the tokens that `counts` has in two groups at least; inputs
    without any are left out, as are those alone in their class. All inputs in one class, it is the
    slope over all of them.

    The spread of mean APT within classes is lessened by what `GroupedHits.noise` adds to it: the
    sum over tokens of their noise times the spread of their shares. The variance has two parts:
    that of inputs, as in `class_slope` (HC3), and that of the text on which APT was counted, from
    how far each group of sequences moves the slope, shared tokens included. What noise adds to the
    first is in the second, and taken off it. The interval is by Student's t with Satterthwaite's
    degrees of freedom. It is symmetric, and so a little too narrow where a few hundred tokens were
    asked but twice or three times each: it then holds the truth in 91 of 100 cases.

    With classes it tests, as `class_slope` does, what arXiv 2509.03407 (abstract) states of
    confidence and APT, of inputs of the same class; with one class, of all inputs alike.
    """
    used_I = np.diff(shares_IV.indptr) > 0
    used_I[used_I] = in_shared_class(classes_I[used_I])
    shares_IV, classes_I, nan = shares_IV[used_I], classes_I[used_I], float("nan")
    dx_I = centred(shares_IV @ np.nan_to_num(counts.apt_V), classes_I)
    dy_I = centred(y_I[used_I], classes_I)
    means_CV, places_I, sizes_C = _class_means(shares_IV, classes_I)
    squares_IV = shares_IV.power(2)
    spread_V = squares_IV.sum(axis=0) - sizes_C @ means_CV**2
    noise_V, seen = counts.noise(), float((dx_I**2).sum())
    spread, num = seen - float(noise_V @ spread_V), len(dx_I)
    freedom = num - len(sizes_C) - 1
    reliability = spread / seen if seen > 0 else nan
    if num == 0 or not reliability > 0 or freedom < 1:
        return CorrectedSlope(Slope(nan, nan, nan, nan, num), reliability)
    value = float((dx_I * dy_I).sum() / spread)
    # The noise variance in each centred mean APT.
    crossed_IC = shares_IV @ (means_CV * noise_V).T
    own_I = squares_IV @ noise_V - 2 * crossed_IC[np.arange(num), places_I]
    own_I += (means_CV**2 @ noise_V)[places_I]
    rest_I = dy_I - value * dx_I
    scores_I = (dx_I**2 - own_I) * (rest_I**2 - value**2 * own_I)
    of_inputs = float((scores_I / (1 - leverages(dx_I, classes_I)) ** 2).sum()) / spread**2
    apt_GV, noise_GV = counts.moves()
    moves_G = apt_GV @ (shares_IV.T @ (dy_I - 2 * value * dx_I)) + value * (noise_GV @ spread_V)
    num_groups = len(moves_G)
    of_text = float((moves_G**2).sum()) / spread**2 * num_groups / (num_groups - 1)
    variance = max(of_inputs, 0.0) + of_text
    if not variance > 0:  # all inputs are equally confident: no interval can be told
        return CorrectedSlope(Slope(value, nan, nan, nan, num), reliability)
    shrunk = max(of_inputs, 0.0) ** 2 / freedom + of_text**2 / (num_groups - 1)
    half = float(student_t.ppf(0.975, variance**2 / shrunk)) * variance**0.5
    return CorrectedSlope(Slope(value, variance**0.5, value - half, value + half, num), reliability)


def _class_means(
    shares_IV: csr_array, classes_I: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mean shares of each class (C, V), each input's class (I,), and sizes (C,)."""
    _, places_I, sizes_C = np.unique(classes_I, return_inverse=True, return_counts=True)
    entries = (1 / sizes_C[places_I], (places_I, np.arange(len(places_I))))
    inside_CI = csr_array(entries, shape=(len(sizes_C), len(places_I)))
    return csr_array(inside_CI @ shares_IV).toarray(), places_I, sizes_C
