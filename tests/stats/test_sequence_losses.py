"""Sums of cross-entropies by sequence: their mean, and its error against resampled sequences."""

import numpy as np
import pytest

from hf_apt.stats.sequence_losses import SequenceLosses, merged_losses


def filled(num_depths: int, num_sequences: int, seed: int = 0) -> SequenceLosses:
    """Sequences of 0 to 8 positions whose losses go together."""
    generator = np.random.default_rng(seed)
    sequences = np.repeat(np.arange(num_sequences), generator.integers(0, 9, num_sequences))
    levels = generator.gamma(2.0, size=(num_depths, num_sequences))
    losses = levels[:, sequences] + generator.random((num_depths, len(sequences)))
    found = SequenceLosses.empty(num_depths, num_sequences)
    for part in np.array_split(generator.permutation(len(sequences)), 5):
        found.update(losses[:, part], sequences[part])
    assert found.cross_entropy() == pytest.approx(losses.mean(axis=1))
    return found


def test_the_error_is_that_of_sequences_drawn_again():
    found = filled(3, 400)
    generator = np.random.default_rng(1)
    means = []
    for _ in range(2000):
        drawn = generator.integers(0, 400, 400)
        means.append(found.sums_DS[:, drawn].sum(axis=1) / found.positions_S[drawn].sum())
    # The error of 2,000 means' standard deviation is 1.6 %.
    assert found.standard_error() == pytest.approx(np.std(means, axis=0), rel=0.06)


def test_of_one_position_a_sequence_it_is_the_error_of_a_mean():
    losses = np.random.default_rng(2).random((2, 50))
    found = SequenceLosses.empty(2, 60)
    found.update(losses, np.arange(50))
    expected = losses.std(axis=1, ddof=1) / np.sqrt(50)
    assert found.standard_error() == pytest.approx(expected, rel=1e-12)


def test_parts_add_up_to_the_whole():
    parts = [filled(2, 7, seed) for seed in range(3)]
    whole = merged_losses(parts)
    assert whole.num_positions == sum(part.num_positions for part in parts) > 50
    assert np.allclose(whole.sums_DS, parts[0].sums_DS + parts[1].sums_DS + parts[2].sums_DS)


def test_where_too_little_was_asked_there_is_no_figure():
    found = SequenceLosses.empty(2, 3)
    assert np.isnan(found.cross_entropy()).all()
    found.update(np.ones((2, 4)), np.array([1, 1, 1, 1]))
    assert found.cross_entropy().tolist() == [1.0, 1.0]
    assert np.isnan(found.standard_error()).all()
