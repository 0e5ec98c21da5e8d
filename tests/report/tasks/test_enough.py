"""Sentences on the block that is enough."""

from __future__ import annotations

from typing import Any

from hf_apt.report.tasks.enough import enough_of, enough_sentences


def said(enough: int, difference: float, low: float | None) -> dict[str, Any]:
    return {
        "best": 2,
        "enough": enough,
        "earlier": 1,
        "earlier_minus_last": {"value": difference, "standard_error": 0.01, "num": 3},
        "low": low,
    }


def record(num_seeds: int = 3, **enough: Any) -> Any:
    return {
        "depths": ["embeddings", "block 1", "block 2", "block 3"],
        "config": {"num_seeds": num_seeds},
        "enough": enough,
    }


def test_each_protocol_and_pooling_has_its_depth():
    made = record(
        frozen={"cls": said(1, 0.05, 0.02), "mean": said(2, 0.03, -0.01)},
        cut={"": said(3, -0.1, -0.2)},
    )
    first, better = [each.replace("\xa0", " ") for each in enough_sentences(made)]
    assert first.endswith("Frozen: block 1 ([CLS]), block 2 (mean); cut: block 3.")
    assert better == (
        "Frozen, on [CLS], an earlier depth (block 1) beats block 3 by 0.050 ± 0.010, paired by "
        "seed."
    )
    assert enough_of(made, "frozen", "mean") == "block 2"
    assert enough_of(made, "finetuned", "mean") is None


def test_where_nothing_can_be_told_it_is_said():
    _, none = enough_sentences(record(frozen={"mean": said(2, 0.03, -0.01)}))
    assert none == "At no pooling can an earlier depth be told to beat block 3."
    _, one = enough_sentences(record(1, frozen={"mean": said(2, 0.03, None)}))
    assert "one seed cannot tell" in one


def test_older_records_say_nothing():
    older = record()
    del older["enough"]
    assert enough_sentences(older) == []
    assert enough_of(older, "frozen", "mean") is None
