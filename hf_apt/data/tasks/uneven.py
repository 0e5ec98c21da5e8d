"""Training texts made harder on purpose: long-tailed classes, and wrong labels. Ours."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from hf_apt.data.tasks.splits import Examples


def long_tailed(examples: Examples, imbalance: float, seed: int) -> Examples:
    """The first texts of every class, as many as leave class sizes that fall exponentially.

    The class of rank r, of C, keeps n * imbalance^(-r / (C - 1)) of its texts, rounded, with n as
    many as every class has; the ranks are drawn by the seed.

    Args:
        examples: texts class after class.
        imbalance: n divided by the texts of the last class, at least 1; with 1 `examples` are
            handed back as they are.
        seed: of the ranks; other seeds make other classes rare.

    Returns:
        Fewer texts, in the same order.

    Raises:
        ValueError: where the rarest class would be left without a text.
    """
    if imbalance == 1:
        return examples
    counts_C = np.bincount(examples.labels)
    num_classes = len(counts_C)
    ranked_C = np.random.default_rng(_stream(seed, 1)).permutation(num_classes)
    largest = counts_C.min()
    sizes_C = np.empty(num_classes, np.int64)
    shares_C = imbalance ** (-np.arange(num_classes) / max(num_classes - 1, 1))
    sizes_C[ranked_C] = np.rint(largest * shares_C)
    if sizes_C.min() < 1:
        raise ValueError(
            f"with an imbalance of {imbalance:g} the {largest} texts that every class has leave "
            "none of the smallest: ask for more texts per class, or for a smaller imbalance."
        )
    places_I = np.concatenate(
        [np.flatnonzero(examples.labels == label)[:size] for label, size in enumerate(sizes_C)]
    )
    texts = tuple(examples.texts[place] for place in places_I)
    return Examples(texts, examples.labels[places_I])


def mislabelled(examples: Examples, rate: float, num_classes: int, seed: int) -> Examples:
    """The same texts, of which `rate` get a label that is wrong: any other class alike.

    Args:
        examples: texts with right labels; which are wrong afterwards is where both differ.
        rate: share of the texts, in [0, 1), rounded to whole texts; with 0 `examples` are handed
            back as they are.
        num_classes: how many classes there are.
        seed: of the choice; a text's label does not depend on its rank or class.

    Returns:
        Texts in the same order, no longer class after class.
    """
    num_wrong = round(rate * len(examples))
    if num_wrong == 0:
        return examples
    rng = np.random.default_rng(_stream(seed, 2))
    wrong_I = rng.choice(len(examples), num_wrong, replace=False)
    labels_I: Int[np.ndarray, " texts"] = examples.labels.copy()
    labels_I[wrong_I] = (labels_I[wrong_I] + rng.integers(1, num_classes, num_wrong)) % num_classes
    return Examples(examples.texts, labels_I)


def _stream(seed: int, number: int) -> list[int]:
    """Seeds of independent random numbers; a negative seed has its own."""
    return [abs(seed), int(seed < 0), number]
