"""Accuracy of a committee against the number of its members."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from jaxtyping import Float, Int

from hf_apt.models.committee.combination import combined
from hf_apt.models.committee.combination_names import Combination


@dataclass(frozen=True)
class CurvePoint:
    """What committees of one size do; means over subsets of the members."""

    size: int
    """Number of members of each committee."""

    num_subsets: int
    """Number of committees of that size that were evaluated."""

    accuracy: float
    """Mean share of texts that the committees answer right."""

    subset_spread: float
    """Standard deviation of the accuracy over these committees; NaN where there is only one.

    It says how much depends on which members are taken. It is not a standard error of the mean:
    committees share members, so they are not independent, and the more members they have in common,
    the smaller it gets."""

    binomial_error: float
    """Standard error of the accuracy from the number of texts alone, sqrt(p (1 - p) / I)."""

    cross_entropy: float
    """Mean cross-entropy of the committees' answers, in nats."""


def committee_curve(
    logits_MIC: Float[np.ndarray, "members inputs classes"],
    labels_I: Int[np.ndarray, " inputs"],
    combination: Combination = "mean_softmax",
    *,
    max_subsets: int = 200,
    seed: int = 0,
) -> list[CurvePoint]:
    """For each size from 1 to M, what committees of that many members do.

    All of them where there are at most `max_subsets`, else that many different ones at random.

    Raises ValueError for an unknown combination, `max_subsets` below 1, and labels that do not fit.
    """
    if max_subsets < 1:
        raise ValueError(f"a curve takes at least 1 subset of each size, got {max_subsets}.")
    logits_MIC, labels_I = np.asarray(logits_MIC), np.asarray(labels_I)
    if logits_MIC.ndim != 3 or logits_MIC.shape[1] != len(labels_I) or not len(labels_I):
        raise ValueError(
            f"logits of shape {logits_MIC.shape} came with {len(labels_I)} labels: the shape "
            "must be (members, texts, classes)."
        )
    if labels_I.min() < 0 or labels_I.max() >= logits_MIC.shape[2]:
        raise ValueError(
            f"labels from {labels_I.min()} to {labels_I.max()} do not fit "
            f"{logits_MIC.shape[2]} classes."
        )
    logits = torch.from_numpy(logits_MIC.astype(np.float64))
    labels = torch.from_numpy(labels_I.astype(np.int64))
    generator = np.random.default_rng(seed)
    points = []
    for size in range(1, len(logits) + 1):
        accuracies_R, losses_R = [], []
        for members in _subsets(len(logits), size, max_subsets, generator):
            answer_IC = combined(logits[list(members)], combination)
            accuracies_R.append((answer_IC.argmax(dim=1) == labels).double().mean().item())
            losses_R.append(torch.nn.functional.cross_entropy(answer_IC, labels).item())
        accuracy = float(np.mean(accuracies_R))
        points.append(
            CurvePoint(
                size=size,
                num_subsets=len(accuracies_R),
                accuracy=accuracy,
                subset_spread=float(np.std(accuracies_R, ddof=1))
                if len(accuracies_R) > 1
                else math.nan,
                binomial_error=math.sqrt(accuracy * (1 - accuracy) / len(labels)),
                cross_entropy=float(np.mean(losses_R)),
            )
        )
    return points


def _subsets(
    num_members: int, size: int, most: int, generator: np.random.Generator
) -> list[tuple[int, ...]]:
    """Different subsets, sorted: all of them, or `most` at random."""
    if math.comb(num_members, size) <= most:
        return list(combinations(range(num_members), size))
    subsets: set[tuple[int, ...]] = set()
    while len(subsets) < most:
        subsets.add(tuple(sorted(generator.permutation(num_members)[:size].tolist())))
    return sorted(subsets)
