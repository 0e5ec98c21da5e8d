"""Successive halving keeps the better half, and looks at no test text."""

import numpy as np
import pytest

from hf_apt.data.tasks.splits import Examples
from hf_apt.data.tasks.task import Task, open_task
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.studies.group_search import held_out, search_groups, successive_halving
from hf_apt.training.finetune_config import FinetuneConfig
from hf_apt.training.methods.grouped_gradients import GroupedGradients


def test_the_better_half_is_trained_for_twice_as_long():
    asked = []

    def accuracy(candidate, num_epochs):
        asked.append((candidate[0], num_epochs))
        return candidate[0] / 100 + num_epochs / 1000

    rungs = successive_halving([(3,), (8,), (1,), (5,), (7,), (2,)], 20, accuracy)
    assert [rung.num_epochs for rung in rungs] == [5, 10, 20]
    assert [rung.candidates for rung in rungs] == [
        ((8,), (7,), (5,), (3,), (2,), (1,)),
        ((8,), (7,), (5,)),
        ((8,), (7,)),
    ]
    assert rungs[0].accuracies[0] == pytest.approx(0.085)
    assert len(asked) == 6 + 3 + 2


def test_of_equal_ones_the_earlier_is_better_and_one_alone_is_trained_once():
    rungs = successive_halving([(3,), (8,)], 3, lambda *_: 0.5)
    assert [rung.candidates for rung in rungs] == [((3,), (8,))]
    rungs = successive_halving([(3,)], 3, lambda *_: 0.5)
    assert [(rung.num_epochs, rung.candidates) for rung in rungs] == [(3, ((3,),))]


def test_texts_are_held_out_of_every_class_and_none_is_lost():
    train = Examples(tuple("abcdefghijkl"), np.repeat([0, 1], (8, 4)))
    task = Task("letters", train, Examples(("z",), np.array([0])), ("x", "y"), {})
    divided = held_out(task, 0.25)
    assert divided.train.texts == tuple("abcdefijk")
    assert divided.test.texts == tuple("ghl")
    assert list(divided.test.labels) == [0, 0, 1]
    for share, size, name in ((0.05, 8, "x"), (0.95, 8, "x"), (0.1, 4, "y")):
        with pytest.raises(ValueError, match=f"{share} of {size} texts of '{name}' leaves none"):
            held_out(task, share)


def test_a_search_gives_numbers_for_all_layers(checkpoint):
    task = open_task(TaskConfig(name="planted", train_per_class=10, test_per_class=2, num_words=20))
    config = FinetuneConfig(num_epochs=2, batch_size=8, sequence_length=16)
    best, rungs = search_groups(
        str(checkpoint),
        task,
        config,
        num_layers=2,
        choices=(2, 64),
        num_candidates=3,
        method=GroupedGradients(num_groups=1, strength=0.5),
    )
    assert best.num_groups == rungs[-1].candidates[0]
    assert best.strength == 0.5
    assert all(len(each) == 2 for each in rungs[0].candidates)
