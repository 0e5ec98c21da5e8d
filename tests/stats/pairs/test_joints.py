"""Laws of joint laws: compatible conditionals give back theirs, incompatible ones a fixed point."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from hf_apt.stats.pairs.joint_figures import conditional_divergence, order_divergence
from hf_apt.stats.pairs.joints import JOINT_NAMES, PairLogits, pair_joint
from hf_apt.stats.pairs.nearest_joint import JointNotFoundError, nearest_joint, stationary


def of_law(law_AB: np.ndarray, seed: int = 0) -> PairLogits:
    """Logits whose conditionals and marginals are those of a law, each up to a constant."""
    draw = np.random.default_rng(seed)
    log_AB = np.log(law_AB)
    return PairLogits(
        first_A=np.log(law_AB.sum(1)) + draw.normal(),
        second_B=np.log(law_AB.sum(0)) + draw.normal(),
        first_given_second_AB=log_AB + draw.normal(size=(1, law_AB.shape[1])),
        second_given_first_AB=log_AB + draw.normal(size=(law_AB.shape[0], 1)),
    )


def a_law(seed: int = 1, shape: tuple[int, int] = (4, 5)) -> np.ndarray:
    law_AB = np.random.default_rng(seed).gamma(0.7, size=shape) + 0.01
    return law_AB / law_AB.sum()


def incompatible(seed: int = 2, shape: tuple[int, int] = (4, 5)) -> PairLogits:
    draw = np.random.default_rng(seed)
    return PairLogits(
        draw.normal(size=shape[0]),
        draw.normal(size=shape[1]),
        2 * draw.normal(size=shape),
        2 * draw.normal(size=shape),
    )


@pytest.mark.parametrize("name", JOINT_NAMES)
def test_each_is_a_law(name) -> None:
    assert np.exp(pair_joint(incompatible(), name)).sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    "name", ["first_chained", "second_chained", "hcb", "arnold_gokhale", "sampler"]
)
def test_compatible_conditionals_give_their_law_back(name) -> None:
    law_AB = a_law()
    logits = of_law(law_AB)
    log_AB = pair_joint(logits, name)
    np.testing.assert_allclose(np.exp(log_AB), law_AB, atol=1e-9)
    assert conditional_divergence(logits, log_AB) == pytest.approx(0.0, abs=1e-8)


def test_chosen_tokens_of_a_joint_law_have_its_part_in_either_order() -> None:
    """p(a) and each p(b | a) within the chosen tokens alone would not be one law."""
    law_AB = a_law(5, (40, 30))
    whole, chosen = of_law(law_AB), slice(0, 6)
    logits = PairLogits(
        whole.first_A[chosen],
        whole.second_B[chosen],
        whole.first_given_second_AB[chosen, chosen],
        whole.second_given_first_AB[chosen, chosen],
        first_total_B=np.logaddexp.reduce(whole.first_given_second_AB, axis=0)[chosen],
        second_total_A=np.logaddexp.reduce(whole.second_given_first_AB, axis=1)[chosen],
    )
    part_AB = law_AB[chosen, chosen] / law_AB[chosen, chosen].sum()
    for name in ("first_chained", "second_chained", "hcb", "arnold_gokhale", "sampler"):
        np.testing.assert_allclose(np.exp(pair_joint(logits, name)), part_AB, atol=1e-9)
    apart = order_divergence(
        pair_joint(logits, "first_chained"), pair_joint(logits, "second_chained")
    )
    assert apart == pytest.approx(0.0, abs=1e-12)


def test_equations_that_are_not_solved_say_so() -> None:
    draw = np.random.default_rng(8)
    first_AB = log_softmax(15 * draw.normal(size=(24, 24)), axis=0)
    second_AB = log_softmax(15 * draw.normal(size=(24, 24)), axis=1)
    with pytest.raises(JointNotFoundError, match="all but impossible"):
        nearest_joint(first_AB, second_AB)


def test_the_field_of_compatible_conditionals_is_another_law() -> None:
    law_AB = a_law()
    square_AB = law_AB**2 / law_AB.sum(1, keepdims=True) / law_AB.sum(0)
    np.testing.assert_allclose(
        np.exp(pair_joint(of_law(law_AB), "mrf")), square_AB / square_AB.sum()
    )
    assert conditional_divergence(of_law(law_AB), pair_joint(of_law(law_AB), "mrf")) > 0.05


def test_independent_tokens_are_the_product_in_every_way_but_the_fields() -> None:
    law_AB = np.outer(a_law(3).sum(1), a_law(4).sum(0))
    for name in set(JOINT_NAMES) - {"mrf", "mrf_logits"}:
        np.testing.assert_allclose(np.exp(pair_joint(of_law(law_AB), name)), law_AB, atol=1e-9)


def test_no_joint_has_nearer_conditionals_than_that_of_arnold_and_gokhale() -> None:
    """By its own measure: the sum over all given tokens of KL(model's conditional || joint's)."""
    logits = incompatible(shape=(3, 3))

    def distance(free: np.ndarray) -> float:
        log_AB = log_softmax(free).reshape(3, 3)
        first_AB = log_AB - np.logaddexp.reduce(log_AB, axis=0)
        second_AB = log_AB - np.logaddexp.reduce(log_AB, axis=1)[:, None]
        own_first_AB = logits.log_first_given_second_AB
        own_second_AB = logits.log_second_given_first_AB
        return float(
            (np.exp(own_first_AB) * (own_first_AB - first_AB)).sum()
            + (np.exp(own_second_AB) * (own_second_AB - second_AB)).sum()
        )

    own_AB = pair_joint(logits, "arnold_gokhale")
    best = minimize(distance, np.zeros(9), method="BFGS")
    assert distance(own_AB.ravel()) == pytest.approx(best.fun, abs=1e-6)
    assert conditional_divergence(logits, own_AB) == pytest.approx(best.fun / 6, abs=1e-6)


def test_rare_tokens_are_solved_for_as_exactly_as_others() -> None:
    """Where tokens are as rare as special ones are, plain steps would take thousands."""
    draw = np.random.default_rng(0)
    law_A = np.exp(-np.arange(12.0) * 2)
    log_AB = np.log(np.outer(law_A, law_A)) + draw.normal(size=(12, 12))
    for noise in (0.0, 0.3, 3.0):
        first_AB = log_softmax(log_AB, axis=0)
        second_AB = log_softmax(log_AB + noise * draw.normal(size=(12, 12)), axis=1)
        near_AB = np.exp(nearest_joint(first_AB, second_AB))
        sum_AB = near_AB / near_AB.sum(0) + near_AB / near_AB.sum(1, keepdims=True)
        np.testing.assert_allclose(sum_AB, np.exp(first_AB) + np.exp(second_AB), atol=1e-7)
        steps_AA = np.exp(second_AB) @ np.exp(first_AB).T
        kept_A = stationary(steps_AA)
        np.testing.assert_allclose(kept_A @ steps_AA, kept_A, rtol=1e-9)
        if not noise:
            np.testing.assert_allclose(near_AB, softmax(log_AB), atol=1e-9)
            np.testing.assert_allclose(kept_A, softmax(log_AB).sum(1), rtol=1e-9)


def test_the_sampler_is_where_sampling_in_turn_ends() -> None:
    logits = incompatible()
    first_AB = np.exp(logits.log_first_given_second_AB)
    second_AB = np.exp(logits.log_second_given_first_AB)
    draw, first, counts_AB = np.random.default_rng(0), 0, np.zeros(first_AB.shape)
    for _ in range(4_000):
        second = draw.choice(5, p=second_AB[first])
        counts_AB[first, second] += 1
        first = draw.choice(4, p=first_AB[:, second])
        counts_AB[first, second] += 1
    np.testing.assert_allclose(
        np.exp(pair_joint(logits, "sampler")), counts_AB / counts_AB.sum(), atol=0.025
    )


def test_the_first_pivot_is_the_most_probable_one() -> None:
    logits = incompatible()
    pivot = logits.first_A.argmax()
    expected_AB = np.empty((4, 5))
    for a in range(4):
        for b in range(5):
            first_A = np.exp(logits.log_first_given_second_AB[:, b])
            of_pivot_B = np.exp(logits.log_second_given_first_AB[pivot])
            expected_AB[a, b] = first_A[a] / first_A[pivot] * of_pivot_B[b]
    np.testing.assert_allclose(np.exp(pair_joint(logits, "hcb")), expected_AB / expected_AB.sum())


def test_logits_of_a_field_count_in_full() -> None:
    logits = incompatible()
    sum_AB = np.exp(logits.first_given_second_AB + logits.second_given_first_AB)
    np.testing.assert_allclose(np.exp(pair_joint(logits, "mrf_logits")), sum_AB / sum_AB.sum())


def test_orders_differ_by_nothing_to_log_two() -> None:
    log_AB = np.log(a_law())
    assert order_divergence(log_AB, log_AB) == pytest.approx(0.0, abs=1e-12)
    with np.errstate(divide="ignore"):
        one_AB, other_AB = np.log(np.eye(2) / 2), np.log((1 - np.eye(2)) / 2)
    assert order_divergence(one_AB, other_AB) == pytest.approx(np.log(2))
