"""Whether fine-tuning is what its kernel says: three criteria, each passed, failed or undefined."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

LEAST_SHARE_OF_ACCURACY = 0.9
"""The kernel solves a task when it has this share of the accuracy of fine-tuning."""

LEAST_SHARE_OF_GAIN = 0.5
"""The linearised model has this share of what fine-tuning gains over the start."""

LARGEST_DRIFT = 2.0
"""Gradients move by less than this, relative to their norm."""


@dataclass(frozen=True)
class Criterion:
    """One criterion with the number that it is judged by."""

    name: str
    """What is asked."""

    value: float | None
    """The number; None where there is none to judge by."""

    threshold: float
    """Where it passes."""

    passed: bool | None
    """Whether it passes; None where it is undefined."""

    @property
    def verdict(self) -> str:
        """`pass`, `fail` or `undefined`."""
        return {True: "pass", False: "fail", None: "undefined"}[self.passed]


def kernel_criteria(
    *,
    kernel_accuracy: float,
    finetuned_accuracy: float,
    start_accuracy: float,
    linearised_accuracy: float,
    drift: float,
) -> list[Criterion]:
    """The three criteria of arXiv 2210.05643 for fine-tuning in the kernel regime.

    The thresholds are those of a public reimplementation. The second is undefined where fine-tuning
    gains nothing over the start, the third where there was no gradient at the start.

    Args:
        kernel_accuracy: of the kernel's prediction.
        finetuned_accuracy: of fine-tuning on the same texts.
        start_accuracy: of the model before fine-tuning.
        linearised_accuracy: of the model linearised at the start, at the fine-tuned weights.
        drift: how far gradients moved, relative to their norm; NaN where that was 0.

    Returns:
        Kernel solves the task, linearisation, fixed features, in this order.

    >>> [each.verdict for each in kernel_criteria(kernel_accuracy=0.8, finetuned_accuracy=0.85,
    ...  start_accuracy=0.5, linearised_accuracy=0.6, drift=1.0)]
    ['pass', 'fail', 'pass']
    """
    gain = finetuned_accuracy - start_accuracy
    of_gain = (linearised_accuracy - start_accuracy) / gain if gain > 0 else None
    of_accuracy = kernel_accuracy / finetuned_accuracy if finetuned_accuracy > 0 else None
    known = None if math.isnan(drift) else drift
    is_fixed = None if known is None else known < LARGEST_DRIFT
    return [
        _at_least("the kernel has 90 % of the accuracy", of_accuracy, LEAST_SHARE_OF_ACCURACY),
        _at_least("the linearised model has 50 % of the gain", of_gain, LEAST_SHARE_OF_GAIN),
        Criterion("features are fixed", known, LARGEST_DRIFT, is_fixed),
    ]


def _at_least(name: str, value: float | None, threshold: float) -> Criterion:
    # A share of 0.9 in floating point may be just below.
    passed = None if value is None else bool(value >= threshold - 1e-12)
    return Criterion(name, value, threshold, passed)


def plain_criterion(criterion: Criterion) -> dict[str, Any]:
    """A criterion as JSON."""
    return {
        "name": criterion.name,
        "value": criterion.value,
        "threshold": criterion.threshold,
        "verdict": criterion.verdict,
    }
