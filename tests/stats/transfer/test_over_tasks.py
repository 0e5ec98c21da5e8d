"""Means over tasks, and errors by drawing tasks and checkpoints, where they are known."""

import math

import numpy as np
import pytest

from hf_apt.stats.transfer.over_tasks import agreement_over_tasks
from hf_apt.stats.transfer.task_agreement import STATISTICS, TaskPairs, task_agreement

NUM_DEPTHS = 5


def made(num_tasks=4, num_checkpoints=4, seed=0):
    rng = np.random.default_rng(seed)
    checkpoint = np.repeat(np.arange(num_checkpoints), NUM_DEPTHS)
    depth = np.tile(np.linspace(0, 1, NUM_DEPTHS), num_checkpoints)
    tasks = []
    for number in range(num_tasks):
        accuracy = 0.3 + 0.3 * rng.random(len(depth)) + 0.05 * depth
        noisy = accuracy + rng.normal(size=len(depth)) * 0.1
        predictors = np.stack([depth, noisy, accuracy])
        tasks.append(TaskPairs(f"task {number}", checkpoint, depth, accuracy, predictors))
    return tasks


def by_task(tasks, name, predictor):
    place = STATISTICS.index(name)
    return np.array([task_agreement(each).statistics()[place, predictor] for each in tasks])


@pytest.mark.parametrize("name", ["pairs", "within", "across", "regret"])
def test_the_error_over_tasks_is_that_of_a_mean(name):
    tasks = made(num_tasks=6)
    said = agreement_over_tasks(tasks, 0, num_draws=250)[1][name]
    values = by_task(tasks, name, 1)
    assert said.value.value == pytest.approx(values.mean())
    assert said.value.num == 6
    assert said.over_tasks == pytest.approx(values.std(ddof=1) / 6**0.5, rel=0.25)


def test_the_difference_from_depth_is_of_the_same_draws():
    tasks = made(num_tasks=5)
    said = agreement_over_tasks(tasks, 0, num_draws=50)
    for predictor in (1, 2):
        of = said[predictor]["within"]
        expected = by_task(tasks, "within", predictor) - by_task(tasks, "within", 0)
        assert of.minus_depth.value == pytest.approx(expected.mean())
    assert said[0]["within"].minus_depth.value == 0
    assert said[0]["within"].minus_depth.standard_error == 0
    assert said[2]["regret"].value.value == said[2]["regret"].value.standard_error == 0


def test_checkpoints_are_drawn_too():
    """Tasks that are all the same have no error over tasks, and one over checkpoints."""
    (task,) = made(num_tasks=1, num_checkpoints=8)
    said = agreement_over_tasks([task] * 3, 0, num_draws=250)[1]["within"]
    assert said.over_tasks == pytest.approx(0, abs=1e-12)
    own = task_agreement(task).by_checkpoint["within"][1]
    enlarged = (3 / 2) ** 0.5  # which is meant for tasks
    assert said.value.standard_error == pytest.approx(own.std() / 8**0.5 * enlarged, rel=0.25)


def test_few_checkpoints_leave_the_error_over_tasks_and_few_tasks_none():
    said = agreement_over_tasks(made(num_checkpoints=2), 0, num_draws=50)[1]["within"]
    assert said.value.standard_error == pytest.approx(said.over_tasks)
    assert said.over_tasks > 0
    said = agreement_over_tasks(made(num_tasks=2), 0)[1]["within"]
    assert math.isnan(said.value.standard_error)
    assert math.isnan(said.over_tasks)
    assert math.isfinite(said.value.value)


def test_draws_repeat_and_tasks_are_of_the_same_checkpoints():
    tasks = made()
    once, again = (agreement_over_tasks(tasks, 0, num_draws=20)[1]["pairs"] for _ in range(2))
    assert once.value == again.value
    with pytest.raises(ValueError, match="not of the same checkpoints"):
        agreement_over_tasks([*tasks, *made(num_tasks=1, num_checkpoints=3)], 0)


def test_where_a_predictor_is_constant_depth_is_left_out_beside_it():
    tasks = made(num_tasks=4)
    for task in tasks:
        task.predictors_PX[1, task.checkpoint_X == 2] = 0.0
    said = agreement_over_tasks(tasks, 0, num_draws=20)
    within = said[1]["within"]
    assert within.num_undefined == 4
    assert said[0]["within"].num_undefined == said[1]["pairs"].num_undefined == 0
    kept = [task_agreement(task).by_checkpoint["within"][:, [0, 1, 3]] for task in tasks]
    expected = np.mean([rows[1].mean() - rows[0].mean() for rows in kept])
    assert within.minus_depth.value == pytest.approx(expected)
