"""A row is the whole text tokenised at once, its masks are masks, and what is too long is cut."""

import pytest
from span_tokenizers import FAMILIES, tokenizer_of

from hf_apt.spans.span_format import SpanFormat
from hf_apt.spans.span_rows import SpanRows

WORDS = "ann went to new york and saw it".split()
SPANS = [(0, 1), (0, 2), (3, 5), (7, 8), (0, 8), (2, 3)]


def rows_of(family: str, **changed) -> SpanRows:
    return SpanRows(tokenizer_of(family), SpanFormat(**changed))


def as_text(words, start, end, mask, form) -> str:
    """The row as it is written: an independent oracle."""
    opened, closed = ("[", "]") if form.brackets else ("", "")
    asked = [opened, mask if form.mask else "it", closed]
    after = [] if form.merged else asked
    span = [opened, *words[start:end], closed]
    parts = [*words[:start], *asked, *span, *after, *words[end:]]
    return " ".join(part for part in parts if part)


@pytest.mark.parametrize("switches", [{}, {"mask": False}, {"brackets": False}, {"merged": True}])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_row_is_its_text_tokenised_at_once(family, switches) -> None:
    tokenizer, rows = tokenizer_of(family), rows_of(family, **switches)
    pieces = rows.pieces(WORDS)
    for start, end in SPANS:
        row = rows.row(pieces, start, end)
        assert row is not None
        text = as_text(WORDS, start, end, tokenizer.mask_token, rows.form)
        assert row.input_ids == tokenizer(text)["input_ids"], tokenizer.decode(row.input_ids)
        assert not row.is_shortened


@pytest.mark.parametrize("brackets", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_masks_are_where_it_is_asked(family, brackets) -> None:
    tokenizer, rows = tokenizer_of(family), rows_of(family, brackets=brackets)
    for start, end in SPANS:
        row = rows.row(rows.pieces(WORDS), start, end)
        assert row is not None
        places = [p for p, token in enumerate(row.input_ids) if token == tokenizer.mask_token_id]
        assert places == [row.entity_position, row.type_position]


@pytest.mark.parametrize("family", FAMILIES)
def test_without_marks_the_sentence_is_left(family) -> None:
    """Six brackets and two masks taken out restore the sentence."""
    tokenizer, rows = tokenizer_of(family), rows_of(family)
    row = rows.row(rows.pieces(WORDS), 3, 5)
    assert row is not None
    tokens = tokenizer.convert_ids_to_tokens(row.input_ids)
    marks = [token for token in tokens if token.lstrip("Ġ▁") in ("[", "]", tokenizer.mask_token)]
    assert len(marks) == 8
    left = [i for i, t in zip(row.input_ids, tokens, strict=True) if t not in marks]
    assert left == tokenizer(" ".join(WORDS))["input_ids"]


@pytest.mark.parametrize("family", FAMILIES)
def test_brackets_of_the_text_are_parentheses_and_the_span_stays_where_it_is(family) -> None:
    rows = rows_of(family)
    bracketed = "ann [ red ] went to [new york] and saw".split()
    plain = "ann ( red ) went to (new york) and saw".split()
    for start, end in [(0, 1), (1, 4), (6, 8), (8, 9)]:
        row = rows.row(rows.pieces(bracketed), start, end)
        assert row == rows.row(rows.pieces(plain), start, end)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "word", ["[MASK]", "<mask>", "</s>", "[SEP]", "<pad>", "\u200b", "\ufe0f", ""]
)
def test_no_word_becomes_a_special_token(family, word) -> None:
    tokenizer, rows = tokenizer_of(family), rows_of(family)
    for words in (["ann", word, "saw"], [word, "ann"]):
        pieces = rows.pieces(words)
        special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
        assert all(ids and not special & set(ids) for ids in (*pieces.ids, pieces.first))
        row = rows.row(pieces, 1, 2)
        assert row is not None
        assert row.input_ids[row.type_position] == tokenizer.mask_token_id


def test_without_a_mask_an_ordinary_word_is_asked() -> None:
    tokenizer = tokenizer_of("bert")
    row = rows_of("bert", mask=False).row(rows_of("bert").pieces(WORDS), 0, 1)
    assert row is not None
    assert tokenizer.mask_token_id not in row.input_ids
    asked = [row.input_ids[row.entity_position], row.input_ids[row.type_position]]
    assert tokenizer.convert_ids_to_tokens(asked) == ["it", "it"]


def test_merged_rows_ask_once() -> None:
    row = rows_of("bert", merged=True).row(rows_of("bert").pieces(WORDS), 3, 5)
    assert row is not None
    assert row.entity_position == row.type_position


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("length", [16, 17, 20, 30])
def test_a_long_sentence_is_cut_around_the_span(family, length) -> None:
    tokenizer = tokenizer_of(family)
    rows, whole = rows_of(family, sequence_length=length), rows_of(family, sequence_length=1000)
    words = [*["red", "hill"] * 20, "new", "york", *["saw", "the"] * 20]
    pieces = rows.pieces(words)
    for start, end in [(0, 1), (1, 3), (40, 42), (80, 82), (81, 82)]:
        row, full = rows.row(pieces, start, end), whole.row(pieces, start, end)
        assert row is not None
        assert full is not None
        assert (row.is_shortened, full.is_shortened) == (True, False)
        assert len(row.input_ids) == length
        inner = tokenizer.decode(row.input_ids[1:-1])
        assert inner in tokenizer.decode(full.input_ids)
        shift = full.entity_position - row.entity_position
        assert (
            row.input_ids[row.entity_position : -1]
            == (full.input_ids[full.entity_position : shift + length - 1])
        )
        assert full.type_position - row.type_position == shift
        if start == 40:  # as much on either side
            right = length - 1 - row.type_position
            assert abs(row.entity_position - right) <= 4


def test_a_span_that_fits_into_no_row_has_none() -> None:
    rows = rows_of("bert", sequence_length=16)
    pieces = rows.pieces(["red"] * 20)
    for start in (0, 4):
        fitting = [end for end in range(start + 1, 21) if rows.row(pieces, start, end)]
        assert fitting == [end for end in range(start + 1, 21) if rows.fits(pieces, start, end)]
        assert len(fitting) == 16 - 2 - 8


def test_a_tokenizer_without_a_mask_is_refused() -> None:
    from transformers import GPT2Tokenizer

    with pytest.raises(ValueError, match="has no mask token"):
        SpanRows(GPT2Tokenizer(vocab={"a": 0}, merges=[]), SpanFormat())


@pytest.mark.parametrize(("name", "value"), [("max_span_words", 0), ("sequence_length", 15)])
def test_limits_out_of_range_are_named(name, value) -> None:
    with pytest.raises(ValueError, match=f"{name} must be a whole number"):
        SpanFormat(**{name: value})


def test_what_looks_like_a_special_token_is_letters() -> None:
    pieces = rows_of("roberta").pieces(["ann", "</s>"])
    assert tokenizer_of("roberta").decode(list(pieces.ids[1])).strip() == "</s>"
    assert len(pieces.ids[1]) > 1
