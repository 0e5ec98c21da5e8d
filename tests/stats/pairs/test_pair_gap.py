"""Laws of the pair gap: known answers, and the draws that stand for the tail have no bias."""

import numpy as np
import pytest

from hf_apt.stats.pairs.candidates import candidates
from hf_apt.stats.pairs.pair_gap import divergences, mutual_information, pair_gap

LAW = np.array([0.5, 0.3, 0.15, 0.05])


def test_independent_tokens_have_none() -> None:
    other = np.array([0.2, 0.7, 0.1])
    assert pair_gap(LAW, other, np.tile(other, (4, 1))) == pytest.approx(0.0, abs=1e-12)


def test_copies_have_the_entropy_of_the_token() -> None:
    assert pair_gap(LAW, LAW, np.eye(4)) == pytest.approx(-(LAW * np.log(LAW)).sum())


def test_it_is_the_mutual_information_of_a_joint_law_and_more_where_marginals_disagree() -> None:
    joint_AB = np.random.default_rng(0).gamma(0.5, size=(4, 6))
    joint_AB /= joint_AB.sum()
    first_A, second_B = joint_AB.sum(1), joint_AB.sum(0)
    rows_AB = joint_AB / first_A[:, None]
    information = mutual_information(joint_AB)
    assert pair_gap(first_A, second_B, rows_AB) == pytest.approx(information)
    other_B = np.full(6, 1 / 6)
    surplus = (second_B * np.log(second_B / other_B)).sum()
    assert pair_gap(first_A, other_B, rows_AB) == pytest.approx(information + surplus)


def test_what_is_impossible_is_infinitely_far() -> None:
    assert pair_gap(np.array([1.0]), np.array([1.0, 0.0]), np.array([[0.5, 0.5]])) == np.inf


@pytest.mark.parametrize(
    ("first", "second", "rows", "words"),
    [
        (LAW, LAW, np.eye(3), "has the shape"),
        (LAW * 2, LAW, np.eye(4), "first_A is no law"),
        (LAW, LAW, np.eye(4) * 0.5, "second_given_first_AB is no law"),
        (LAW, np.array([1.5, -0.5, 0, 0]), np.eye(4), "second_B is no law"),
    ],
)
def test_what_is_no_law_is_refused(first, second, rows, words) -> None:
    with pytest.raises(ValueError, match=words):
        pair_gap(first, second, rows)


def test_divergences_are_by_row() -> None:
    with np.errstate(divide="ignore"):
        log_p, log_q = np.log([[0.5, 0.5], [1.0, 0.0]]), np.log([[0.25, 0.75], [0.5, 0.5]])
    expected = [0.5 * np.log(2) + 0.5 * np.log(2 / 3), np.log(2)]
    np.testing.assert_allclose(divergences(log_p, log_q), expected)


@pytest.fixture
def log_probs() -> np.ndarray:
    probs_DV = np.random.default_rng(1).gamma(0.4, size=(3, 12)) + 1e-4
    return np.log(probs_DV / probs_DV.sum(1, keepdims=True))


def test_all_tokens_are_candidates_of_a_small_vocabulary(log_probs) -> None:
    chosen = candidates(log_probs, 5, num_best=12, num_drawn=4, generator=np.random.default_rng(0))
    assert chosen.ids_C.tolist() == list(range(12))
    assert chosen.num_exact == 12
    np.testing.assert_allclose(chosen.weights_DC, np.exp(log_probs))
    assert (chosen.tail_D == 0).all()


def test_the_true_token_is_always_among_the_exact_ones(log_probs) -> None:
    rarest = int(np.exp(log_probs).mean(0).argmin())
    best = set(np.exp(log_probs).mean(0).argsort()[::-1][:3].tolist())
    chosen = candidates(
        log_probs, rarest, num_best=4, num_drawn=0, generator=np.random.default_rng(0)
    )
    assert set(chosen.ids_C.tolist()) == best | {rarest}
    np.testing.assert_allclose(chosen.tail_D, 1 - chosen.weights_DC.sum(1))


def test_draws_of_the_tail_have_no_bias_at_any_depth(log_probs) -> None:
    value_V = np.random.default_rng(2).normal(size=12)
    exact_D = np.exp(log_probs) @ value_V
    generator = np.random.default_rng(3)
    sums = []
    for _ in range(3000):
        chosen = candidates(log_probs, 5, num_best=3, num_drawn=2, generator=generator)
        assert len(chosen.ids_C) == 5
        sums.append(chosen.weights_DC @ value_V[chosen.ids_C])
        assert chosen.weights_DC[:, 3:].max() <= 3 / 2 + 1e-9, "at most depths over draws"
    error_D = np.std(sums, axis=0) / np.sqrt(3000)
    assert (np.abs(np.mean(sums, axis=0) - exact_D) < 4 * error_D).all()
