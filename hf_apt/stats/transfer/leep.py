"""LEEP: how well a model's own answers, taken as a code, tell a task's labels."""
# Z source classes.

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from jaxtyping import Float, Int


def leep(
    source_IZ: Float[np.ndarray, "inputs source"], labels_I: Int[np.ndarray, " inputs"]
) -> float:
    """The mean log likelihood of the labels under the expected empirical predictor, in nats.

    LEEP (Nguyen et al. 2020, arXiv 2002.12462): `source_IZ` are a model's probabilities of its own
    source classes; a label is guessed by drawing a source class and then a label as they occur
    together. At most 0; minus the entropy of the labels where the source classes say nothing.

    Raises ValueError for another number of labels than of rows, and for rows that are no
    probabilities.

    >>> leep(np.eye(2), np.array([0, 1]))
    0.0
    """
    return leep_in_parts(lambda: [source_IZ], labels_I)


def leep_in_parts(
    parts: Callable[[], Iterable[Float[np.ndarray, "part source"]]],
    labels_I: Int[np.ndarray, " inputs"],
) -> float:
    """`leep` of probabilities that are never held at once.

    Memory: one part, and labels times source classes in float64.

    Args:
        parts: gives the rows of probabilities, part by part, and the same ones when called again.
        labels_I: the label of each row.

    Returns:
        The score in nats.

    Raises:
        ValueError: for no row, another number of labels than of rows, and for rows that are no
            probabilities.
    """
    if not len(labels_I):
        raise ValueError("LEEP is a mean over texts, and there is none: give one at least.")
    classes, class_I = np.unique(labels_I, return_inverse=True)
    joint_CZ = None
    for part_NZ, class_N in _with_classes(parts(), class_I):
        _require_probabilities(part_NZ)
        if joint_CZ is None:
            joint_CZ = np.zeros((len(classes), part_NZ.shape[1]))
        for label in np.unique(class_N):
            joint_CZ[label] += part_NZ[class_N == label].sum(axis=0, dtype=np.float64)
    assert joint_CZ is not None, "each label has a row"
    total_Z = joint_CZ.sum(axis=0)
    given_CZ = joint_CZ / np.where(total_Z > 0, total_Z, 1.0)
    log_likelihood = sum(
        float(np.log((given_CZ[class_N] * part_NZ).sum(axis=1)).sum())
        for part_NZ, class_N in _with_classes(parts(), class_I)
    )
    return log_likelihood / len(labels_I)


def _with_classes(
    parts: Iterable[np.ndarray], class_I: np.ndarray
) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    start = 0
    for part_NZ in parts:
        class_N = class_I[start : start + len(part_NZ)]
        start += len(part_NZ)
        if start > len(class_I):
            break
        yield part_NZ, class_N
    if start != len(class_I):
        raise ValueError(
            f"{len(class_I)} labels came with another number of rows of probabilities: give one "
            "label for each row."
        )


def _require_probabilities(source_NZ: np.ndarray) -> None:
    if not (source_NZ >= 0).all() or not np.allclose(source_NZ.sum(axis=1), 1, atol=1e-3):
        raise ValueError(
            "LEEP takes a model's probabilities of its source classes, and a row is negative, not "
            "finite or does not add up to 1: give the softmax of the logits."
        )
