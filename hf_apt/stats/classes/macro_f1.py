"""Macro F1: every class counts alike, whatever its size."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Int


def macro_f1(
    labels_I: Int[np.ndarray, " texts"], answers_I: Int[np.ndarray, " texts"], num_classes: int
) -> float:
    """The mean over classes of F1, the harmonic mean of precision and recall, in [0, 1].

    Args:
        labels_I: the class of each text, from 0.
        answers_I: the class that a classifier gives it.
        num_classes: how many classes there are; one that is neither a label nor an answer has an F1
            of 0.

    Returns:
        The mean, by scikit-learn's `f1_score`.

    Raises:
        ValueError: for no texts, and answers and labels of different number.
    """
    from sklearn.metrics import f1_score

    if len(labels_I) == 0 or len(labels_I) != len(answers_I):
        raise ValueError(f"{len(labels_I)} labels came with {len(answers_I)} answers.")
    classes = np.arange(num_classes)
    never: Any = 0.0
    score = f1_score(labels_I, answers_I, labels=classes, average="macro", zero_division=never)
    return float(score)
