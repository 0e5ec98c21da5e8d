"""The anchor vector of arrays: states, word vectors and biases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hf_apt.stats.anchors.anchor_fit import AnchorFit, fitted
from hf_apt.stats.anchors.anchor_sums import AnchorSums
from hf_apt.stats.anchors.bulk import AnchorBulk
from hf_apt.stats.anchors.log_partition import log_bulk_partition
from hf_apt.stats.anchors.products import principal_products
from hf_apt.stats.config_checks import require_whole_number
from hf_apt.stats.measures.text_groups import NUM_GROUPS, groups_of_neighbours
from hf_apt.stats.metric_modules.array_inputs import array_of

_ROW_CHUNK = 256
"""States whose logits are held at once."""


def anchor_fit(
    states_NE: Any,
    vectors_VE: Any,
    biases_V: Any = None,
    *,
    bulk: AnchorBulk | None = None,
    documents: Sequence[Any] | None = None,
    num_components: int = 8,
    ridge: float = 0.0,
) -> AnchorFit:
    """How well one vector predicts the log bulk partition of a log-linear language model.

    Of a state x that enters the output layer, with word vectors v and biases b, it is y(x) = log of
    the sum of exp(v·x + b) over the bulk words. An anchor vector a has a·x + c close to y(x) for
    all x (Wu, Lee, Ge, Connecting Pre-trained Language Model and Downstream Task via Properties of
    Representation, NeurIPS 2023). The estimator is ours: least squares on the normal equations in
    float64. Documents are divided into up to 20 groups of neighbours; each is predicted by fits on
    all others, and the standard errors leave out each group in turn.

    Args:
        states_NE: states, shape (N, E): array or tensor.
        vectors_VE: word vectors, the rows of the output layer, shape (V, E).
        biases_V: biases of the words, shape (V,); 0 if None.
        bulk: which words are summed over; all if None.
        documents: of which document each of the N states is, by any label; stretches of
            neighbouring states are held out together if None.
        num_components: principal components of the states whose products the quadratic arm has; 0
            for no such arm.
        ridge: weight of the squared length of the slope, beside the sum of squared errors.

    Returns:
        The anchor vector, held-out errors of all arms, R², the quadratic gain and the rank.

    Raises:
        ValueError: for shapes that do not fit together, values that are not finite, fewer than two
            documents, a bulk of nothing, and a negative number of components or ridge.

    >>> states_NE = np.arange(20.0)[:, None]
    >>> fit = anchor_fit(states_NE, [[0.5], [0.5]], num_components=0)
    >>> round(float(fit.anchor_E[0]), 6), round(fit.intercept, 6)
    (0.5, 0.693147)
    """
    bulk = AnchorBulk() if bulk is None else bulk
    require_whole_number("num_components", num_components, least=0)
    states_NE, vectors_VE, biases_V = _checked(
        array_of("states", states_NE),
        array_of("vectors", vectors_VE),
        None if biases_V is None else array_of("biases", biases_V),
    )
    bulk.require_fit(len(vectors_VE))
    if ridge < 0:
        raise ValueError(f"ridge must be at least 0, got {ridge!r}.")
    groups_N = document_groups(len(states_NE), documents)
    mean_word_E, mean_bias = mean_word(vectors_VE, biases_V, bulk)
    sums = AnchorSums(states_NE.shape[1])
    if num_components:
        centred_NE = states_NE - states_NE.mean(axis=0)
        sums.products = principal_products(
            states_NE.mean(axis=0), centred_NE.T @ centred_NE / len(states_NE), num_components
        )
    for start in range(0, len(states_NE), _ROW_CHUNK):
        rows = slice(start, start + _ROW_CHUNK)
        log_bulk_N = log_bulk_partition(states_NE[rows] @ vectors_VE.T + biases_V, bulk)
        mean_logit_N = states_NE[rows] @ mean_word_E + mean_bias
        sums.update(states_NE[rows], mean_logit_N, log_bulk_N, groups_N[rows])
    return fitted(sums, mean_word_E=mean_word_E, ridge=ridge)


def mean_word(
    vectors_VE: np.ndarray, biases_V: np.ndarray, bulk: AnchorBulk
) -> tuple[np.ndarray, float]:
    """The mean vector and bias of the words that can be in the bulk of a context."""
    chosen_V = np.ones(len(vectors_VE), bool)
    if bulk.rule == "minus_words":
        chosen_V[list(bulk.words)] = False
    return vectors_VE[chosen_V].mean(axis=0), float(biases_V[chosen_V].mean())


def document_groups(num: int, documents: Sequence[Any] | None) -> np.ndarray:
    """The group of each of `num` states: neighbouring documents in the order in which they come.

    Raises ValueError for another number of labels.
    """
    if documents is None:
        return groups_of_neighbours(np.arange(num), max(num, 1))
    if len(documents) != num:
        raise ValueError(f"there are {len(documents)} labels of documents and {num} states.")
    numbers: dict[Any, int] = {}
    numbers_N = np.array([numbers.setdefault(each, len(numbers)) for each in documents], np.int64)
    return groups_of_neighbours(numbers_N, max(len(numbers), 1), NUM_GROUPS)


def _checked(
    states_NE: np.ndarray, vectors_VE: np.ndarray, biases_V: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    for name, array, num_axes in (("states", states_NE, 2), ("vectors", vectors_VE, 2)):
        if array.ndim != num_axes or array.dtype.kind not in "iuf" or not array.size:
            raise ValueError(f"{name} of shape {array.shape} are none: give rows of numbers.")
    if states_NE.shape[1] != vectors_VE.shape[1]:
        raise ValueError(
            f"states are {states_NE.shape[1]} wide and word vectors {vectors_VE.shape[1]}: give "
            "the states that enter the output layer, and its rows."
        )
    if biases_V is None:
        biases_V = np.zeros(len(vectors_VE))
    if biases_V.shape != (len(vectors_VE),):
        raise ValueError(
            f"biases of shape {biases_V.shape} came with {len(vectors_VE)} word vectors: give one "
            "for each."
        )
    for name, array in (("states", states_NE), ("vectors", vectors_VE), ("biases", biases_V)):
        if not np.isfinite(array).all():
            raise ValueError(f"{name} hold values that are not finite.")
    as_float = [np.asarray(array, np.float64) for array in (states_NE, vectors_VE, biases_V)]
    return as_float[0], as_float[1], as_float[2]
