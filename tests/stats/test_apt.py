"""Laws of accuracy per token, of its mean and of their standard errors."""

import math

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_apt.stats.apt import apt, apt50, apt_standard_error, masked_accuracy, mean_apt
from hf_apt.stats.estimates import mean_estimate
from hf_apt.stats.rarefaction import rarefied_mean_apt

settings.register_profile("laws", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("laws")

VOCAB = 8
token = st.integers(0, VOCAB - 1)
tables = st.lists(st.tuples(token, token), max_size=60).map(
    lambda pairs: oracles.pair_counts([i for i, _ in pairs], [j for _, j in pairs])
)


def arrays(table: oracles.Table, vocab_size: int = VOCAB) -> tuple[np.ndarray, np.ndarray]:
    return (
        np.array(oracles.hits(table, vocab_size), np.int64),
        np.array(oracles.support(table, vocab_size), np.int64),
    )


def none_if_nan(value: float) -> float | None:
    return None if math.isnan(value) else value


@given(tables)
def test_apt_is_hits_by_support_and_nan_exactly_where_never_asked(table: oracles.Table) -> None:
    hits, support = arrays(table)
    values = apt(hits, support)
    assert [none_if_nan(value) for value in values] == oracles.apt(table, VOCAB)
    assert np.isnan(values).tolist() == (support == 0).tolist()


def test_apt_keeps_depths_apart() -> None:
    support = np.array([4, 0, 2])
    values = apt(np.array([[0, 0, 2], [1, 0, 1], [4, 0, 0]]), support)
    assert values.shape == (3, 3)
    assert values[:, 0].tolist() == [0.0, 0.25, 1.0]
    assert np.isnan(values[:, 1]).all()
    assert values[:, 2].tolist() == [1.0, 0.5, 0.0]


@given(tables)
def test_mean_apt_is_the_unweighted_mean_over_tokens_asked(table: oracles.Table) -> None:
    hits, support = arrays(table)
    for min_support in (1, 3, 50):
        estimate = mean_apt(hits, support, min_support=min_support)
        expected = oracles.mean_apt(table, VOCAB, max(min_support, 1))
        assert none_if_nan(estimate.value) == (
            None if expected is None else pytest.approx(expected, abs=1e-12)
        )
        assert estimate.num == sum(count >= max(min_support, 1) for count in support.tolist())


@given(tables)
def test_standard_error_is_the_spread_over_tokens(table: oracles.Table) -> None:
    estimate = mean_apt(*arrays(table))
    values = [value for value in oracles.apt(table, VOCAB) if value is not None]
    expected = oracles.standard_error(values)
    assert none_if_nan(estimate.standard_error) == (
        None if expected is None else pytest.approx(expected, abs=1e-12)
    )


@pytest.mark.parametrize(
    ("refused", "told"),
    [
        (lambda: masked_accuracy(np.array([5]), np.array([4])), "more hits than support"),
        (lambda: rarefied_mean_apt(np.array([5, 1]), np.array([4, 1]), 2), "more hits than"),
        (lambda: rarefied_mean_apt(np.array([1, 1]), np.array([4, 1]), 2.5), "a whole number"),
        (lambda: mean_apt(np.array([1]), np.array([4]), min_support=0), "min_support must be"),
        (lambda: mean_apt(np.array([1]), np.array([4]), min_support=1.5), "min_support must be"),
        (lambda: mean_apt(None, np.array([4])), "hits must be a NumPy array, got None"),
        (lambda: apt(np.array([1, 2]), np.array([4])), "of the same tokens"),
    ],
)
def test_what_makes_no_share_is_refused(refused, told) -> None:
    with pytest.raises(ValueError, match=told):
        refused()


def test_mean_apt_counts_chosen_tokens_only_and_rare_tokens_as_much_as_common_ones() -> None:
    hits, support = np.array([900, 0, 1, 0]), np.array([1000, 1, 2, 0])
    assert mean_apt(hits, support).value == pytest.approx((0.9 + 0.0 + 0.5) / 3)
    chosen = np.array([True, False, True, True])
    assert mean_apt(hits, support, tokens_V=chosen).value == pytest.approx(0.7)
    assert mean_apt(hits, support, tokens_V=chosen).num == 2
    assert mean_apt(hits, support, tokens_V=chosen, min_support=3).num == 1


def test_the_mean_over_no_token_is_nan_and_over_one_has_no_error() -> None:
    nothing = mean_apt(np.zeros(3, int), np.zeros(3, int))
    assert math.isnan(nothing.value)
    assert math.isnan(nothing.standard_error)
    assert nothing.num == 0
    one = mean_estimate(np.array([np.nan, 0.25]))
    assert (one.value, one.num) == (0.25, 1)
    assert math.isnan(one.standard_error)


def test_standard_error_matches_the_spread_over_resampled_tokens() -> None:
    """Drawing tokens, and occurrences of each, again gives means that spread as reported."""
    rng = np.random.default_rng(0)
    num_draws, num_tokens = 4000, 150
    accuracy = rng.beta(0.4, 1.2, (num_draws, num_tokens))
    support = rng.geometric(0.2, (num_draws, num_tokens))  # one token in five is asked only once
    hits = rng.binomial(support, accuracy)
    estimates = [mean_apt(h, s) for h, s in zip(hits, support, strict=True)]
    spread = np.std([estimate.value for estimate in estimates], ddof=1)
    reported = np.sqrt(np.mean([estimate.standard_error**2 for estimate in estimates]))
    # The spread of 4000 draws is known to 1.1 %.
    assert reported == pytest.approx(spread, rel=0.045)


def test_the_error_of_one_token_matches_the_spread_over_its_occurrences() -> None:
    rng = np.random.default_rng(0)
    support = np.array([40, 200, 1000])
    accuracy = np.array([0.5, 0.1, 0.9])
    spread = (rng.binomial(support, accuracy, (6000, 3)) / support).std(axis=0)
    expected_hits = (support * accuracy).astype(np.int64)
    assert apt_standard_error(expected_hits, support) == pytest.approx(spread, rel=0.045)


def test_the_error_of_one_token_is_nan_exactly_where_never_asked() -> None:
    errors = apt_standard_error(np.array([[0, 1, 2], [0, 4, 1]]), np.array([0, 4, 2]))
    assert np.isnan(errors).tolist() == [[True, False, False]] * 2
    assert errors[:, 1].tolist() == pytest.approx([math.sqrt(0.25 * 0.75 / 4), 0.0])


@given(tables)
def test_masked_accuracy_weighs_positions_not_tokens(table: oracles.Table) -> None:
    estimate = masked_accuracy(*arrays(table))
    num = sum(table.values())
    right = sum(count for (i, j), count in table.items() if i == j)
    assert estimate.num == num
    if num == 0:
        assert math.isnan(estimate.value)
    else:
        assert estimate.value == right / num
    # The smallest example of the definition `Estimate` gives: no error below two summands.
    assert math.isnan(estimate.standard_error) == (num < 2)
    if num > 1:
        share = right / num
        assert estimate.standard_error == pytest.approx(math.sqrt(share * (1 - share) / num))


def test_masked_accuracy_and_mean_apt_agree_where_all_tokens_are_asked_equally() -> None:
    hits, support = np.array([3, 0, 5, 1]), np.full(4, 5)
    assert masked_accuracy(hits, support).value == pytest.approx(mean_apt(hits, support).value)


def test_apt50_of_a_hand_made_vocabulary() -> None:
    # 80 tokens are asked for. Tokens 0-39 are the more frequent half and always right, 40-79 wrong.
    # Tokens 80-83 are the most frequent of all, but never asked for: they take no place.
    frequency = np.array([1000 - i for i in range(80)] + [10**6] * 4)
    support = np.array([1] * 80 + [0] * 4)
    hits = np.array([1] * 40 + [0] * 44)
    support[[3, 41]], hits[[3, 41]] = [50, 50], [50, 10]  # asked 50 times: counted
    support[4], hits[4] = 49, 49  # asked 49 times: not counted
    readings = apt50(hits, support, frequency)
    assert readings.most_frequent_50.value == pytest.approx((40 + 0.2) / 50)
    assert readings.most_frequent_50.num == 50
    assert readings.upper_half.value == 1.0
    assert readings.upper_half.num == 40
    assert readings.support_50.value == pytest.approx((1.0 + 0.2) / 2)
    assert readings.support_50.num == 2


def test_apt50_ranks_equal_frequencies_by_token_id_and_rounds_the_half_up() -> None:
    support = np.ones(101, int)
    hits = np.zeros(101, int)
    hits[50] = 1
    readings = apt50(hits, support, np.full(101, 7))
    assert readings.most_frequent_50.value == 0.0  # tokens 0-49
    assert readings.upper_half.value == pytest.approx(1 / 51)
    assert readings.upper_half.num == 51


@pytest.mark.parametrize("frequency_type", [np.int64, np.int32, np.uint32, np.uint64])
def test_apt50_equals_a_loop_whatever_the_type_of_the_frequencies(frequency_type: type) -> None:
    vocab_size = 130
    rng = np.random.default_rng(3)
    references = rng.choice(vocab_size, 3000, p=rng.dirichlet(np.full(vocab_size, 0.3)))
    predictions = np.where(rng.random(3000) < 0.4, references, rng.integers(0, vocab_size, 3000))
    frequency = rng.integers(0, 40, vocab_size)  # many ties, and zeros
    table = oracles.pair_counts(references.tolist(), predictions.tolist())
    readings = apt50(*arrays(table, vocab_size), frequency.astype(frequency_type))
    expected = oracles.apt50(table, frequency.tolist())
    all_three = (readings.most_frequent_50, readings.upper_half, readings.support_50)
    assert [reading.value for reading in all_three] == pytest.approx(list(expected), abs=1e-12)


def test_apt50_of_fewer_than_fifty_tokens_takes_them_all() -> None:
    readings = apt50(np.array([1, 0, 0]), np.array([1, 2, 0]), np.array([5, 9, 1]))
    assert (readings.most_frequent_50.value, readings.most_frequent_50.num) == (0.5, 2)
    assert (readings.upper_half.value, readings.upper_half.num) == (0.0, 1)
    assert readings.support_50.num == 0


@pytest.mark.parametrize("hits", [[3, 0], [-1, 0], [0, 1]])
def test_more_right_answers_than_were_asked_are_refused(hits) -> None:
    for measure in (apt, mean_apt, apt_standard_error):
        with pytest.raises(ValueError, match="more hits than support, or less than none"):
            measure(np.array(hits), np.array([2, 0]))
