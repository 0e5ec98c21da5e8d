"""Probes on flattened states, trained on the inner products of texts.

At 128 positions of 768 units a text has 98,304 features. What a probe does with them depends on
their inner products alone: the weights of a penalised linear classifier are sums of training
features, and distances are made of products. So the features are replaced by coordinates, no more
than there are training texts, that have the same products (ours; the representer theorem). For
1,400 training and as many test texts of that width this took 107 s and 1.8 GB a depth on one core.
"""
# J coordinates.

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float, Int

from hf_apt.stats.probe_config import Probe, ProbeConfig
from hf_apt.stats.probes import FLAT, predicted_as_scaled, require_known, require_labels

MAX_TEXTS = 10_000
"""Largest number of training texts: inner products take 0.8 GB, and their eigenvectors as much."""

_CHUNK_BYTES = 1 << 28
"""Size of the features that are in memory at once."""
_NO_DIRECTION = 1e-10
"""An eigenvalue below this share of the largest is due to rounding."""


def flat_accuracies(
    probes: Sequence[Probe],
    train_DIW: Float[np.ndarray, "depth train flat"],
    train_labels_I: Int[np.ndarray, " train"],
    test_DIW: Float[np.ndarray, "depth test flat"],
    test_labels_I: Int[np.ndarray, " test"],
    *,
    hidden_size: int,
    config: ProbeConfig | None = None,
) -> dict[Probe, Float[np.ndarray, " depth"]]:
    """The share of test texts whose class each probe gives right from flattened states, by depth.

    The probes are those of `hf_apt.stats.probes`; on texts of one token they give the same answers
    as there. Features are read in parts, so that they can be memory-mapped.

    Raises ValueError for an unknown probe, for labels that do not fit the features, and for more
    than `MAX_TEXTS` training texts.
    """
    for probe in probes:
        require_known(probe)
    require_labels(train_DIW, train_labels_I)
    require_labels(test_DIW, test_labels_I)
    require_few(len(train_labels_I))
    config = config or ProbeConfig()
    shares: dict[Probe, list[float]] = {probe: [] for probe in probes}
    for train_IW, test_IW in zip(train_DIW, test_DIW, strict=True):
        both = coordinates(train_IW, test_IW, hidden_size=hidden_size)
        for probe in probes:
            right_I = predicted_as_scaled(probe, *both, train_labels_I, config) == test_labels_I
            shares[probe].append(float(right_I.mean()))
    return {probe: np.array(values_D) for probe, values_D in shares.items()}


def require_few(num_texts: int) -> None:
    """Raise ValueError for more training texts than can be compared with one another."""
    if num_texts > MAX_TEXTS:
        raise ValueError(
            f"the pooling flatten compares every two training texts: {num_texts:,} are too many, "
            f"choose {MAX_TEXTS:,} or fewer, or another pooling."
        )


def coordinates(
    train_IW: Float[np.ndarray, "train flat"],
    test_IW: Float[np.ndarray, "test flat"],
    *,
    hidden_size: int,
) -> tuple[Float[np.ndarray, "train coordinates"], Float[np.ndarray, "test coordinates"]]:
    """Coordinates, float32, whose inner products are those of the scaled features.

    They are so among training texts, and of test texts with these. There is at least one coordinate
    and at most as many as training texts. Scaled: a feature is centred over the training texts and
    divided by its unit's standard deviation there, of which the root mean square over positions is
    taken, so that a position which few texts reach is not blown up. Features constant except for
    rounding are 0 and do not count.
    """
    mean_W, scale_W = _scaling(train_IW, hidden_size)
    products_II = np.zeros((len(train_IW), len(train_IW)))
    test_products_II = np.zeros((len(test_IW), len(train_IW)))
    for part in _parts(train_IW, test_IW, hidden_size):
        train, test = (
            (features_IW[:, part].astype(np.float64) - mean_W[part]) * scale_W[part]
            for features_IW in (train_IW, test_IW)
        )
        products_II += train @ train.T
        test_products_II += test @ train.T
    lengths_I, vectors_II = np.linalg.eigh(products_II)
    kept_I = lengths_I > _NO_DIRECTION * max(lengths_I[-1], 0.0)
    if not kept_I.any():  # all training texts are one point
        return np.zeros((len(train_IW), 1), np.float32), np.zeros((len(test_IW), 1), np.float32)
    vectors_IJ, roots_J = vectors_II[:, kept_I], np.sqrt(lengths_I[kept_I])
    train_IJ, test_IJ = vectors_IJ * roots_J, test_products_II @ (vectors_IJ / roots_J)
    return train_IJ.astype(np.float32), test_IJ.astype(np.float32)


def _scaling(train_IW: np.ndarray, hidden_size: int) -> tuple[np.ndarray, np.ndarray]:
    """What to subtract from each feature, and what to multiply it by afterwards."""
    mean_W, deviation_W = np.empty(train_IW.shape[1]), np.empty(train_IW.shape[1])
    for part in _parts(train_IW, train_IW, hidden_size):
        features = train_IW[:, part].astype(np.float64)
        mean_W[part], deviation_W[part] = features.mean(axis=0), features.std(axis=0)
    flat_W = deviation_W <= FLAT * np.abs(mean_W)
    variance_TH = np.where(flat_W, 0.0, deviation_W**2).reshape(-1, hidden_size)
    num_H = (~flat_W).reshape(-1, hidden_size).sum(axis=0)
    size_H = np.sqrt(variance_TH.sum(axis=0) / np.maximum(num_H, 1))
    size_W = np.tile(size_H, len(variance_TH))
    return mean_W, np.where(flat_W, 0.0, 1.0 / np.where(flat_W, 1.0, size_W))


def _parts(train_IW: np.ndarray, test_IW: np.ndarray, hidden_size: int) -> Iterator[slice]:
    """Slices of whole positions that fit into memory."""
    num_texts = len(train_IW) + len(test_IW)
    step = max(_CHUNK_BYTES // (8 * num_texts * hidden_size), 1) * hidden_size
    for start in range(0, train_IW.shape[1], step):
        yield slice(start, start + step)
