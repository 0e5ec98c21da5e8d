"""Laws of a text made ready for a lens: which positions are asked about, and what is true there."""

import pytest

from hf_apt.runs.lens_text import (
    masked_sequences,
    next_token,
    shown_around,
    shown_token,
)

TEXT = "w1 w2 w3 w2"


@pytest.fixture(scope="module")
def bytes_tokenizer(tmp_path_factory):
    """A byte-level tokenizer like RoBERTa's, trained on a few words."""
    from tokenizers import AddedToken, ByteLevelBPETokenizer
    from transformers import RobertaTokenizer

    own = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(
        ["Paris is the capital of France"] * 50, vocab_size=400, special_tokens=own
    )
    folder = tmp_path_factory.mktemp("bytes")
    trained.save_model(str(folder))
    mask = AddedToken("<mask>", lstrip=True)
    return RobertaTokenizer.from_pretrained(folder, mask_token=mask)


def ids_of(tokenizer, *tokens: str) -> tuple[int, ...]:
    return tuple(tokenizer.convert_tokens_to_ids(list(tokens)))


def test_every_mask_of_the_text_is_asked_for(tokenizer) -> None:
    (sequence,) = masked_sequences(tokenizer, "w1 [MASK] w3 [MASK]", each=False)
    assert sequence.ids == ids_of(tokenizer, "[CLS]", "w1", "[MASK]", "w3", "[MASK]", "[SEP]")
    assert sequence.positions == (2, 4)
    assert sequence.true == (None, None)


def test_true_tokens_are_those_of_the_masks_in_their_order(tokenizer) -> None:
    (sequence,) = masked_sequences(tokenizer, "w1 [MASK] w3 [MASK]", true=["w7", "w8"], each=False)
    assert sequence.true == ids_of(tokenizer, "w7", "w8")


def test_a_word_is_masked_where_it_stands(tokenizer) -> None:
    (sequence,) = masked_sequences(tokenizer, TEXT, mask="w3", each=False)
    assert sequence.ids == ids_of(tokenizer, "[CLS]", "w1", "w2", "[MASK]", "w2", "[SEP]")
    assert (sequence.positions, sequence.true) == ((3,), ids_of(tokenizer, "w3"))


def test_each_token_is_masked_in_turn(tokenizer) -> None:
    sequences = masked_sequences(tokenizer, TEXT, each=True)
    assert [each.positions for each in sequences] == [(1,), (2,), (3,), (4,)]
    assert [each.true[0] for each in sequences] == list(ids_of(tokenizer, *TEXT.split()))
    for each in sequences:
        assert each.ids.count(tokenizer.mask_token_id) == 1


def test_the_mask_may_be_spelled_as_bert_does_or_as_the_tokenizer_does(bytes_tokenizer) -> None:
    (generic,), (own,) = (
        masked_sequences(bytes_tokenizer, f"Paris is the {mask} of France", each=False)
        for mask in ("[MASK]", "<mask>")
    )
    assert generic == own
    (known,) = masked_sequences(
        bytes_tokenizer, "Paris is the [MASK] of France", true=["capital"], each=False
    )
    assert known.ids == own.ids
    assert [shown_token(bytes_tokenizer, index or 0) for index in known.true] == ["␣capital"]


def test_a_word_of_several_tokens_is_masked_as_a_whole(bytes_tokenizer) -> None:
    (sequence,) = masked_sequences(
        bytes_tokenizer, "Paris is the xyz of France", mask="xyz", each=False
    )
    words = [bytes_tokenizer.convert_ids_to_tokens(index) for index in sequence.true]
    assert "".join(words).endswith("xyz")
    assert len(sequence.positions) > 1
    assert all(sequence.ids[at] == bytes_tokenizer.mask_token_id for at in sequence.positions)


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("w1 w2", {}, r"there is no \[MASK\] in 'w1 w2'"),
        ("w1 [MASK]", {"mask": "w1"}, "say in one way"),
        ("w1 [MASK]", {"each": True}, "say in one way"),
        ("w1 w2", {"mask": "w1", "each": True}, "say in one way"),
        ("w1 w2", {"mask": "w1", "true": ["w1"]}, r"has no \[MASK\]"),
        ("w1 [MASK]", {"true": ["w1", "w2"]}, "2 true tokens are given for 1 masks"),
        ("w1 [MASK]", {"true": ["w1 w2"]}, "not one token"),
        (TEXT, {"mask": "w2"}, "'w2' stands 2 times"),
        (TEXT, {"mask": "w"}, "'w' stands 0 times"),
        (TEXT, {"mask": " "}, "' ' stands"),
        ("", {"each": True}, "no token to ask for"),
        ("", {}, r"there is no \[MASK\]"),
    ],
)
def test_what_is_not_one_question_is_refused(tokenizer, text, options, words) -> None:
    with pytest.raises(ValueError, match=words):
        masked_sequences(tokenizer, text, **{"each": False, **options})


def test_a_tokenizer_without_a_mask_is_refused(tmp_path, tokenizer) -> None:
    tokenizer.save_pretrained(tmp_path)
    other = type(tokenizer).from_pretrained(tmp_path)
    other.mask_token = None
    with pytest.raises(ValueError, match="has no mask token"):
        masked_sequences(other, "w1 [MASK]", each=False)


def test_a_causal_model_is_asked_after_the_last_token(tokenizer) -> None:
    sequence = next_token(tokenizer, "w1 w2")
    assert sequence.positions == (len(sequence.ids) - 1,)
    assert sequence.true == (None,)


def test_the_text_around_a_mask_is_shown_and_cut(tokenizer) -> None:
    (sequence,) = masked_sequences(tokenizer, "w1 [MASK] w3 [MASK]", each=False)
    assert shown_around(tokenizer, sequence.ids, 2) == "w1 [MASK] w3 […]"
    (long,) = masked_sequences(
        tokenizer, " ".join(["w1"] * 40 + ["[MASK]"] + ["w2"] * 40), each=False
    )
    shown = shown_around(tokenizer, long.ids, long.positions[0])
    assert shown == " ".join(["…", *["w1"] * 12, "[MASK]", *["w2"] * 12, "…"])


def test_tokens_read_as_words_and_ids_without_a_token_as_numbers(tokenizer) -> None:
    assert shown_token(tokenizer, tokenizer.convert_tokens_to_ids("w7")) == "w7"
    assert shown_token(tokenizer, tokenizer.mask_token_id) == "[MASK]"
    assert shown_token(tokenizer, 1000) == "<1000>"


def test_a_true_token_that_the_tokenizer_does_not_know_is_no_true_token(tokenizer) -> None:
    """The rank of [UNK] would be given for that of the word."""
    with pytest.raises(ValueError, match=r"only \[UNK\]: choose another word"):
        masked_sequences(tokenizer, "w1 [MASK]", true=["\N{SNOWMAN}"], each=False)
    with pytest.raises(ValueError, match=r"only \[UNK\]: choose another word"):
        masked_sequences(tokenizer, "w1 zebra", mask="zebra", each=False)
