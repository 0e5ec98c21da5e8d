"""The slope of a line within classes: between inputs of one class, not between classes.

Where classes differ in the mean of x and in the mean of y, a line through all inputs has a slope
that says nothing of the inputs of any class (Simpson's paradox).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Integer
from scipy.stats import t as student_t

from hf_apt.stats.estimates import Slope


def class_slope(
    x_I: Float[np.ndarray, " inputs"],
    y_I: Float[np.ndarray, " inputs"],
    classes_I: Integer[np.ndarray, " inputs"],
) -> Slope:
    """The slope of y on x by least squares, both centred by the means of their class.

    It is that of one line for each class, all of the same slope. The error is HC3's, as in
    `hf_apt.stats.estimates.slope`, with the class means counted among what was fitted; Student's t
    has as many degrees of freedom as inputs without classes and slope. Inputs alone in their class
    say nothing and are not among `num`. Of a single class it is `slope`.

    For x the mean APT of the input's tokens and y the label confidence, 0 is what arXiv 2509.03407
    (abstract) states of fine-tuning, that confidence does not depend on APT, for inputs of one and
    the same class.

    >>> x, y = np.array([0.0, 1.0, 2.0, 5.0, 6.0, 7.0]), np.array([0.0, 1.0, 2.0, 0.0, 1.0, 2.0])
    >>> class_slope(x, y, np.array([0, 0, 0, 1, 1, 1])).value
    1.0
    """
    shared_I = in_shared_class(classes_I)
    classes_I, nan = classes_I[shared_I], float("nan")
    dx_I, dy_I = centred(x_I[shared_I], classes_I), centred(y_I[shared_I], classes_I)
    num, spread = len(dx_I), float((dx_I**2).sum())
    if spread <= _ROUNDING * float((x_I**2).sum()):
        return Slope(nan, nan, nan, nan, num)
    value = float((dx_I * dy_I).sum() / spread)
    remaining_I = 1 - leverages(dx_I, classes_I)
    freedom = num - len(np.unique(classes_I)) - 1
    if freedom < 1 or remaining_I.min() < _ROUNDING:  # without that input there is no slope
        return Slope(value, nan, nan, nan, num)
    moves_I = dx_I * (dy_I - value * dx_I) / remaining_I / spread
    error = float(np.sqrt((moves_I**2).sum()))
    half = float(student_t.ppf(0.975, freedom)) * error
    return Slope(value, error, value - half, value + half, num)


_ROUNDING = 1e-12


def in_shared_class(classes_I: Integer[np.ndarray, " inputs"]) -> Bool[np.ndarray, " inputs"]:
    """Whether each input has another one in its class.

    >>> in_shared_class(np.array([3, 1, 3])).tolist()
    [True, False, True]
    """
    _, places_I, sizes_C = np.unique(classes_I, return_inverse=True, return_counts=True)
    return sizes_C[places_I] > 1


def centred(
    values_I: Float[np.ndarray, " inputs"], classes_I: Integer[np.ndarray, " inputs"]
) -> Float[np.ndarray, " inputs"]:
    """Values less the mean of their class.

    >>> centred(np.array([1.0, 3.0, 5.0]), np.array([0, 0, 1])).tolist()
    [-1.0, 1.0, 0.0]
    """
    _, places_I, sizes_C = np.unique(classes_I, return_inverse=True, return_counts=True)
    return values_I - (np.bincount(places_I, values_I) / sizes_C)[places_I]


def leverages(
    dx_I: Float[np.ndarray, " inputs"], classes_I: Integer[np.ndarray, " inputs"]
) -> Float[np.ndarray, " inputs"]:
    """The share of each fitted value that is due to the input's own y, for a centred x."""
    _, places_I, sizes_C = np.unique(classes_I, return_inverse=True, return_counts=True)
    return 1 / sizes_C[places_I] + dx_I**2 / (dx_I**2).sum()
