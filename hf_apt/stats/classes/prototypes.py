"""The class whose mean is nearest: a classifier without parameters of its own."""
# H units, C classes that occur, I texts.

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int

Nearness = Literal["euclidean", "cosine"]
"""`euclidean`: minus half the squared distance to the mean, but for the text's own length.
`cosine`: the cosine of the angle with the mean."""


def prototypes(
    features_IH: Float[np.ndarray, "texts width"], labels_I: Int[np.ndarray, " texts"]
) -> tuple[Int[np.ndarray, " classes"], Float[np.ndarray, "classes width"]]:
    """The classes that occur, in order, and the mean features of each."""
    classes_C = np.unique(labels_I)
    return classes_C, np.stack([features_IH[labels_I == label].mean(axis=0) for label in classes_C])


def nearness(
    features_IH: Float[np.ndarray, "texts width"],
    means_CH: Float[np.ndarray, "classes width"],
    kind: Nearness,
) -> Float[np.ndarray, "texts classes"]:
    """How near each text is to each mean; the nearest has the largest value.

    Raises ValueError for an unknown kind.
    """
    if kind not in get_args(Nearness):
        kinds = ", ".join(get_args(Nearness))
        raise ValueError(f"no nearness is called {kind!r}: choose one of {kinds}.")
    if kind == "euclidean":
        # The text's own length is the same for every class.
        return features_IH @ means_CH.T - (means_CH**2).sum(axis=1) / 2
    return _directions(features_IH) @ _directions(means_CH).T


def nearest_prototype(
    train_IH: Float[np.ndarray, "train width"],
    train_labels_I: Int[np.ndarray, " train"],
    test_IH: Float[np.ndarray, "test width"],
    kind: Nearness = "euclidean",
) -> Int[np.ndarray, " test"]:
    """The class of the nearest class mean, for each test text; of equally near ones the first.

    Source: Snell et al. 2017, arXiv 1703.05175, on features that are not trained for it; for
    pre-trained language models arXiv 2110.11553.

    Args:
        train_IH: features of the training texts.
        train_labels_I: their classes, any integers.
        test_IH: features of the test texts.
        kind: `euclidean`, which is linear discriminant analysis with the identity for a covariance
            and equal priors, or `cosine`.

    Returns:
        A class for each test text, as `train_labels_I` has them.
    """
    classes_C, means_CH = prototypes(train_IH, train_labels_I)
    return classes_C[nearness(test_IH, means_CH, kind).argmax(axis=1)]


def _directions(rows_IH: np.ndarray) -> np.ndarray:
    """Rows of length 1; a row of zeros stays one."""
    lengths_I = np.linalg.norm(rows_IH, axis=1, keepdims=True)
    return rows_IH / np.where(lengths_I > 0, lengths_I, 1.0)
