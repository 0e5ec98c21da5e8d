"""Draws depend on seed and number alone: an epoch has all mentions once, and other negatives."""

from collections import Counter

import pytest
import torch
from span_tokenizers import grammar, tokenizer_of

from hf_apt.spans.mentions import Mention, Sentence
from hf_apt.spans.negatives import num_negatives, spans_within
from hf_apt.spans.span_draws import SpanCollator, SpanDraws
from hf_apt.spans.span_format import SpanFormat
from hf_apt.spans.span_rows import SpanRows
from hf_apt.stats.counts import NOT_ASKED

LABELS = ("person", "place")


def draws_of(sentences=None, labels=LABELS, *, form=None, seed=3, num_epochs=4, **changed):
    rows = SpanRows(tokenizer_of("bert"), form or SpanFormat(max_span_words=3))
    sentences = grammar(5) if sentences is None else sentences
    return SpanDraws(sentences, rows, labels, num_epochs=num_epochs, seed=seed, **changed)


def epoch_of(draws, epoch: int) -> list[tuple]:
    """What is asked in an epoch, with its type."""
    first = epoch * draws.num_in_epoch
    rows = [draws[number] for number in range(first, first + draws.num_in_epoch)]
    return [(tuple(row["input_ids"]), row["type_labels"]) for row in rows]


@pytest.mark.parametrize("batch_size", [None, 8])
def test_an_epoch_has_all_mentions_once_and_as_many_others_as_known(batch_size) -> None:
    sentences = grammar(5)
    draws = draws_of(batch_size=batch_size)
    rows = SpanRows(tokenizer_of("bert"), SpanFormat(max_span_words=3))
    mentions = Counter()
    num_others = 0
    for words, own in sentences:
        num = len(words)
        num_others += min(num_negatives(num, len(own)), len(spans_within(num, 3)))
        for start, end, label in own:
            row = rows.row(rows.pieces(words), start, end)
            assert row is not None
            mentions[tuple(row.input_ids), LABELS.index(label)] += 1
    for epoch in range(4):
        asked = epoch_of(draws, epoch)
        assert Counter(one for one in asked if one[1] != NOT_ASKED) == mentions
        assert len(asked) == num_others + mentions.total() == draws.num_in_epoch
    assert len(draws) == 4 * draws.num_in_epoch


def test_others_are_drawn_anew_and_the_order_too() -> None:
    draws = draws_of()
    epochs = [epoch_of(draws, epoch) for epoch in range(4)]
    assert len({tuple(epoch) for epoch in epochs}) == 4
    assert len({frozenset(Counter(epoch).items()) for epoch in epochs}) == 4


def test_a_draw_depends_on_seed_and_number_alone() -> None:
    draws, again = draws_of(), draws_of()
    numbers = [len(draws) - 1, 0, draws.num_in_epoch, 7]
    assert [again[number] for number in numbers] == [draws[number] for number in numbers]
    assert epoch_of(draws_of(seed=4), 0) != epoch_of(draws, 0)
    # A longer training begins as a shorter one.
    assert draws_of(num_epochs=9)[len(draws) - 1] == draws[len(draws) - 1]
    with pytest.raises(IndexError):
        draws[len(draws)]


def test_the_last_batch_is_filled_by_one_more_epoch() -> None:
    draws, whole = draws_of(num_epochs=2), draws_of(num_epochs=2, multiple_of=32)
    longer = draws_of(num_epochs=3)
    assert len(whole) % 32 == 0
    assert 0 < len(whole) - len(draws) < 32
    for number in range(len(whole)):
        assert whole[number] == longer[number]


def test_a_limit_of_rows_keeps_the_mentions() -> None:
    for limit, num in ((1, 2), (2, 2), (9, 9)):
        draws = draws_of(max_rows=limit)
        assert draws.num_in_epoch == 5 * num
        assert sum(label != NOT_ASKED for _, label in epoch_of(draws, 1)) == 10


def test_rows_of_about_equal_length_meet_in_a_batch() -> None:
    sentences = [*grammar(6), Sentence(("saw",) * 30, (Mention(0, 1, "place"),))]

    def spread(batch_size) -> int:
        draws = draws_of(sentences, batch_size=batch_size)
        lengths = [len(ids) for ids, _ in epoch_of(draws, 0)]
        batches = [lengths[first : first + 16] for first in range(0, len(lengths), 16)]
        return sum(len(batch) * max(batch) - sum(batch) for batch in batches)

    assert spread(16) < 0.3 * spread(None)


def test_what_is_too_long_is_left_out_and_counted() -> None:
    long = Sentence(("red",) * 6, (Mention(0, 5, "place"),))
    draws = draws_of([*grammar(1), long])
    assert draws.num_too_long == 1
    assert sum(label != NOT_ASKED for _, label in epoch_of(draws, 0)) == 2
    with pytest.raises(ValueError, match="none of the 1 mentions has at most 3 words"):
        draws_of([long])


def test_a_type_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="a mention of the type 'person' .* the types are place"):
        draws_of(labels=("place",))


@pytest.mark.parametrize("side", ["left", "right"])
def test_batches_are_padded_on_the_right(side) -> None:
    tokenizer = tokenizer_of("bert")
    before, tokenizer.padding_side = tokenizer.padding_side, side
    try:
        draws = draws_of()
        rows = [draws[number] for number in range(20)]
        batch = SpanCollator(tokenizer.pad_token_id)(rows)
    finally:
        tokenizer.padding_side = before
    mask_id = tokenizer.mask_token_id
    for name in ("entity_positions", "type_positions"):
        assert (batch["input_ids"][torch.arange(20), batch[name]] == mask_id).all()
    lengths = batch["attention_mask"].sum(dim=1)
    assert lengths.tolist() == [len(row["input_ids"]) for row in rows]
    assert (batch["input_ids"][batch["attention_mask"] == 0] == tokenizer.pad_token_id).all()
    assert set(batch) == {"input_ids", "attention_mask", *rows[0]}
