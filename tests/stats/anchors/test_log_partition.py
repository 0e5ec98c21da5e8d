"""Laws of the bulk: each rule against a slow sum over words, and what is refused."""

import math

import numpy as np
import pytest

from hf_apt.stats.anchors.bulk import AnchorBulk
from hf_apt.stats.anchors.log_partition import log_bulk_partition


def slow(logits: list[float], bulk: AnchorBulk) -> float:
    """The sum over the words that a loop keeps."""
    weights = [math.exp(each) for each in logits]
    kept = dict(enumerate(weights))
    if bulk.rule == "minus_words":
        kept = {word: each for word, each in kept.items() if word not in bulk.words}
    if bulk.rule == "minus_topk":
        best = sorted(kept, key=lambda word: -kept[word])[: bulk.top_k]
        kept = {word: each for word, each in kept.items() if word not in best}
    if bulk.rule == "tail_mass":
        tail, mass = {}, 0.0
        for word in sorted(kept, key=lambda word: kept[word]):
            mass += kept[word]
            if tail and mass > bulk.tail_mass * sum(weights):
                break
            tail[word] = kept[word]
        kept = tail
    return math.log(sum(kept.values()))


RULES = [
    AnchorBulk(),
    AnchorBulk(rule="minus_topk", top_k=1),
    AnchorBulk(rule="minus_topk", top_k=12),
    AnchorBulk(rule="minus_words", words=(0, 5, 5, 12)),
    AnchorBulk(rule="tail_mass", tail_mass=0.5),
    AnchorBulk(rule="tail_mass", tail_mass=0.01),
]


@pytest.mark.parametrize("bulk", RULES, ids=lambda bulk: bulk.said())
def test_every_rule_is_that_of_a_loop(bulk) -> None:
    logits_NV = np.random.default_rng(0).normal(size=(20, 13)) * 3
    expected = [slow(row.tolist(), bulk) for row in logits_NV]
    np.testing.assert_allclose(log_bulk_partition(logits_NV, bulk), expected, atol=1e-12)


def test_large_logits_do_not_overflow() -> None:
    logits_NV = np.array([[2000.0, 1999.0, -4000.0]])
    assert log_bulk_partition(logits_NV, AnchorBulk())[0] == pytest.approx(
        2000 + math.log1p(1 / math.e)
    )


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"rule": "most"}, "rule is 'most': choose one of all, minus_topk"),
        ({"top_k": 0}, "top_k must be a whole number of at least 1, got 0"),
        ({"tail_mass": 1.0}, "tail_mass must lie between 0 and 1, got 1.0"),
        ({"rule": "minus_words"}, "minus_words leaves out words, and none is given"),
        ({"words": (-1,)}, "words holds -1"),
    ],
)
def test_a_bulk_that_is_none_is_refused(asked, said) -> None:
    with pytest.raises(ValueError, match=said):
        AnchorBulk(**asked)


@pytest.mark.parametrize(
    ("bulk", "said"),
    [
        (AnchorBulk(rule="minus_topk", top_k=4), "top_k is 4, and the vocabulary has 4 words"),
        (AnchorBulk(rule="minus_words", words=(4,)), "words holds 4, which is no id"),
        (AnchorBulk(rule="minus_words", words=(0, 1, 2, 3)), "holds the whole vocabulary"),
    ],
)
def test_a_bulk_of_nothing_is_refused(bulk, said) -> None:
    with pytest.raises(ValueError, match=said):
        log_bulk_partition(np.zeros((1, 4)), bulk)
