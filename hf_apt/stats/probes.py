"""How well the classes of a task can be told from features: simple classifiers at every depth."""
# D depths, N training texts, M test texts, H width, C classes.

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int

Probe = Literal["linear", "prototype", "neighbours"]
"""`linear`: multinomial logistic regression. `prototype`: the class with the nearest mean.
`neighbours`: the commonest class among the nearest training texts."""

PROBES: tuple[Probe, ...] = get_args(Probe)

FLAT = 1e-5
"""A feature that varies by less than this share of its size is constant but for rounding."""


@dataclass(frozen=True, kw_only=True)
class ProbeConfig:
    """Settings of the probes."""

    inverse_penalty: float = 1.0
    """scikit-learn's C of the logistic regression."""

    num_neighbours: int = 10
    """Neighbours that vote; all training texts, where there are fewer."""


def standardised(
    train_NH: Float[np.ndarray, "n width"], test_MH: Float[np.ndarray, "m width"]
) -> tuple[Float[np.ndarray, "n width"], Float[np.ndarray, "m width"]]:
    """Both in units of the training texts' standard deviation from their mean, float32.

    A feature that is constant there, but for rounding, is 0 everywhere.

    >>> train, test = standardised(np.array([[1.0, 7.0], [3.0, 7.0]]), np.array([[4.0, 8.0]]))
    >>> train.tolist(), test.tolist()
    ([[-1.0, 0.0], [1.0, 0.0]], [[2.0, 0.0]])
    """
    mean_H = train_NH.mean(axis=0, dtype=np.float64)
    deviation_H = train_NH.std(axis=0, dtype=np.float64)
    flat_H = deviation_H <= FLAT * np.abs(mean_H)
    scale_H = np.where(flat_H, 0.0, 1.0 / np.where(flat_H, 1.0, deviation_H))
    scaled = [((given - mean_H) * scale_H).astype(np.float32) for given in (train_NH, test_MH)]
    return scaled[0], scaled[1]


def predicted(
    probe: Probe,
    train_NH: Float[np.ndarray, "n width"],
    labels_N: Int[np.ndarray, " n"],
    test_MH: Float[np.ndarray, "m width"],
    config: ProbeConfig,
) -> Int[np.ndarray, " m"]:
    """The class that a probe trained on standardised features gives each test text."""
    return predicted_as_scaled(probe, *standardised(train_NH, test_MH), labels_N, config)


def predicted_as_scaled(
    probe: Probe,
    train_NH: Float[np.ndarray, "n width"],
    test_MH: Float[np.ndarray, "m width"],
    labels_N: Int[np.ndarray, " n"],
    config: ProbeConfig,
) -> Int[np.ndarray, " m"]:
    """The class that a probe trained on features as they are gives each test text."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    if probe == "prototype":
        classes = np.unique(labels_N)
        means_CH = np.stack([train_NH[labels_N == label].mean(axis=0) for label in classes])
        # The text's own length is the same for every class.
        nearness_MC = test_MH @ means_CH.T - (means_CH**2).sum(axis=1) / 2
        return classes[nearness_MC.argmax(axis=1)]
    if probe == "neighbours":
        neighbours = min(config.num_neighbours, len(train_NH))
        classifier = KNeighborsClassifier(neighbours, algorithm="brute")
    else:
        classifier = LogisticRegression(C=config.inverse_penalty, max_iter=1000, tol=1e-3)
    return np.asarray(classifier.fit(train_NH, labels_N).predict(test_MH))


def probe_accuracies(
    probe: Probe,
    train_DNH: Float[np.ndarray, "depth n width"],
    train_labels_N: Int[np.ndarray, " n"],
    test_DMH: Float[np.ndarray, "depth m width"],
    test_labels_M: Int[np.ndarray, " m"],
    config: ProbeConfig | None = None,
) -> Float[np.ndarray, " depth"]:
    """The share of test texts whose class a probe gives right, at each depth.

    Raises ValueError for an unknown probe, and for labels that do not fit the features.
    """
    require_known(probe)
    require_labels(train_DNH, train_labels_N)
    require_labels(test_DMH, test_labels_M)
    config = config or ProbeConfig()
    return np.array(
        [
            (predicted(probe, train_NH, train_labels_N, test_MH, config) == test_labels_M).mean()
            for train_NH, test_MH in zip(train_DNH, test_DMH, strict=True)
        ]
    )


def require_known(probe: str) -> None:
    """Raise ValueError if there is no such probe."""
    if probe not in PROBES:
        raise ValueError(f"no probe is called {probe!r}: choose of {', '.join(PROBES)}.")


def require_labels(features_DNH: np.ndarray, labels_N: np.ndarray) -> None:
    """Raise ValueError unless there are texts and each has a label."""
    if features_DNH.shape[1] != len(labels_N) or len(labels_N) == 0:
        raise ValueError(f"{features_DNH.shape[1]} texts came with {len(labels_N)} labels.")
