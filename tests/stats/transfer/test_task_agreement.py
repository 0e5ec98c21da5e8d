"""Statistics of predictors on one task, against loops over checkpoints and depths."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from hf_apt.stats.transfer.task_agreement import STATISTICS, TaskPairs, task_agreement

NUM_DEPTHS = 5


def made(num_checkpoints=4, seed=0):
    rng = np.random.default_rng(seed)
    checkpoint = np.repeat(np.arange(num_checkpoints), NUM_DEPTHS)
    depth = np.tile(np.linspace(0, 1, NUM_DEPTHS), num_checkpoints)
    accuracy = 0.3 + 0.1 * rng.random(len(depth)) + 0.2 * depth + 0.05 * checkpoint
    predictors = np.stack([depth, rng.random(len(depth)) + accuracy, accuracy, -accuracy])
    return TaskPairs("kinds", checkpoint, depth, accuracy, predictors)


def rho(one, other):
    return float(np.asarray(spearmanr(one, other))[0])


def slow(pairs, predictor, drawn):
    """By hand, as lists."""
    said = pairs.predictors_PX[predictor]
    rows = {o: np.flatnonzero(pairs.checkpoint_X == o) for o in range(4)}
    within = [rho(said[rows[o]], pairs.accuracy_X[rows[o]]) for o in drawn]
    lost = []
    for o in drawn:
        chosen = max(rows[o], key=lambda x: said[x])
        lost.append(max(pairs.accuracy_X[rows[o]]) - pairs.accuracy_X[chosen])
    every = np.concatenate([rows[o] for o in drawn])
    across = []
    for depth in range(NUM_DEPTHS):
        there = [rows[o][depth] for o in drawn]
        across.append(rho(said[there], pairs.accuracy_X[there]))
    return {
        "pairs": rho(said[every], pairs.accuracy_X[every]),
        "within": np.mean(within),
        "across": np.mean(across),
        "regret": np.mean(lost),
    }


@pytest.mark.parametrize("drawn", [[0, 1, 2, 3], [3, 0, 0, 2]])
def test_they_are_those_of_loops_over_the_drawn_checkpoints(drawn):
    pairs = made()
    statistics = task_agreement(pairs).statistics(np.array(drawn))
    for predictor in (1, 2, 3):
        for name, expected in slow(pairs, predictor, drawn).items():
            assert statistics[STATISTICS.index(name), predictor] == pytest.approx(expected), name


def test_accuracy_itself_is_perfect_and_depth_says_nothing_at_a_depth():
    statistics = task_agreement(made()).statistics()
    by_name = dict(zip(STATISTICS, statistics, strict=True))
    for name in ("pairs", "within", "across", "pairs_given_depth", "within_given_depth"):
        assert by_name[name][2:] == pytest.approx([1, -1]), name
    assert by_name["regret"][2] == 0
    assert by_name["regret"][3] == pytest.approx(
        np.ptp(made().accuracy_X.reshape(4, NUM_DEPTHS), axis=1).mean()
    )
    assert np.isnan(by_name["across"][0])
    assert np.isnan(by_name["within_given_depth"][0])


def test_of_blocks_that_are_ranked_first_together_the_mean_counts():
    pairs = made()
    pairs.predictors_PX[1] = 0.0  # which says nothing
    pairs.predictors_PX[2] = np.where(pairs.depth_X >= 0.75, 1.0, 0.0)  # one of the last two
    lost = task_agreement(pairs).statistics()[STATISTICS.index("regret")]
    accuracy_OD = pairs.accuracy_X.reshape(4, NUM_DEPTHS)
    best_O = accuracy_OD.max(axis=1)
    assert lost[1] == pytest.approx((best_O - accuracy_OD.mean(axis=1)).mean())
    assert lost[2] == pytest.approx((best_O - accuracy_OD[:, 3:].mean(axis=1)).mean())


@pytest.mark.parametrize("drawn", [[0, 1, 2, 3], [3, 0, 0, 2]])
def test_the_difference_is_over_checkpoints_in_which_both_are_defined(drawn):
    pairs = made()
    pairs.predictors_PX[1, pairs.checkpoint_X == 0] = 0.0  # no correlation in the first checkpoint
    agreement = task_agreement(pairs)
    above = dict(zip(STATISTICS, agreement.above(0, np.array(drawn)), strict=True))
    kept = [o for o in drawn if o != 0]
    by_hand = [slow(pairs, predictor, kept)["within"] for predictor in (0, 1)]
    assert above["within"][1] == pytest.approx(by_hand[1] - by_hand[0])
    whole = [slow(pairs, predictor, drawn) for predictor in (0, 2)]
    for name in ("pairs", "within", "regret"):
        assert above[name][0] == 0
        assert above[name][2] == pytest.approx(whole[1][name] - whole[0][name]), name
    assert np.isnan(above["across"]).all(), "depth is the same at a depth"


def test_checkpoints_of_different_depths_go_together():
    pairs = made()
    kept = np.array([0, 2, 4, *range(5, 20)])  # the first checkpoint has three depths
    fewer = TaskPairs(
        "kinds",
        pairs.checkpoint_X[kept],
        pairs.depth_X[kept],
        pairs.accuracy_X[kept],
        pairs.predictors_PX[:, kept],
    )
    assert task_agreement(fewer).statistics()[STATISTICS.index("within"), 2] == pytest.approx(1)


def test_what_does_not_fit_is_told_in_a_sentence():
    pairs = made()
    with pytest.raises(ValueError, match="kinds has 19 accuracies"):
        task_agreement(
            TaskPairs(
                "kinds",
                pairs.checkpoint_X,
                pairs.depth_X,
                pairs.accuracy_X[1:],
                pairs.predictors_PX,
            )
        )
    broken = pairs.predictors_PX.copy()
    broken[0, 0] = np.nan
    with pytest.raises(ValueError, match="of kinds is NaN"):
        task_agreement(
            TaskPairs("kinds", pairs.checkpoint_X, pairs.depth_X, pairs.accuracy_X, broken)
        )
