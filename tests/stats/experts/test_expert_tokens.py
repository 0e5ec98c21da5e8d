"""Laws of experts: planted ones are named, and chance names none."""

import numpy as np
import pytest
from scipy.stats import binomtest

from hf_apt.stats.experts.expert_tokens import adjusted, expert_tokens, known_tokens, wins
from hf_apt.stats.experts.part_answers import PartAnswers

VOCAB = 12


def answers_of(references_N: np.ndarray, predictions_UN: np.ndarray) -> PartAnswers:
    num = len(references_N)
    return PartAnswers.empty(len(predictions_UN), VOCAB).update(
        references_N, predictions_UN, np.zeros(num, np.int64), np.arange(num)
    )


def planted(num_each: int = 30, noise: float = 0.2) -> PartAnswers:
    """Part u is right about token v in 8 of 10 cases where v % 3 == u; else it says token 11."""
    rng = np.random.default_rng(0)
    references_N = np.repeat(np.arange(9), num_each)
    knows_UN = references_N % 3 == np.arange(3)[:, None]
    knows_UN &= rng.random(knows_UN.shape) > noise
    return answers_of(references_N, np.where(knows_UN, references_N, 11))


def test_planted_experts_are_named_and_no_other() -> None:
    experts, num_looked_at = expert_tokens(planted())
    assert {(one.part, one.token) for one in experts} == {(v % 3, v) for v in range(9)}
    assert num_looked_at == 3 * 9
    for one in experts:
        assert one.apt == one.hits / 30
        assert one.support == 30
        assert one.next_apt == one.false_alarm_rate == 0
    assert [one.apt for one in experts] == sorted((one.apt for one in experts), reverse=True)


def test_parts_that_differ_by_chance_alone_are_no_experts() -> None:
    rng = np.random.default_rng(3)
    references_N = np.repeat(np.arange(10), 40)
    right_UN = rng.random((6, 400)) < rng.random(10)[references_N]  # tokens differ, parts do not
    experts, num_looked_at = expert_tokens(
        answers_of(references_N, np.where(right_UN, references_N, 11)), min_lead=0.01
    )
    assert num_looked_at == 60
    assert not experts


def test_who_always_answers_the_same_is_no_expert_in_it() -> None:
    references_N = np.repeat(np.arange(4), 50)
    predictions_UN = np.stack([np.full(200, 2), np.full(200, 3), np.full(200, 11)])
    experts, _ = expert_tokens(answers_of(references_N, predictions_UN))
    assert not experts


def test_a_lead_that_is_too_small_does_not_count() -> None:
    rng = np.random.default_rng(0)
    references_N = np.zeros(4000, int)
    references_N[2000:] = 1
    right_UN = rng.random((2, 4000)) < np.array([[0.55], [0.48]])
    answers = answers_of(references_N, np.where(right_UN, references_N, 11))
    assert not expert_tokens(answers)[0]
    assert {one.part for one in expert_tokens(answers, min_lead=0.03)[0]} == {0}


def test_p_is_that_of_the_sign_test() -> None:
    references_N = np.r_[np.zeros(40, int), np.ones(400, int)]
    right_UN = np.zeros((2, 440), bool)
    right_UN[0, :12] = True
    right_UN[1, 10:13] = True  # 10 wins of part 0, 1 of part 1
    answers = answers_of(references_N, np.where(right_UN, references_N, 11))
    (one,), num = expert_tokens(answers, false_discovery_rate=0.5)
    assert (one.part, one.token) == (0, 0)
    alone = binomtest(10, 11, alternative="greater").pvalue
    assert one.p_value == pytest.approx(alone * num)  # the smallest of four
    np.testing.assert_array_equal(wins(answers, np.array([0]))[:, :, 0], [[0, 10], [1, 0]])


def test_adjusted_is_monotone_and_at_most_one() -> None:
    p = np.array([0.2, 0.001, 0.9, 0.02, 0.021])
    values = adjusted(p)
    assert values.tolist() == pytest.approx([0.25, 0.005, 0.9, 0.035, 0.035])
    assert (np.argsort(values, kind="stable") == np.argsort(p, kind="stable")).all()


def test_known_is_half_of_the_cases() -> None:
    assert known_tokens(planted()).sum(axis=0).tolist() == [1] * 9
    assert not known_tokens(planted(noise=0.8)).any()


def test_one_part_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="there is 1 part"):
        expert_tokens(answers_of(np.zeros(20, int), np.zeros((1, 20), int)))
