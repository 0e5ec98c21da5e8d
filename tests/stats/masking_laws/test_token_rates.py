"""Laws of rates by weight: the overall rate is kept, the largest is not passed, order is kept."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_apt.stats.masking_laws.token_rates import token_rates


def by_bisection(weights_V, frequency_V, rate, most) -> np.ndarray:
    """The c of min(most, c w) found by halving, in place of sorting and sums."""
    shares_V = frequency_V / frequency_V.sum()
    low, high = 0.0, most / weights_V[weights_V > 0].min()
    for _ in range(200):
        middle = (low + high) / 2
        enough = shares_V @ np.minimum(most, middle * weights_V) >= rate
        low, high = (low, middle) if enough else (middle, high)
    return np.minimum(most, high * weights_V)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), size=st.integers(1, 12))
def test_the_share_of_modified_positions_is_the_rate(data, size) -> None:
    weights_V = np.array(data.draw(st.lists(st.floats(0.01, 100), min_size=size, max_size=size)))
    counts = st.lists(st.integers(0, 50), min_size=size, max_size=size).filter(any)
    frequency_V = np.array(data.draw(counts))
    most = data.draw(st.floats(0.05, 1))
    rate = most * data.draw(st.floats(0.01, 1))
    rates_V = token_rates(weights_V, frequency_V, rate, most=most)
    assert rates_V @ frequency_V / frequency_V.sum() == pytest.approx(rate, rel=1e-12)
    assert (rates_V >= 0).all()
    assert (rates_V <= most).all()
    occurs_V = frequency_V > 0
    expected_V = by_bisection(weights_V[occurs_V], frequency_V[occurs_V], rate, most)
    np.testing.assert_allclose(rates_V[occurs_V], expected_V, rtol=1e-9)
    order_N = np.argsort(weights_V[occurs_V])
    assert (np.diff(rates_V[occurs_V][order_N]) >= 0).all()


def test_three_tokens_by_hand() -> None:
    frequency_V = np.array([50, 30, 20])
    rates_V = token_rates(np.array([1.0, 2.0, 4.0]), frequency_V, 0.19)
    np.testing.assert_allclose(rates_V, [0.1, 0.2, 0.4], rtol=1e-12)
    # c = 0.5 would give the last token a rate of 2: it has 1, and the others share 0.6 - 0.2.
    rates_V = token_rates(np.array([1.0, 2.0, 4.0]), frequency_V, 0.6)
    np.testing.assert_allclose(rates_V, [0.4 / 1.1, 0.8 / 1.1, 1], rtol=1e-12)


@pytest.mark.parametrize("rate", [0.15, 0.3, 0.1 + 0.2, 1.0])
def test_equal_weights_are_the_rate_to_the_bit(rate) -> None:
    frequency_V = np.array([0, 3, 1, 7])
    for weight in (0.1, 1.0, 3.0):
        weights_V = np.full(4, weight)
        weights_V[0] = 9  # a token that does not occur
        assert (token_rates(weights_V, frequency_V, rate) == rate).all()


def test_the_unit_of_weights_and_of_frequencies_does_not_matter() -> None:
    generator = np.random.default_rng(0)
    weights_V, frequency_V = generator.random(40), generator.integers(1, 90, 40)
    one = token_rates(weights_V, frequency_V, 0.4)
    np.testing.assert_allclose(token_rates(weights_V * 7, frequency_V / 3, 0.4), one, rtol=1e-12)


def test_weights_of_0_are_never_modified_and_all_can_be_at_the_most() -> None:
    rates_V = token_rates(np.array([0.0, 1.0, 3.0]), np.array([2, 1, 1]), 0.5)
    assert rates_V.tolist() == [0, 1, 1]
    rates_V = token_rates(np.array([1.0, 2.0]), np.array([1, 1]), 0.3, most=0.3)
    np.testing.assert_allclose(rates_V, [0.3, 0.3], rtol=1e-12)


@pytest.mark.parametrize(
    ("weights", "frequencies", "rate", "sentence"),
    [
        ([1, 2], [1], 0.1, "do not belong together"),
        ([1, -2], [1, 1], 0.1, r"weights must be finite and at least 0, got -2.0 for token 1"),
        ([1, 2], [1, np.nan], 0.1, r"frequencies must be finite .* got nan for token 1"),
        ([1, 2], [1, 1], 1.5, "got 1.5 and 1.0"),
        ([1, 2], [1, 1], 0.0, "the masking rate must be above 0"),
        ([1, 2], [0, 0], 0.1, "no token occurs"),
        ([0, 0], [1, 1], 0.1, "tokens with a weight above 0 are 0 of the text"),
        ([0, 1], [3, 1], 0.3, "are 0.25 of the text, and with at most 1 of them modified"),
    ],
)
def test_what_cannot_be_is_refused(weights, frequencies, rate, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        token_rates(np.array(weights), np.array(frequencies), rate)
