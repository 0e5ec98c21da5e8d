"""The order of balanced batches: even wherever one looks, every example in its turn."""

import numpy as np
import pytest

from hf_apt.training.sampling.balanced_order import balanced_order

COUNTS = np.array([100, 20, 7, 1])
LABELS = np.random.default_rng(0).permutation(np.repeat([5, 2, 9, 0], COUNTS))
SIZES = {5: 100, 2: 20, 9: 7, 0: 1}


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("epoch", [0, 3])
def test_every_run_of_places_is_even_to_within_two(strength, epoch):
    order = balanced_order(LABELS, strength, seed=1, epoch=epoch)
    assert len(order) == len(LABELS)
    weights = {label: size ** (1 - strength) for label, size in SIZES.items()}
    for label, weight in weights.items():
        met = np.concatenate([[0], np.cumsum(LABELS[order] == label)])
        share = weight / sum(weights.values())
        for length in (8, 32, 100):
            counts = met[length:] - met[:-length]
            assert np.abs(counts - share * length).max() < 2


def test_no_example_comes_a_second_time_before_all_of_its_class():
    order = balanced_order(LABELS, 1.0, seed=1, epoch=0)
    for label, size in SIZES.items():
        of_class = order[LABELS[order] == label]
        assert 31 <= len(of_class) <= 33
        for start in range(0, len(of_class) - size + 1, size):
            assert len(set(of_class[start : start + size])) == min(size, len(of_class))


def test_at_strength_0_every_example_comes_about_once():
    order = balanced_order(LABELS, 0.0, seed=1, epoch=0)
    assert len(set(order.tolist())) >= len(LABELS) - len(COUNTS)


def test_it_is_repeatable_and_another_one_in_every_epoch():
    first = balanced_order(LABELS, 1.0, seed=1, epoch=0)
    assert (balanced_order(LABELS, 1.0, seed=1, epoch=0) == first).all()
    assert (balanced_order(LABELS, 1.0, seed=1, epoch=1) != first).any()
    assert (balanced_order(LABELS, 1.0, seed=2, epoch=0) != first).any()
    # Of the frequent class, epochs read different parts.
    frequent = [
        set(order[LABELS[order] == 5].tolist())
        for order in (balanced_order(LABELS, 1.0, seed=1, epoch=epoch) for epoch in range(10))
    ]
    assert len(set.union(*frequent)) > 90


def test_what_is_none_is_refused():
    with pytest.raises(ValueError, match=r"a strength of 1\.5: give a number from 0 to 1"):
        balanced_order(LABELS, 1.5, seed=0, epoch=0)
    with pytest.raises(ValueError, match="no examples to put in an order"):
        balanced_order(np.zeros(0, int), 1.0, seed=0, epoch=0)
