"""Laws of paired differences: known answers, a slow jackknife, and coverage of the intervals."""

import numpy as np
import pytest

from hf_apt.stats.measures.text_groups import NUM_GROUPS
from hf_apt.stats.paired.differences import accuracy_differences, mean_apt_differences
from hf_apt.stats.paired.paired_answers import PairedAnswers

VOCAB = 240


def pairs_of(tokens_N, sequences_N, right_a_DN, right_b_DN) -> PairedAnswers:
    keys_N = tokens_N * NUM_GROUPS + sequences_N % NUM_GROUPS
    keys_K, rows_N = np.unique(keys_N, return_inverse=True)
    size = len(keys_K)
    return PairedAnswers(
        keys_K // NUM_GROUPS,
        keys_K % NUM_GROUPS,
        np.bincount(rows_N, minlength=size),
        np.stack([np.bincount(rows_N[right_N], minlength=size) for right_N in right_a_DN]),
        np.stack([np.bincount(rows_N[right_N], minlength=size) for right_N in right_b_DN]),
    )


def text(rng, num_sequences=400, length=12, depths=1):
    """Tokens by Zipf's law; sequences are easy or hard for both models, and more so for B."""
    share_V = 1 / (np.arange(VOCAB) + 4.0)
    tokens_N = rng.choice(VOCAB, num_sequences * length, p=share_V / share_V.sum())
    sequences_N = np.repeat(np.arange(num_sequences), length)
    ease_N = rng.normal(0, 0.12, num_sequences)[sequences_N]
    extra_N = rng.normal(0, 0.12, num_sequences)[sequences_N]
    skill_N = 0.45 - 0.15 * (tokens_N / VOCAB)
    gain_N = 0.05 * np.cos(tokens_N)
    luck_DN = rng.random((depths, len(tokens_N)))
    right_a_DN = luck_DN < np.clip(skill_N + ease_N, 0, 1)
    luck_DN = np.where(rng.random(luck_DN.shape) < 0.5, luck_DN, rng.random(luck_DN.shape))
    right_b_DN = luck_DN < np.clip(skill_N + ease_N + gain_N + extra_N, 0, 1)
    return tokens_N, sequences_N, right_a_DN, right_b_DN


def test_the_difference_is_that_of_the_two_figures():
    # Token 0: 1 of 2 right by A, 2 of 2 by B; token 1: 1 of 1 by A, none by B.
    pairs = pairs_of(
        np.array([0, 0, 1]),
        np.array([0, 1, 2]),
        np.array([[True, False, True]]),
        np.array([[True, True, False]]),
    )
    (apt,), (accuracy,) = mean_apt_differences(pairs), accuracy_differences(pairs)
    assert (apt.a, apt.b, apt.value, apt.num) == (0.75, 0.5, -0.25, 2)
    assert (accuracy.a, accuracy.b, accuracy.value, accuracy.num) == (2 / 3, 2 / 3, 0.0, 3)
    assert apt.token_error == pytest.approx(np.std([0.5, -1.0], ddof=1) / np.sqrt(2))
    # Without group 0, 1, 2: mean of (1, -1), (0, -1), (1/2).
    left = np.array([0.0, -0.5, 0.5])
    expected = np.sqrt(2 / 3 * ((left - left.mean()) ** 2).sum())
    assert apt.standard_error == pytest.approx(expected)


def test_errors_leave_one_group_out_of_both():
    rng = np.random.default_rng(0)
    tokens_N, sequences_N, right_a_DN, right_b_DN = text(rng, depths=3)
    pairs = pairs_of(tokens_N, sequences_N, right_a_DN, right_b_DN)
    left_of = {"apt": [], "accuracy": []}
    for group in range(NUM_GROUPS):
        kept = sequences_N % NUM_GROUPS != group
        gain_DN = right_b_DN[:, kept] * 1.0 - right_a_DN[:, kept]
        left_of["accuracy"].append(gain_DN.mean(axis=1))
        each = [gain_DN[:, tokens_N[kept] == t].mean(axis=1) for t in np.unique(tokens_N[kept])]
        left_of["apt"].append(np.mean(each, axis=0))
    for name, found in (
        ("apt", mean_apt_differences(pairs)),
        ("accuracy", accuracy_differences(pairs)),
    ):
        left = np.array(left_of[name])
        errors = np.sqrt(19 / 20 * ((left - left.mean(axis=0)) ** 2).sum(axis=0))
        assert [each.standard_error for each in found] == pytest.approx(errors.tolist())


def test_a_model_does_not_differ_from_itself():
    tokens_N, sequences_N, right_DN, _ = text(np.random.default_rng(1))
    pairs = pairs_of(tokens_N, sequences_N, right_DN, right_DN)
    for figure in (*mean_apt_differences(pairs), *accuracy_differences(pairs)):
        assert (figure.value, figure.standard_error, figure.low, figure.high) == (0, 0, 0, 0)


def test_one_sequence_has_no_error_and_nothing_has_no_value():
    tokens_N, sequences_N, right_a_DN, right_b_DN = text(np.random.default_rng(2), 1)
    pairs = pairs_of(tokens_N, sequences_N, right_a_DN, right_b_DN)
    assert np.isnan(mean_apt_differences(pairs)[0].standard_error)
    nothing = pairs.of_tokens(np.zeros(VOCAB, bool))
    assert np.isnan(mean_apt_differences(nothing)[0].value)
    assert accuracy_differences(nothing)[0].num == 0


def test_is_this_checkpoint_better_is_answered_with_intervals_that_hold():
    """95 % intervals of 1,000 simulated pairs contain the true difference in 93 to 97 %."""
    rng = np.random.default_rng(3)
    found = []
    for _ in range(1000):
        pairs = pairs_of(*text(rng))
        found.append((mean_apt_differences(pairs)[0], accuracy_differences(pairs)[0]))
    for figures in zip(*found, strict=True):
        truth = np.mean([figure.value for figure in figures])  # its error: a thirtieth of theirs
        covered = np.mean([figure.low <= truth <= figure.high for figure in figures])
        assert 0.93 <= covered <= 0.97
        spread = np.std([figure.value for figure in figures])
        assert np.mean([f.standard_error for f in figures]) == pytest.approx(spread, rel=0.12)


def test_pairing_makes_the_error_smaller():
    tokens_N, sequences_N, right_a_DN, right_b_DN = text(np.random.default_rng(4))
    paired = accuracy_differences(pairs_of(tokens_N, sequences_N, right_a_DN, right_b_DN))[0]
    apart = np.sqrt(sum(p * (1 - p) / len(tokens_N) for p in (paired.a, paired.b)))
    assert paired.standard_error < 0.9 * apart
