"""A few texts of each class, drawn anew for every repetition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hf_apt.data.tasks.splits import Examples


@dataclass(frozen=True)
class FewShotDraw:
    """The texts of one repetition; none is in both parts."""

    train: Examples
    """Texts to learn from."""

    validation: Examples
    """Texts to choose settings with."""


def few_shot_draw(
    examples: Examples, num_shots: int, num_validation: int, seed: int
) -> FewShotDraw:
    """So many training and validation texts of each class, by a seed.

    Args:
        examples: texts to draw from.
        num_shots: training texts of a class.
        num_validation: validation texts of a class.
        seed: seed of the draw.

    Returns:
        Both parts, class after class.

    Raises:
        ValueError: for a class with fewer texts.
    """
    generator = np.random.default_rng(seed)
    train, validation = [], []
    for label in np.unique(examples.labels):
        own = generator.permutation(np.flatnonzero(examples.labels == label))
        if len(own) < num_shots + num_validation:
            raise ValueError(
                f"class {label} has {len(own)} texts to draw from, and {num_shots} to train and "
                f"{num_validation} to choose settings with are asked for: ask for fewer shots."
            )
        train += own[:num_shots].tolist()
        validation += own[num_shots : num_shots + num_validation].tolist()
    return FewShotDraw(_of(examples, train), _of(examples, validation))


def _of(examples: Examples, places: list[int]) -> Examples:
    return Examples(tuple(examples.texts[place] for place in places), examples.labels[places])
