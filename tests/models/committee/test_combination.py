"""Combining logits: a committee of one is its member, two convexity laws, and a slow oracle."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hf_apt.models.committee import COMBINATIONS, combined

SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(1, 4))
LOGITS = SHAPES.flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.floats(-50, 50, width=32))
)


def slow(logits_MC, combination):
    """The logits of one text, in loops."""
    members, classes = range(len(logits_MC)), range(len(logits_MC[0]))
    if combination == "mean_logits":
        return [sum(logits_MC[m][c] for m in members) / len(members) for c in classes]
    if combination == "majority":
        votes = [0] * len(classes)
        for row in logits_MC:
            votes[min(c for c in classes if row[c] == max(row))] += 1
        return [math.log((v + 1 / len(classes)) / (len(members) + 1)) for v in votes]
    total = [0.0] * len(classes)
    for row in logits_MC:
        scale = sum(math.exp(value - max(row)) for value in row)
        for c in classes:
            total[c] += math.exp(row[c] - max(row)) / scale
    return [math.log(each / len(members)) if each else -math.inf for each in total]


def losses(logits_IC):
    """The cross-entropy of each text with each class as the right one."""
    return -logits_IC.log_softmax(dim=-1)


@settings(deadline=None)
@given(LOGITS)
def test_it_is_what_loops_say(logits):
    for combination in COMBINATIONS:
        answer = combined(torch.from_numpy(logits), combination).numpy()
        expected = [slow(logits[:, text].tolist(), combination) for text in range(logits.shape[1])]
        np.testing.assert_allclose(answer, np.array(expected), rtol=1e-9, atol=1e-9)
        assert np.isfinite(answer).all()


@settings(deadline=None)
@given(LOGITS)
def test_the_loss_is_never_above_the_members_mean(logits):
    """Jensen for the logarithm of a mean probability; convexity of logsumexp for mean logits."""
    members = torch.from_numpy(logits)
    mean = losses(members).mean(dim=0)
    for combination in ("mean_softmax", "mean_logits"):
        assert (losses(combined(members, combination)) <= mean + 1e-9).all(), combination


@settings(deadline=None)
@given(LOGITS)
def test_a_committee_of_one_is_its_member(logits):
    one = torch.from_numpy(logits[:1])
    for combination in COMBINATIONS:
        answer = combined(one, combination)
        if combination != "majority":
            torch.testing.assert_close(answer.softmax(dim=-1), one[0].softmax(dim=-1))
        # A class that ties with the first for the largest logit is as right.
        answers = answer.argmax(dim=-1, keepdim=True)
        torch.testing.assert_close(one[0].gather(1, answers)[:, 0], one[0].amax(dim=-1))


@settings(deadline=None)
@given(LOGITS, st.randoms())
def test_the_order_of_members_does_not_matter(logits, random):
    order = list(range(len(logits)))
    random.shuffle(order)
    for combination in COMBINATIONS:
        torch.testing.assert_close(
            combined(torch.from_numpy(logits[order]), combination),
            combined(torch.from_numpy(logits), combination),
        )


@settings(deadline=None)
@given(LOGITS)
def test_probabilities_and_vote_shares_add_up_to_one(logits):
    for combination in ("mean_softmax", "majority"):
        total = combined(torch.from_numpy(logits), combination).exp().sum(dim=-1)
        torch.testing.assert_close(total, torch.ones_like(total))


def test_ties_go_to_the_lowest_class():
    split = torch.tensor([[[0.0, 9.0, 0.0]], [[0.0, 0.0, 9.0]], [[5.0, 5.0, 0.0]]])
    assert combined(split[:2], "majority").argmax(dim=-1).tolist() == [1]
    assert combined(split[2:], "majority").argmax(dim=-1).tolist() == [0], "a tie within a vote"
    assert combined(split, "majority").argmax(dim=-1).tolist() == [0], "one vote each"


def test_half_precision_is_combined_in_single():
    logits = torch.tensor([[[40.0, 0.0]], [[0.0, 0.1]]], dtype=torch.bfloat16)
    for combination in COMBINATIONS:
        answer = combined(logits, combination)
        assert answer.dtype == torch.float32
        torch.testing.assert_close(answer, combined(logits.float(), combination))


@pytest.mark.parametrize(
    ("shape", "combination", "sentence"),
    [
        ((2, 3, 4), "median", "no combination is called 'median': choose one of mean_softmax"),
        ((0, 3, 4), "majority", "one member at least, got \\(0, 3, 4\\)"),
        ((3, 4), "mean_logits", "the shape \\(members, texts, classes\\)"),
    ],
)
def test_what_cannot_be_combined_is_refused(shape, combination, sentence):
    with pytest.raises(ValueError, match=sentence):
        combined(torch.zeros(shape), combination)
