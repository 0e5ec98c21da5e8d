"""Which depth is enough for a task, and whether an earlier depth is better than the last."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hf_apt.stats.estimates import Estimate, mean_estimate, over_seeds

_NORMAL = 1.959964
"""Standard errors on either side of the mean that hold 95 % of a normal distribution."""


@dataclass(frozen=True)
class EnoughDepth:
    """What the accuracies of all depths advise."""

    best: int
    """The depth of the largest mean accuracy, the first of equal ones."""

    best_accuracy: Estimate
    """The mean accuracy there, with its error over seeds or, of one seed, over test texts."""

    enough: int
    """The smallest depth whose mean accuracy is within one standard error of the best one's."""

    enough_accuracy: Estimate
    """The mean accuracy there."""

    earlier: int
    """The best depth before the last."""

    earlier_minus_last: Estimate
    """By how much accuracy is better at an earlier depth than after the last block, paired by seed;
    the standard error is NaN for one seed, and at least what test texts alone make of such a
    difference."""

    low: float
    """Lower end of the difference's 95 % interval, by Student's t with one degree of freedom less
    than there are seeds, or by the normal distribution and the error of the test texts, whichever
    is wider; NaN for one seed."""

    high: float
    """Upper end of the interval."""

    @property
    def is_earlier_better(self) -> bool:
        """Whether the interval of the difference lies above 0: an earlier depth beats the last."""
        return self.low > 0


def enough_depth(accuracy_RD: Float[np.ndarray, "seeds depth"], num_test: int) -> EnoughDepth:
    """The smallest depth that is as good as the best, and the best earlier one against the last.

    `enough` follows the rule of one standard error (Breiman et al. 1984, Classification and
    Regression Trees, section 3.4.3): the error is that of the best depth's mean. As the largest of
    several noisy means is too large, `earlier_minus_last` chooses fairly: of each seed it takes the
    accuracy at that earlier depth which is best in the mean of the other seeds, less that after the
    last block (ours). One seed has no others, and its difference is then too large.

    Few seeds can agree by chance: a difference d of answers to N texts has at least the variance
    d (1 - d) / N, which is that of all changed answers changing in one direction. Its error and
    interval are never smaller (ours).

    Args:
        accuracy_RD: accuracies in [0, 1] of every seed at every depth, (R, D).
        num_test: number of test texts of a seed.

    Returns:
        The depths, and the difference with its interval.

    Raises:
        ValueError: for fewer than two depths, no seed, and accuracies outside [0, 1].

    >>> enough_depth(np.array([[0.50, 0.79, 0.80], [0.52, 0.81, 0.84]]), 100).enough
    1
    """
    accuracy_RD = np.asarray(accuracy_RD, np.float64)
    if accuracy_RD.ndim != 2 or not len(accuracy_RD) or accuracy_RD.shape[1] < 2:
        raise ValueError(
            f"accuracies of shape {accuracy_RD.shape} came: a row for each seed and at least two "
            "depths are needed."
        )
    if not ((accuracy_RD >= 0) & (accuracy_RD <= 1)).all():
        raise ValueError("an accuracy is no share from 0 to 1: give shares of right answers.")
    estimates = over_seeds(list(accuracy_RD), num_test)
    means_D = accuracy_RD.mean(axis=0)
    best = int(means_D.argmax())
    error = estimates[best].standard_error
    enough = first_enough(means_D, error)
    difference_R = (
        np.array(
            [
                accuracies_D[_choice(accuracy_RD, seed)]
                for seed, accuracies_D in enumerate(accuracy_RD)
            ]
        )
        - accuracy_RD[:, -1]
    )
    difference = mean_estimate(difference_R)
    changed = abs(difference.value)
    of_texts = float(np.sqrt(changed * (1 - changed) / (num_test * difference.num)))
    half = np.maximum(_half_width(difference), _NORMAL * of_texts)  # NaN for one seed
    return EnoughDepth(
        best=best,
        best_accuracy=estimates[best],
        enough=enough,
        enough_accuracy=estimates[enough],
        earlier=int(means_D[:-1].argmax()),
        earlier_minus_last=Estimate(
            difference.value,
            float(np.maximum(difference.standard_error, of_texts)),
            difference.num,
        ),
        low=float(difference.value - half),
        high=float(difference.value + half),
    )


def first_enough(means_X: Float[np.ndarray, " values"], error: float) -> int:
    """The index of the first value that is at most one `error` below the largest.

    >>> first_enough(np.array([0.5, 0.7, 0.75]), 0.1)
    1
    """
    return int((means_X >= means_X.max() - error - 1e-12).argmax())


def _choice(accuracy_RD: np.ndarray, seed: int) -> int:
    """The best earlier depth in the mean of the other seeds; of one seed, in itself."""
    others_RD = np.delete(accuracy_RD, seed, axis=0) if len(accuracy_RD) > 1 else accuracy_RD
    return int(others_RD.mean(axis=0)[:-1].argmax())


def _half_width(difference: Estimate) -> float:
    if difference.num < 2:
        return float("nan")
    from scipy.stats import t as student_t

    return float(student_t.ppf(0.975, difference.num - 1)) * difference.standard_error
