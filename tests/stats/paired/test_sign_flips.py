"""Laws of the exact sign-flip test and of the tokens that it counts as changed."""

import itertools

import numpy as np
import pytest

from hf_apt.stats.paired.sign_flips import changes, sign_flip_p_values


def slowly(gains) -> float:
    """Every choice of signs, one by one."""
    flips = itertools.product((-1, 1), repeat=len(gains))
    sums = [abs(sum(s * g for s, g in zip(signs, gains, strict=True))) for signs in flips]
    return sum(total >= abs(sum(gains)) for total in sums) / len(sums)


def test_every_choice_of_signs_is_counted():
    gains_TG = np.random.default_rng(0).integers(-3, 5, (60, 8))
    assert sign_flip_p_values(gains_TG).tolist() == [slowly(row) for row in gains_TG.tolist()]


def test_single_positions_are_mcnemars_exact_test():
    from scipy.stats import binomtest

    gains = np.array([[1] * 9 + [-1] * 2 + [0] * 9])
    assert sign_flip_p_values(gains)[0] == pytest.approx(binomtest(2, 11).pvalue, abs=1e-15)


def test_a_token_in_all_groups_reaches_the_least_p_value():
    assert sign_flip_p_values(np.full((1, 20), 40))[0] == 2.0**-19


def test_both_models_are_treated_alike():
    gains_TG = np.random.default_rng(1).integers(-1, 4, (300, 20)) * (np.arange(300)[:, None] % 3)
    one, other = changes(gains_TG), changes(-gains_TG)
    assert np.array_equal(one.gained_T, other.lost_T)
    assert np.array_equal(one.lost_T, other.gained_T)
    assert one.gained_T.sum() > 100


def test_few_changes_are_found_where_nothing_changed():
    """Share of runs with any discovery, which under the null is the false-discovery rate."""
    rng = np.random.default_rng(2)
    wrong = [
        bool((test.gained_T | test.lost_T).any())
        for test in (changes(rng.integers(-1, 2, (150, 20)), 0.1) for _ in range(300))
    ]
    assert np.mean(wrong) < 0.1 + 3 * np.sqrt(0.1 * 0.9 / 300)


def test_tokens_with_gains_in_few_groups_are_not_tested():
    gains_TG = np.zeros((2, 20), int)
    gains_TG[0, :5], gains_TG[1, :6] = 9, 1
    found = changes(gains_TG, 0.05)
    assert found.num_tested == 1
    assert found.gained_T.tolist() == [False, True]
    assert np.isnan(found.adjusted_T[0])


def test_nothing_to_test_is_no_change():
    found = changes(np.zeros((3, 20), int))
    assert found.num_tested == 0
    assert not (found.gained_T | found.lost_T).any()


@pytest.mark.parametrize("rate", [0, 1, -0.1, float("nan")])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(ValueError, match="false-discovery rate lies between 0 and 1"):
        changes(np.zeros((1, 20), int), rate)
