"""Pairs of a step: all where they are few, evenly drawn where many, however a step is divided."""

from collections import Counter

import numpy as np

from hf_apt.training.pairs.drawn_pairs import DrawnPairs, drawn_pairs, num_pairs_of


def asked(seed: int = 0, shape: tuple[int, int] = (6, 30), rate: float = 0.3) -> np.ndarray:
    return np.random.default_rng(seed).random(shape) < rate


def as_set(pairs: DrawnPairs) -> set[tuple[int, int, int]]:
    rows = zip(pairs.rows_N, pairs.firsts_N, pairs.distances_N, strict=True)
    return {(int(row), int(first), int(distance)) for row, first, distance in rows}


def by_loops(asked_BT: np.ndarray, max_distance: int) -> set[tuple[int, int, int]]:
    return {
        (row, first, second - first)
        for row in range(len(asked_BT))
        for first in range(asked_BT.shape[1])
        for second in range(first + 1, min(first + max_distance + 1, asked_BT.shape[1]))
        if asked_BT[row, first] and asked_BT[row, second]
    }


def test_where_they_are_few_all_pairs_are_there():
    pairs = drawn_pairs(asked(), num_pairs=1000, max_distance=7, seed=3)
    assert as_set(pairs) == by_loops(asked(), 7)
    assert len(as_set(pairs)) == len(pairs.rows_N)
    assert (np.diff(pairs.rows_N) >= 0).all()


def test_of_many_so_many_are_drawn_of_each_row_and_counted_before():
    several = asked()
    several[2] = False
    several[3] = False
    several[3, :2] = True
    pairs = drawn_pairs(several, num_pairs=5, max_distance=4, seed=3)
    assert as_set(pairs) <= by_loops(several, 4)
    counts = np.bincount(pairs.rows_N, minlength=6)
    assert counts.tolist() == num_pairs_of(several, num_pairs=5, max_distance=4).tolist()
    assert counts.tolist()[2:4] == [0, 1]
    assert counts.max() == 5


def test_a_step_in_parts_has_the_pairs_of_the_whole_padding_or_not():
    whole = as_set(drawn_pairs(asked(), num_pairs=3, max_distance=8, seed=11))
    padded = np.concatenate([asked(), np.zeros((6, 9), bool)], axis=1)
    parts = set()
    for start in (0, 2, 4):
        part = drawn_pairs(
            padded[start : start + 2], num_pairs=3, max_distance=8, seed=11, first_row=start
        )
        parts |= {(row + start, first, distance) for row, first, distance in as_set(part)}
    assert parts == whole
    assert as_set(drawn_pairs(asked(), num_pairs=3, max_distance=8, seed=12)) != whole


def test_they_are_drawn_evenly():
    every = np.ones((1, 5), bool)
    counts: Counter = Counter()
    for seed in range(2000):
        counts.update(as_set(drawn_pairs(every, num_pairs=2, max_distance=3, seed=seed)))
    assert len(counts) == 9  # 4 + 3 + 2
    expected = 2000 * 2 / 9
    # The largest of 9 counts, each with a standard deviation of about 19.
    assert max(abs(number - expected) for number in counts.values()) < 80


def test_rows_and_steps_are_drawn_from_each_by_itself():
    every = np.ones((2, 40), bool)
    pairs = as_set(drawn_pairs(every, num_pairs=5, max_distance=8, seed=1))
    rows = [{each[1:] for each in pairs if each[0] == row} for row in (0, 1)]
    assert rows[0] != rows[1]
    other = as_set(drawn_pairs(every, num_pairs=5, max_distance=8, seed=2))
    assert pairs != other


def test_rows_too_short_for_a_pair_have_none():
    for shape in ((3, 1), (3, 0), (0, 4)):
        pairs = drawn_pairs(np.ones(shape, bool), num_pairs=2, max_distance=3, seed=0)
        assert len(pairs.rows_N) == 0
