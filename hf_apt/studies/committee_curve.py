"""Accuracy of a committee against the number of its members."""
# K members, M texts, C classes, S subsets.

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from jaxtyping import Float, Int

from hf_apt.models.committee.combination import Combination, combined


@dataclass(frozen=True)
class CurvePoint:
    """What committees of one size do; means over subsets of the members."""

    size: int
    """Members of each committee."""

    num_subsets: int
    """Committees of that size that were asked."""

    accuracy: float
    """Mean share of texts that they answer right."""

    subset_spread: float
    """Standard deviation of the accuracy over these committees; NaN where there is one alone.

    It says how much depends on which members are taken. It is no standard error of the mean:
    committees share members, so they are not independent, and the more of the members they have in
    common, the smaller it gets."""

    binomial_error: float
    """Standard error of the accuracy from the number of texts alone, sqrt(p (1 - p) / M)."""

    cross_entropy: float
    """Mean cross-entropy of their answers, in nats."""


def committee_curve(
    logits_KMC: Float[np.ndarray, "members texts classes"],
    labels_M: Int[np.ndarray, " texts"],
    combination: Combination = "mean_softmax",
    *,
    max_subsets: int = 200,
    seed: int = 0,
) -> list[CurvePoint]:
    """For each size 1 to K, the committees of so many of the members.

    All of them where there are at most `max_subsets`, else as many different ones at random.

    Raises ValueError for an unknown combination, `max_subsets` below 1, and labels that do not fit.
    """
    if max_subsets < 1:
        raise ValueError(f"a curve takes at least 1 subset of each size, got {max_subsets}.")
    logits_KMC, labels_M = np.asarray(logits_KMC), np.asarray(labels_M)
    if logits_KMC.ndim != 3 or logits_KMC.shape[1] != len(labels_M) or not len(labels_M):
        raise ValueError(
            f"logits of shape {logits_KMC.shape} came with {len(labels_M)} labels: it takes "
            "(members, texts, classes)."
        )
    if labels_M.min() < 0 or labels_M.max() >= logits_KMC.shape[2]:
        raise ValueError(
            f"labels from {labels_M.min()} to {labels_M.max()} do not fit "
            f"{logits_KMC.shape[2]} classes."
        )
    logits = torch.from_numpy(logits_KMC.astype(np.float64))
    labels = torch.from_numpy(labels_M.astype(np.int64))
    generator = np.random.default_rng(seed)
    points = []
    for size in range(1, len(logits) + 1):
        accuracies_S, losses_S = [], []
        for members in _subsets(len(logits), size, max_subsets, generator):
            answer_MC = combined(logits[list(members)], combination)
            accuracies_S.append((answer_MC.argmax(dim=1) == labels).double().mean().item())
            losses_S.append(torch.nn.functional.cross_entropy(answer_MC, labels).item())
        accuracy = float(np.mean(accuracies_S))
        points.append(
            CurvePoint(
                size=size,
                num_subsets=len(accuracies_S),
                accuracy=accuracy,
                subset_spread=float(np.std(accuracies_S, ddof=1))
                if len(accuracies_S) > 1
                else math.nan,
                binomial_error=math.sqrt(accuracy * (1 - accuracy) / len(labels)),
                cross_entropy=float(np.mean(losses_S)),
            )
        )
    return points


def _subsets(
    num_members: int, size: int, most: int, generator: np.random.Generator
) -> list[tuple[int, ...]]:
    """Different subsets, sorted: all of them, or `most` at random."""
    if math.comb(num_members, size) <= most:
        return list(combinations(range(num_members), size))
    found: set[tuple[int, ...]] = set()
    while len(found) < most:
        found.add(tuple(sorted(generator.permutation(num_members)[:size].tolist())))
    return sorted(found)
