"""How much each training example is to count, by how another classifier answered it over epochs.

`co_training`: Sadat and Caragea 2024, "Co-training for Low Resource Scientific Natural Language
Inference", arXiv 2406.14666.
"""
# N training examples.

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Float

from hf_apt.stats.dynamics.training_dynamics import DynamicsRecord

Weighting = Literal["none", "co_training", "threshold", "filter", "oracle"]
"""By what examples are weighted."""


def co_training_weights(others: DynamicsRecord, side: int) -> Float[np.ndarray, " examples"]:
    """Weights for classifier `side` of two, 0 or 1, from the other one's record, in [0, 1].

    Confidence minus variability for the first, which trusts what is steadily believed, and
    confidence plus variability for the second, which keeps what is ambiguous; each moved and
    stretched so that the least is 0 and the largest 1. Ones where all are alike.
    """
    sign = (-1, 1)[side]
    raw_N = others.confidence_N + sign * others.variability_N
    low, high = raw_N.min(), raw_N.max()
    return (raw_N - low) / (high - low) if high > low else np.ones_like(raw_N)


def threshold_weights(others: DynamicsRecord, least: float = 0.5) -> Float[np.ndarray, " examples"]:
    """1 for examples whose label the other classifier gave at least `least` at last, else 0."""
    return (others.probability_EN[-1] >= least).astype(np.float64)


def filter_weights(others: DynamicsRecord, dropped: float) -> Float[np.ndarray, " examples"]:
    """0 for the share `dropped` of examples of lowest confidence, hard to learn, else 1.

    Of equal ones the first are dropped.
    """
    weights_N = np.ones(len(others.confidence_N))
    num = round(dropped * len(weights_N))
    weights_N[np.argsort(others.confidence_N, kind="stable")[:num]] = 0.0
    return weights_N
