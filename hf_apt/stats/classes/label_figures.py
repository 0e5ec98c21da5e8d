"""Accuracy of each label at each depth, confusions, clusters and noise, by the counts of tokens.

A label of a classification task takes the place of a token, and an image or text that of a modified
position: accuracy per token, the order parameter, the confusion table and its clusters are then
those of `hf_apt.stats` (arXiv 2509.03407 for tokens; for labels ours).
"""

from __future__ import annotations

from typing import Any, TypedDict

import numpy as np
from jaxtyping import Float, Int

from hf_apt.stats.apt import masked_accuracy, mean_apt
from hf_apt.stats.clusters import (
    DEFINITIONS,
    ERRORS_HEADLINE,
    HEADLINE,
    THRESHOLDS,
    strong_matches,
    token_clusters,
)
from hf_apt.stats.confusion import Confusion, confusion, noise_mass
from hf_apt.stats.counts import PairCounts
from hf_apt.stats.depth_figures import ClusterFigures, PlainEstimate
from hf_apt.stats.depth_summary import cluster_figures
from hf_apt.stats.estimates import mean_estimate, plain

_MOST_CONFUSED = 20


class LabelFigures(TypedDict):
    """The figures of one depth, as plain JSON."""

    accuracy: PlainEstimate
    """Share of right answers, with its binomial error; `num` is the number of examples."""

    mean_label_accuracy: PlainEstimate
    """Unweighted mean over labels of the accuracy of each, with its error over labels."""

    growth: PlainEstimate | None
    """Accuracy less that of the depth before, paired by example; None at the first."""

    hits: list[int]
    """Right answers of each label."""

    support: list[int]
    """Examples of each label."""

    num_kept: int
    """Labels whose right answer is their commonest one."""

    noise: PlainEstimate
    """Mean over labels, with its error over them, of the share of answers that are neither right
    nor a strong match of the definition that tables show. A label that is not kept has no strong
    match: all its wrong answers are noise."""

    confused: list[list[int]]
    """The commonest wrong answers: label, answer, how often; twenty at most."""

    members: dict[str, list[list[int]]]
    """Labels of each cluster, by definition: `mutual` and `errors` at their usual thresholds."""

    clusters: list[ClusterFigures]
    """Number and sizes of clusters, and noise, by threshold and definition."""


def label_counts(
    labels_I: Int[np.ndarray, " examples"],
    answers_I: Int[np.ndarray, " examples"],
    num_labels: int,
) -> PairCounts:
    """How often each label was answered where another was right.

    Args:
        labels_I: the right label of each example, from 0.
        answers_I: the label that a classifier gave it.
        num_labels: number of labels.

    Returns:
        Counts as those of tokens; label by label they add up over parts of the data.

    Raises:
        ValueError: for a label or answer out of range, and other numbers of them.
    """
    return PairCounts(num_labels).update(labels_I, answers_I)


def label_figures(
    labels_I: Int[np.ndarray, " examples"],
    answers_DI: Int[np.ndarray, "depth examples"],
    num_labels: int,
) -> list[LabelFigures]:
    """What there is to say of the answers of each depth.

    Args:
        labels_I: the right label of each example, from 0.
        answers_DI: the label that was answered at each depth.
        num_labels: number of labels.

    Returns:
        The figures, by depth.

    Raises:
        ValueError: for a label or answer out of range, and other numbers of them.
    """
    depths: list[LabelFigures] = []
    right_DI = answers_DI == labels_I
    for depth, answers_I in enumerate(answers_DI):
        pairs = label_counts(labels_I, answers_I, num_labels)
        table = confusion(pairs)
        growth = None
        if depth > 0:
            growth = mean_estimate(right_DI[depth] - right_DI[depth - 1].astype(np.float64))
        figures: dict[str, Any] = {
            "accuracy": masked_accuracy(pairs.hits(), pairs.support()),
            "mean_label_accuracy": mean_apt(pairs.hits(), pairs.support()),
            "growth": growth,
            "hits": pairs.hits().tolist(),
            "support": pairs.support().tolist(),
            "num_kept": int(table.kept_V.sum()),
            "noise": mean_estimate(label_noise(table)),
            "confused": _confused(table.matrix.toarray()),
            "members": {
                definition: [
                    labels.tolist()
                    for labels in token_clusters(table, threshold, definition).members
                ]
                for definition, threshold in (HEADLINE, ERRORS_HEADLINE)
            },
            "clusters": [
                cluster_figures(token_clusters(table, threshold, definition), table)
                for threshold in THRESHOLDS
                for definition in DEFINITIONS
            ],
        }
        depths.append(plain(figures))
    return depths


def label_noise(table: Confusion) -> Float[np.ndarray, " labels"]:
    """Of each label the share of answers that are neither right nor a strong match; else NaN.

    Strong matches are those of the definition and threshold that tables show (`HEADLINE`). A label
    that is not kept has none, and all its wrong answers are noise (ours).
    """
    matrix = table.matrix
    with np.errstate(invalid="ignore"):
        noise_V = 1 - matrix.diagonal() / matrix.sum(axis=1)
    noise_V[table.kept_V] = noise_mass(table, strong_matches(table, HEADLINE[1]))
    return noise_V


def _confused(counts_CC: np.ndarray) -> list[list[int]]:
    wrong_CC = counts_CC * ~np.eye(len(counts_CC), dtype=bool)
    rows, columns = np.nonzero(wrong_CC)
    order = np.argsort(-wrong_CC[rows, columns], kind="stable")[:_MOST_CONFUSED]
    return [[int(rows[i]), int(columns[i]), int(wrong_CC[rows[i], columns[i]])] for i in order]
