"""Wrong labels looked for by their distance to the prototypes of classes.

That texts far from the mean of their class are suspects is the idea of arXiv 2110.11553; the margin
and the mean without the text itself are ours.
"""
# I texts, C classes, H units.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from hf_apt.stats.classes.prototypes import Nearness, nearness


@dataclass(frozen=True)
class Detection:
    """How well suspected labels are the wrong ones."""

    precision: float
    """Share of the suspects that are wrong, in [0, 1]; NaN without a suspect."""

    recall: float
    """Share of the wrong labels that are suspects, in [0, 1]; NaN without a wrong label."""

    num_suspects: int
    """Number of suspects."""

    share_wrong: float
    """Share of wrong labels among all texts: the precision of suspects drawn at random."""


def label_margins(
    features_IH: Float[np.ndarray, "texts width"],
    labels_I: Int[np.ndarray, " texts"],
    kind: Nearness = "cosine",
    *,
    num_rounds: int = 1,
) -> Float[np.ndarray, " texts"]:
    """How much nearer each text is to the prototype of its own label than to the best other one.

    Below 0 another class is nearer. The own prototype is the mean without the text itself, which
    would else draw it near; a text that is alone in its class has a margin of minus infinity.

    Args:
        features_IH: features of the labelled texts.
        labels_I: the class that each is said to have, some of them wrong.
        kind: cosines, or minus half of squared distances.
        num_rounds: in a round after the first, prototypes are means of those texts alone whose
            margin was not below 0 in the round before, of every class that has such texts.

    Returns:
        The margins, float64.

    Raises:
        ValueError: for no texts, fewer than two classes, and labels of another number.
    """
    if len(features_IH) != len(labels_I) or len(np.unique(labels_I)) < 2:
        raise ValueError(
            f"{len(features_IH)} texts came with {len(labels_I)} labels of "
            f"{len(np.unique(labels_I))} classes: margins are between two classes at least."
        )
    features_IH = features_IH.astype(np.float64)
    counted_I = np.ones(len(labels_I), bool)
    margins_I = _margins(features_IH, labels_I, counted_I, kind)
    for _ in range(num_rounds - 1):
        counted_I = margins_I >= 0
        for label in np.unique(labels_I):
            is_own_I = labels_I == label
            if not counted_I[is_own_I].any():
                counted_I |= is_own_I
        margins_I = _margins(features_IH, labels_I, counted_I, kind)
    return margins_I


def suspects(
    margins_I: Float[np.ndarray, " texts"], *, threshold: float = 0.0
) -> Bool[np.ndarray, " texts"]:
    """The texts whose label is suspected: those of a margin below the threshold."""
    return margins_I < threshold


def most_suspect(
    margins_I: Float[np.ndarray, " texts"], share: float
) -> Bool[np.ndarray, " texts"]:
    """The `share` of texts of the smallest margins, for a rate of wrong labels that is known.

    Raises ValueError for a share outside of [0, 1].
    """
    if not 0 <= share <= 1:
        raise ValueError(f"a share of {share} suspects: give a number from 0 to 1.")
    chosen_I = np.zeros(len(margins_I), bool)
    chosen_I[np.argsort(margins_I, kind="stable")[: round(share * len(margins_I))]] = True
    return chosen_I


def detection(
    suspects_I: Bool[np.ndarray, " texts"], is_wrong_I: Bool[np.ndarray, " texts"]
) -> Detection:
    """Precision and recall of suspects where it is known which labels are wrong."""
    num_suspects, num_wrong = int(suspects_I.sum()), int(is_wrong_I.sum())
    num_both = int((suspects_I & is_wrong_I).sum())
    return Detection(
        precision=num_both / num_suspects if num_suspects else float("nan"),
        recall=num_both / num_wrong if num_wrong else float("nan"),
        num_suspects=num_suspects,
        share_wrong=num_wrong / len(is_wrong_I),
    )


def _margins(
    features_IH: np.ndarray, labels_I: np.ndarray, counted_I: np.ndarray, kind: Nearness
) -> np.ndarray:
    """Margins by prototypes that are means of the texts which are counted."""
    classes_C, own_I = np.unique(labels_I, return_inverse=True)
    sums_CH = np.zeros((len(classes_C), features_IH.shape[1]))
    np.add.at(sums_CH, own_I[counted_I], features_IH[counted_I])
    num_C = np.bincount(own_I[counted_I], minlength=len(classes_C))
    near_IC = nearness(features_IH, sums_CH / np.maximum(num_C, 1)[:, None], kind)
    rows = np.arange(len(labels_I))
    others_IC = near_IC.copy()
    others_IC[rows, own_I] = -np.inf
    num_others_I = num_C[own_I] - counted_I
    means_IH = (sums_CH[own_I] - features_IH * counted_I[:, None]) / np.maximum(num_others_I, 1)[
        :, None
    ]
    to_own_I = np.array(
        [
            nearness(row[None], mean[None], kind)[0, 0]
            for row, mean in zip(features_IH, means_IH, strict=True)
        ]
    )
    return np.where(num_others_I > 0, to_own_I - others_IC.max(axis=1), -np.inf)
