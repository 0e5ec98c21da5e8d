"""A threshold for each class, tuned on validation texts for the best macro F1. Ours."""
# I texts, C classes, K candidates of a threshold.

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

_ROUNDS = 20
"""Largest number of times that each class is tuned; it usually takes three or four."""


def tuned_thresholds(
    logits_IC: Float[np.ndarray, "texts classes"], labels_I: Int[np.ndarray, " texts"]
) -> Float[np.ndarray, " classes"]:
    """Thresholds, in nats, for `thresholded`: the macro F1 on these texts is not below that of 0.

    One class after the other gets the threshold that is best while the others stay, until none
    gains; each is tried between every two neighbouring margins, and of equally good ones that
    nearest to the present one is taken. So it is exact for one class, and for all of them a point
    where no single threshold can be bettered.

    Args:
        logits_IC: logits, or log probabilities, of validation texts; never of test texts, whose
            figures would then be too good.
        labels_I: their classes, from 0.

    Returns:
        A threshold for each class, float64, whose mean is 0.

    Raises:
        ValueError: for no texts, and labels of another number.
    """
    if len(labels_I) == 0 or len(logits_IC) != len(labels_I):
        raise ValueError(f"{len(logits_IC)} rows of logits came with {len(labels_I)} labels.")
    shifted_IC = logits_IC.astype(np.float64)
    num_classes = shifted_IC.shape[1]
    thresholds_C = np.zeros(num_classes)
    best = _mean_f1(_tallies(labels_I, shifted_IC.argmax(axis=1), num_classes))
    for _ in range(_ROUNDS):
        before = best
        for label in range(num_classes):
            change, score = _best_change(shifted_IC, labels_I, label)
            if score > best + 1e-12:
                shifted_IC[:, label] -= change
                thresholds_C[label] += change
                best = score
        if best == before:
            break
    return thresholds_C - thresholds_C.mean()


def thresholded(
    logits_IC: Float[np.ndarray, "texts classes"], thresholds_C: Float[np.ndarray, " classes"]
) -> Int[np.ndarray, " texts"]:
    """The class whose logit is furthest above its threshold, for each text.

    Args:
        logits_IC: logits, or log probabilities.
        thresholds_C: a threshold for each class, in nats, as `tuned_thresholds` gives them.

    Returns:
        Classes from 0; with thresholds of 0 those of the largest logits.
    """
    return (logits_IC - thresholds_C).argmax(axis=1)


def _best_change(shifted_IC: np.ndarray, labels_I: np.ndarray, label: int) -> tuple[float, float]:
    """What to add to the threshold of `label`, and the macro F1 then.

    A text is answered `label` where the margin over the best other class is above the change.
    """
    others_IC = shifted_IC.copy()
    others_IC[:, label] = -np.inf
    runner_up_I = others_IC.argmax(axis=1)
    margins_I = shifted_IC[:, label] - others_IC.max(axis=1)
    order_I = np.argsort(margins_I, kind="stable")
    sorted_I = margins_I[order_I]
    num_texts, num_classes = shifted_IC.shape
    # Of the K = I + 1 candidates, number k answers the k texts of the smallest margins otherwise.
    tallies_TKC = np.zeros((3, num_texts + 1, num_classes))
    start = _tallies(labels_I, np.full(num_texts, label), num_classes)
    moved = np.zeros((3, num_texts, num_classes))
    rows, was, now = np.arange(num_texts), labels_I[order_I], runner_up_I[order_I]
    moved[0, rows, label] -= was == label
    moved[0, rows, now] += was == now
    moved[1, rows, label] -= 1
    moved[1, rows, now] += 1
    tallies_TKC[:, 0] = start
    tallies_TKC[:, 1:] = start[:, None] + moved.cumsum(axis=1)
    scores_K = _mean_f1(tallies_TKC)
    ends_K = np.concatenate([[sorted_I[0] - 2], sorted_I, [sorted_I[-1] + 2]])
    middles_K = (ends_K[1:] + ends_K[:-1]) / 2
    # No threshold lies between two equal margins.
    is_between_K = np.diff(ends_K) > 0
    scores_K = np.where(is_between_K, scores_K, -1.0)
    best_K = np.flatnonzero(scores_K >= scores_K.max() - 1e-12)
    nearest = best_K[np.abs(middles_K[best_K]).argmin()]
    return float(middles_K[nearest]), float(scores_K[nearest])


def _tallies(labels_I: np.ndarray, answers_I: np.ndarray, num_classes: int) -> np.ndarray:
    """Right answers, answers and labels of each class, shape (3, classes)."""
    right_I = labels_I[labels_I == answers_I]
    return np.stack(
        [
            np.bincount(each, minlength=num_classes).astype(float)
            for each in (right_I, answers_I, labels_I)
        ]
    )


def _mean_f1(tallies_TKC: np.ndarray) -> np.ndarray:
    """Macro F1 of tallies of shape (3, ..., classes): 2 right / (answers + labels)."""
    right, answers, labels = tallies_TKC
    total = answers + labels
    return (2 * right / np.where(total > 0, total, 1)).mean(axis=-1)
