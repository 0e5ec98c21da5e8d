"""Laws of APT by corpus frequency and of the growth of its mean from depth to depth."""

import math
from itertools import pairwise

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_apt.stats.frequency import (
    apt_by_frequency,
    frequency_groups,
    growth,
    growth_by_frequency,
)

settings.register_profile("laws", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("laws")

around_powers_of_ten = st.builds(
    lambda power, step: max(10**power + step, 0), st.integers(0, 7), st.integers(-1, 1)
)
frequencies = st.one_of(st.integers(0, 30), st.integers(0, 10**6), around_powers_of_ten)
values = st.one_of(st.none(), st.integers(0, 10).map(lambda tenths: tenths / 10))
tokens = st.lists(st.tuples(values, frequencies), max_size=45)


def split(rows: list[tuple[float | None, int]]) -> tuple[np.ndarray, np.ndarray]:
    apts = np.array([math.nan if value is None else value for value, _ in rows], float)
    return apts, np.array([frequency for _, frequency in rows], np.int64)


def apt_by_depth(num_depths: int, vocab_size: int, seed: int = 0) -> np.ndarray:
    """Random APT at each depth, the same tokens never asked for at any."""
    rng = np.random.default_rng(seed)
    values = rng.random((num_depths, vocab_size))
    values[:, rng.random(vocab_size) < 0.2] = np.nan
    return values


@given(tokens, st.sampled_from([1, 2, 3, 5]))
def test_bins_are_those_of_a_loop_in_exact_integers(
    rows: list[tuple[float | None, int]], bins_per_decade: int
) -> None:
    bins = apt_by_frequency(*split(rows), bins_per_decade=bins_per_decade)
    expected = oracles.frequency_bins(
        [value for value, _ in rows], [frequency for _, frequency in rows], bins_per_decade
    )
    assert [part.mean_apt.num for part in bins] == [len(inside) for inside in expected.values()]
    for part, (index, inside) in zip(bins, expected.items(), strict=True):
        assert part.mean_apt.value == pytest.approx(oracles.mean(inside), abs=1e-12)
        assert part.low == pytest.approx(10 ** (index / bins_per_decade))
        assert part.high == pytest.approx(10 ** ((index + 1) / bins_per_decade))


@given(tokens)
def test_each_token_asked_that_occurs_is_in_exactly_one_bin(
    rows: list[tuple[float | None, int]],
) -> None:
    bins = apt_by_frequency(*split(rows))
    counted = [frequency for value, frequency in rows if value is not None and frequency > 0]
    assert sum(part.mean_apt.num for part in bins) == len(counted)
    for frequency in counted:
        assert sum(part.low <= frequency < part.high for part in bins) == 1
    assert all(a.high <= b.low * (1 + 1e-12) for a, b in pairwise(bins))


@pytest.mark.parametrize("bins_per_decade", [1, 3, 4])
@pytest.mark.parametrize("power", range(12))
def test_a_power_of_ten_opens_a_bin_and_the_integer_below_closes_one(
    power: int, bins_per_decade: int
) -> None:
    at, below = 10**power, 10**power - 1
    bins = apt_by_frequency(
        np.array([0.5, 0.25]), np.array([at, below]), bins_per_decade=bins_per_decade
    )
    assert bins[-1].low == at
    assert bins[-1].mean_apt.value == 0.5
    assert len(bins) == (1 if below == 0 else 2)


def test_no_token_asked_makes_no_bin() -> None:
    assert apt_by_frequency(np.full(3, np.nan), np.array([1, 2, 3])) == []
    assert apt_by_frequency(np.ones(3), np.zeros(3, int)) == []


@given(tokens, st.sampled_from([1, 3, 10]))
def test_groups_are_those_of_a_loop_and_differ_by_one_at_most(
    rows: list[tuple[float | None, int]], num_groups: int
) -> None:
    apts, frequency = split(rows)
    groups = frequency_groups(apts, frequency, num_groups=num_groups).tolist()
    values = [value for value, _ in rows]
    assert groups == oracles.frequency_groups(values, frequency.tolist(), num_groups)
    sizes = [groups.count(group) for group in range(num_groups)]
    assert sum(sizes) == sum(value is not None for value in values)
    assert max(sizes) - min(sizes) <= 1


@given(tokens)
def test_a_token_of_a_higher_group_is_never_rarer(rows: list[tuple[float | None, int]]) -> None:
    apts, frequency = split(rows)
    groups = frequency_groups(apts, frequency)
    for i in range(len(rows)):
        assert (groups[i] == -1) == math.isnan(apts[i])
        for j in range(len(rows)):
            if groups[i] > groups[j] >= 0:
                assert (frequency[i], i) > (frequency[j], j)


@pytest.mark.parametrize("num_groups", [1, 4, 10])
@pytest.mark.parametrize("vocab_size", [3, 57, 200])
def test_growth_by_frequency_sums_to_the_change_of_the_mean(
    vocab_size: int, num_groups: int
) -> None:
    apts = apt_by_depth(4, vocab_size)
    frequency = np.random.default_rng(1).integers(0, 50, vocab_size)
    added = growth_by_frequency(apts, frequency, num_groups=num_groups)
    means = np.nanmean(apts, axis=1)
    assert added.shape == (3, num_groups)
    assert added.sum(axis=1) == pytest.approx(np.diff(means), abs=1e-12)
    by_depth = [[None if math.isnan(value) else value for value in row] for row in apts.tolist()]
    for step, row in enumerate(added.tolist()):
        expected = oracles.growth_by_frequency(
            by_depth[step], by_depth[step + 1], frequency.tolist(), num_groups
        )
        assert row == pytest.approx(expected, abs=1e-12)


def test_growth_goes_to_the_group_that_grows() -> None:
    # Four tokens in two groups. The two rare ones learn half and all; the common ones stay.
    apts = np.array([[0.0, 0.5, np.nan, 0.0, 1.0], [0.5, 0.5, np.nan, 1.0, 1.0]])
    added = growth_by_frequency(apts, np.array([1, 90, 3, 2, 80]), num_groups=2)
    assert added.tolist() == [[0.375, 0.0]]


@pytest.mark.parametrize("num_depths", [1, 2, 4])
def test_growth_is_the_change_of_the_mean_with_the_error_of_the_paired_difference(
    num_depths: int,
) -> None:
    apts = apt_by_depth(num_depths, 80)
    steps = growth(apts)
    assert len(steps) == num_depths - 1
    for m, step in enumerate(steps, start=1):
        differences = [
            after - before
            for before, after in zip(apts[m - 1].tolist(), apts[m].tolist(), strict=True)
            if not math.isnan(before)
        ]
        assert step.num == len(differences)
        assert step.value == pytest.approx(np.nanmean(apts[m]) - np.nanmean(apts[m - 1]))
        assert step.standard_error == pytest.approx(oracles.standard_error(differences))


def test_a_growth_common_to_all_tokens_has_no_error_however_much_they_differ() -> None:
    before = np.linspace(0.0, 0.5, 20)
    (step,) = growth(np.stack([before, before + 0.25]))
    assert step.value == pytest.approx(0.25)
    assert step.standard_error == pytest.approx(0.0, abs=1e-12)


def test_one_depth_or_no_token_asked_grows_by_nothing() -> None:
    assert growth_by_frequency(np.ones((1, 5)), np.arange(5)).shape == (0, 10)
    assert growth_by_frequency(np.full((2, 5), np.nan), np.arange(5)).tolist() == [[0.0] * 10]
    (step,) = growth(np.full((2, 5), np.nan))
    assert step.num == 0
    assert math.isnan(step.value)
