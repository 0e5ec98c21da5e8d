"""Sums of cross-entropies by sequence: their mean, and its error against resampled text."""

import numpy as np
import pytest

from hf_apt.stats.measures.answers import Answers
from hf_apt.stats.measures.cross_entropy import CrossEntropy


def answers(losses: np.ndarray, sequences: np.ndarray) -> Answers:
    none = np.zeros(len(sequences), np.int64)
    return Answers(none, none, sequences, np.zeros(losses.shape, np.int64), losses)


def filled(num_depths: int, num_sequences: int, seed: int = 0) -> CrossEntropy:
    """Sequences of 0 to 8 positions whose losses go together, in five batches in any order."""
    generator = np.random.default_rng(seed)
    sequences = np.repeat(np.arange(num_sequences), generator.integers(0, 9, num_sequences))
    levels = generator.gamma(2.0, size=(num_depths, num_sequences))
    losses = levels[:, sequences] + generator.random((num_depths, len(sequences)))
    measure = CrossEntropy.empty(num_depths)
    for part in np.array_split(generator.permutation(len(sequences)), 5):
        measure.update(answers(losses[:, part], sequences[part]))
    assert measure.mean() == pytest.approx(losses.mean(axis=1))
    return measure


def test_the_error_is_that_of_stretches_of_text_drawn_again():
    measure = filled(3, 400)
    arrays = measure.arrays()
    parts = np.array_split(np.arange(len(arrays["positions_S"])), 20)
    sums = np.stack([arrays["sums_DS"][:, part].sum(axis=1) for part in parts], axis=1)
    positions = np.array([arrays["positions_S"][part].sum() for part in parts])
    generator = np.random.default_rng(1)
    means = []
    for _ in range(2000):
        drawn = generator.integers(0, len(positions), len(positions))
        means.append(sums[:, drawn].sum(axis=1) / positions[drawn].sum())
    # The error of 2,000 means' standard deviation is 1.6 %; drawn from twenty they spread less.
    expected = np.std(means, axis=0) * np.sqrt(20 / 19)
    assert measure.standard_error() == pytest.approx(expected, rel=0.06)


def test_it_is_the_spread_over_texts_of_documents_longer_than_a_sequence():
    """A document of eight sequences has one level: its sequences are not independent."""
    means, errors = [], []
    for seed in range(60):
        generator = np.random.default_rng(seed)
        levels = np.repeat(generator.gamma(2.0, size=50), 8)
        losses = (levels + generator.random(400))[None].repeat(5, axis=0).T.reshape(1, -1)
        measure = CrossEntropy.empty(1)
        measure.update(answers(losses, np.repeat(np.arange(400), 5)))
        means.append(measure.mean()[0])
        errors.append(measure.standard_error()[0])
    # A standard deviation of 60 values is known to 9 %.
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(means, ddof=1), rel=0.3)


def test_of_one_position_a_sequence_it_is_the_error_of_a_mean():
    losses = np.random.default_rng(2).random((2, 20))
    measure = CrossEntropy.empty(2)
    measure.update(answers(losses, np.arange(20)))
    expected = losses.std(axis=1, ddof=1) / np.sqrt(20)
    assert measure.standard_error() == pytest.approx(expected, rel=1e-12)


def test_realisations_of_a_sequence_are_one_sequence():
    """The same four sequences asked twice: the error does not shrink by asking again."""
    losses = np.array([[1.0, 2.0, 4.0, 8.0]])
    once, twice = CrossEntropy.empty(1), CrossEntropy.empty(1)
    once.update(answers(losses, np.arange(4)))
    for _ in range(2):
        twice.update(answers(losses, np.arange(4)))
    assert twice.mean() == pytest.approx(once.mean())
    assert twice.standard_error() == pytest.approx(once.standard_error())
    assert twice.num_positions == 8


@pytest.mark.parametrize("sizes", [(7, 7, 7), (3, 9, 5), (9, 3, 5)])
def test_parts_add_up_to_the_whole(sizes):
    parts = [filled(2, size, seed) for seed, size in enumerate(sizes)]
    before = parts[1].arrays()["sums_DS"].copy()
    expected = np.zeros((2, 9))
    for part in parts:
        sums = part.arrays()["sums_DS"]
        expected[:, : sums.shape[1]] += sums
    num = sum(part.num_positions for part in parts)
    whole = parts[0].merge(parts[1]).merge(parts[2])
    assert whole.num_positions == num > 30
    sums = whole.arrays()["sums_DS"]
    assert np.allclose(sums, expected[:, : sums.shape[1]])
    assert np.array_equal(parts[1].arrays()["sums_DS"], before)  # it is left as it was


def test_a_batch_costs_the_same_after_a_million_sequences(monkeypatch):
    lengths = []
    bincount = np.bincount

    def counted(*args, **options):
        lengths.append(len(bincount(*args, **options)))
        return bincount(*args, **options)

    monkeypatch.setattr(np, "bincount", counted)
    losses = np.array([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]])
    measure = CrossEntropy.empty(2)
    measure.update(answers(losses, np.array([3, 0, 3])))
    measure.update(answers(losses, np.array([1_000_000, 1_000_001, 1_000_000])))
    measure.update(answers(losses, np.array([1_000_001, 999_999, 1_000_001])))
    measure.update(answers(losses, np.array([0, 1_000_001, 0])))  # far apart
    assert lengths == [2] * 12
    asked = measure.positions_S.nonzero()[0]
    assert asked.tolist() == [0, 3, 999_999, 1_000_000, 1_000_001]
    assert measure.positions_S[asked].tolist() == [3, 2, 1, 2, 4]
    assert measure.sums_DS[:, asked].tolist() == [[7, 5, 2, 5, 9], [56, 40, 16, 40, 72]]


def test_it_is_read_again_as_it_was_kept():
    measure = filled(3, 20)
    again = CrossEntropy.from_arrays(measure.arrays())
    assert np.array_equal(again.mean(), measure.mean())
    assert np.array_equal(again.standard_error(), measure.standard_error())
    assert again.figures() == measure.figures()


def test_figures_are_estimates_over_positions():
    measure = filled(2, 30)
    figures = measure.figures()
    assert [list(depth) for depth in figures] == [["cross_entropy"]] * 2
    assert [depth["cross_entropy"].value for depth in figures] == measure.mean().tolist()
    assert figures[0]["cross_entropy"].num == measure.num_positions


def test_where_too_little_was_asked_there_is_no_figure():
    measure = CrossEntropy.empty(2)
    assert np.isnan(measure.mean()).all()
    assert measure.arrays()["sums_DS"].shape == (2, 0)
    measure.update(answers(np.ones((2, 0)), np.zeros(0, np.int64)))
    assert np.isnan(measure.figures()[0]["cross_entropy"].value)
    measure.update(answers(np.ones((2, 4)), np.array([1, 1, 1, 1])))
    assert measure.mean().tolist() == [1.0, 1.0]
    assert np.isnan(measure.standard_error()).all()
