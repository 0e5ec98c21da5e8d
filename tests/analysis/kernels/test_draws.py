"""Draws: as many of each class as asked for, none twice, by a seed."""

import numpy as np
import pytest

from hf_apt.analysis.kernels.draws import few_shot_draw
from hf_apt.data.tasks.splits import Examples

EXAMPLES = Examples(tuple(f"text {n}" for n in range(20)), np.arange(20) % 2)


def test_each_class_has_its_texts_and_none_is_in_both_parts() -> None:
    draw = few_shot_draw(EXAMPLES, 4, 3, seed=1)
    assert np.bincount(draw.train.labels).tolist() == [4, 4]
    assert np.bincount(draw.validation.labels).tolist() == [3, 3]
    assert len({*draw.train.texts, *draw.validation.texts}) == 14
    for part in (draw.train, draw.validation):
        assert [int(text.split()[1]) % 2 for text in part.texts] == part.labels.tolist()


def test_a_seed_gives_the_same_texts_again_and_another_one_others() -> None:
    one, same, other = (few_shot_draw(EXAMPLES, 4, 3, seed=seed) for seed in (1, 1, 2))
    assert one.train.texts == same.train.texts != other.train.texts


def test_too_few_texts_are_said() -> None:
    with pytest.raises(ValueError, match="class 0 has 10 texts to draw from, and 8 to train"):
        few_shot_draw(EXAMPLES, 8, 3, seed=1)
