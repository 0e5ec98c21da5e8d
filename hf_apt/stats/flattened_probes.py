"""Probes on flattened states, trained on the inner products of texts.

At 128 places of 768 units a text has 98,304 features. What a probe does with so many depends on
their inner products alone: the weights of a penalised linear classifier are sums of training
features, and distances are made of products. So the features are replaced by coordinates, no more
than there are training texts, that have the same products (ours; the representer theorem). For
1,400 training and as many test texts of that width this took 107 s and 1.8 GB a depth on one core.
"""
# D depths, N training texts, M test texts, H width of a state, W places x H, R coordinates.

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float, Int

from hf_apt.stats.probes import (
    FLAT,
    Probe,
    ProbeConfig,
    predicted_as_scaled,
    require_known,
    require_labels,
)

MAX_TEXTS = 10_000
"""Training texts, at most: their inner products take 0.8 GB, and their eigenvectors as much."""

_CHUNK_BYTES = 1 << 28
"""Of the features that are in memory at once."""
_NO_DIRECTION = 1e-10
"""An eigenvalue below this share of the largest is one of rounding."""


def flat_accuracies(
    probes: Sequence[Probe],
    train_DNW: Float[np.ndarray, "depth n flat"],
    train_labels_N: Int[np.ndarray, " n"],
    test_DMW: Float[np.ndarray, "depth m flat"],
    test_labels_M: Int[np.ndarray, " m"],
    *,
    hidden_size: int,
    config: ProbeConfig | None = None,
) -> dict[Probe, Float[np.ndarray, " depth"]]:
    """The share of test texts whose class each probe gives right from flattened states, by depth.

    The probes are those of `hf_apt.stats.probes`; of texts of one token they give the same answers
    as there. Features are read in parts, so that they can be memory-mapped.

    Raises ValueError for an unknown probe, for labels that do not fit the features, and for more
    than `MAX_TEXTS` training texts.
    """
    for probe in probes:
        require_known(probe)
    require_labels(train_DNW, train_labels_N)
    require_labels(test_DMW, test_labels_M)
    require_few(len(train_labels_N))
    config = config or ProbeConfig()
    found: dict[Probe, list[float]] = {probe: [] for probe in probes}
    for train_NW, test_MW in zip(train_DNW, test_DMW, strict=True):
        both = coordinates(train_NW, test_MW, hidden_size=hidden_size)
        for probe in probes:
            right_M = predicted_as_scaled(probe, *both, train_labels_N, config) == test_labels_M
            found[probe].append(float(right_M.mean()))
    return {probe: np.array(values_D) for probe, values_D in found.items()}


def require_few(num_texts: int) -> None:
    """Raise ValueError for more training texts than can be compared with one another."""
    if num_texts > MAX_TEXTS:
        raise ValueError(
            f"the pooling flatten compares every two training texts: {num_texts:,} are too many, "
            f"choose {MAX_TEXTS:,} or fewer, or another pooling."
        )


def coordinates(
    train_NW: Float[np.ndarray, "n flat"],
    test_MW: Float[np.ndarray, "m flat"],
    *,
    hidden_size: int,
) -> tuple[Float[np.ndarray, "n r"], Float[np.ndarray, "m r"]]:
    """Coordinates, float32, whose inner products among training texts, and of test texts with
    these, are those of the scaled features; there are N of them at most, and one at least.

    Scaled: a feature is centred over the training texts and divided by its unit's standard
    deviation there, of which the root mean square over places is taken, so that a place which few
    texts reach is not blown up. Features that are constant but for rounding are 0 and do not count.
    """
    mean_W, scale_W = _scaling(train_NW, hidden_size)
    products_NN = np.zeros((len(train_NW), len(train_NW)))
    products_MN = np.zeros((len(test_MW), len(train_NW)))
    for part in _parts(train_NW, test_MW, hidden_size):
        train, test = (
            (given[:, part].astype(np.float64) - mean_W[part]) * scale_W[part]
            for given in (train_NW, test_MW)
        )
        products_NN += train @ train.T
        products_MN += test @ train.T
    lengths_N, vectors_NN = np.linalg.eigh(products_NN)
    kept_N = lengths_N > _NO_DIRECTION * max(lengths_N[-1], 0.0)
    if not kept_N.any():  # all training texts are in one place
        return np.zeros((len(train_NW), 1), np.float32), np.zeros((len(test_MW), 1), np.float32)
    vectors_NR, roots_R = vectors_NN[:, kept_N], np.sqrt(lengths_N[kept_N])
    found = vectors_NR * roots_R, products_MN @ (vectors_NR / roots_R)
    return found[0].astype(np.float32), found[1].astype(np.float32)


def _scaling(train_NW: np.ndarray, hidden_size: int) -> tuple[np.ndarray, np.ndarray]:
    """What to take off each feature, and what to multiply it with then."""
    mean_W, deviation_W = np.empty(train_NW.shape[1]), np.empty(train_NW.shape[1])
    for part in _parts(train_NW, train_NW, hidden_size):
        features = train_NW[:, part].astype(np.float64)
        mean_W[part], deviation_W[part] = features.mean(axis=0), features.std(axis=0)
    flat_W = deviation_W <= FLAT * np.abs(mean_W)
    variance_TH = np.where(flat_W, 0.0, deviation_W**2).reshape(-1, hidden_size)
    num_H = (~flat_W).reshape(-1, hidden_size).sum(axis=0)
    size_H = np.sqrt(variance_TH.sum(axis=0) / np.maximum(num_H, 1))
    size_W = np.tile(size_H, len(variance_TH))
    return mean_W, np.where(flat_W, 0.0, 1.0 / np.where(flat_W, 1.0, size_W))


def _parts(train_NW: np.ndarray, test_MW: np.ndarray, hidden_size: int) -> Iterator[slice]:
    """Slices of whole places that fit into memory."""
    num_texts = len(train_NW) + len(test_MW)
    step = max(_CHUNK_BYTES // (8 * num_texts * hidden_size), 1) * hidden_size
    for start in range(0, train_NW.shape[1], step):
        yield slice(start, start + step)
