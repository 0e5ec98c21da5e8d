"""Tags at the first token of each word, in the tokens of the text."""

import pytest
import torch
from span_tokenizers import FAMILIES, encoder_for, grammar, tokenizer_of

from hf_apt.spans.mentions import Mention, Sentence
from hf_apt.spans.token_tags import TagCollator, TokenRows, bio_tags, tagged_mentions
from hf_apt.stats.counts import NOT_ASKED

LABELS = ("person", "place")
TAGS = bio_tags(LABELS)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_row_is_the_text_and_its_words_begin_where_transformers_says(family) -> None:
    tokenizer = tokenizer_of(family)
    words = "ann went to new hills ( york )".split()
    row = TokenRows(tokenizer, 100).row(words)
    encoded = tokenizer(" ".join(words), return_offsets_mapping=True)
    assert row.input_ids == encoded["input_ids"]
    starts = [len(" ".join(words[:place])) + bool(place) for place in range(len(words))]
    for position, start in zip(row.first_positions, starts, strict=True):
        begin, end = encoded["offset_mapping"][position]
        # Byte-level tokens may hold the blank before a word, or be it.
        assert begin in (start - 1, start)
        assert end >= begin
    assert len(set(row.first_positions)) == len(words)


def test_labels_are_at_first_tokens() -> None:
    tokenizer = tokenizer_of("bert")
    sentence = Sentence(tuple("the hills saw ann".split()), (Mention(1, 2, "place"),))
    row = TokenRows(tokenizer, 100).labelled(sentence, TAGS)
    tokens = tokenizer.convert_ids_to_tokens(row["input_ids"])
    assert tokens == ["[CLS]", "the", "hill", "##s", "saw", "ann", "[SEP]"]
    names = ["-" if label == NOT_ASKED else TAGS[label] for label in row["labels"]]
    assert names == ["-", "O", "B-place", "-", "O", "O", "-"]
    with pytest.raises(ValueError, match="there is a tag 'B-place', and the tags are O, B-person"):
        TokenRows(tokenizer, 100).labelled(sentence, bio_tags(["person"]))


def test_words_beyond_the_length_are_cut_off() -> None:
    rows = TokenRows(tokenizer_of("bert"), 16)
    row = rows.row(["hills"] * 20)
    assert (len(row.input_ids), len(row.first_positions)) == (16, 7)
    model = encoder_for(tokenizer_of("bert"), id2label=dict(enumerate(TAGS)))
    (mentions,) = tagged_mentions(model, rows, [["hills"] * 20], pad_id=0)
    assert all(mention.end <= 7 for mention in mentions)


def test_the_most_probable_tag_of_each_word_is_read() -> None:
    """The oracle: sentences one by one, tags by transformers' own words."""
    tokenizer = tokenizer_of("bert")
    model = encoder_for(tokenizer, id2label=dict(enumerate(TAGS)))
    words = [each.words for each in grammar(40)]
    predicted = tagged_mentions(model, TokenRows(tokenizer, 60), words, pad_id=0)
    seen = set()
    for own, mentions in zip(words, predicted, strict=True):
        encoded = tokenizer(" ".join(own), return_tensors="pt")
        with torch.no_grad():
            labels = model(**encoded).logits[0].argmax(-1)
        tags = [TAGS[label] for label in labels[1:-1]]  # a word is a token here
        seen |= set(tags)
        inside = {word for start, end, _ in mentions for word in range(start, end)}
        assert inside == {place for place, tag in enumerate(tags) if tag != "O"}
    assert len(seen) > 1


def test_a_batch_is_padded_on_the_right() -> None:
    batch = TagCollator(9)(
        [{"input_ids": [1, 2], "labels": [0, 1]}, {"input_ids": [3], "labels": [2]}]
    )
    assert batch["input_ids"].tolist() == [[1, 2], [3, 9]]
    assert batch["labels"].tolist() == [[0, 1], [2, NOT_ASKED]]
    assert batch["attention_mask"].tolist() == [[1, 1], [1, 0]]
