"""Laws of tokenizers: what is loaded or trained is complete, deterministic and recognisable."""

import json
import random

import pytest
from tokenizers import BertWordPieceTokenizer, Tokenizer
from tokenizers.models import BPE
from transformers import PreTrainedTokenizerFast

from hf_apt.data.tokenizer import (
    SPECIAL_TOKENS,
    fingerprint,
    is_same_tokenizer,
    load_tokenizer,
    train_wordpiece,
    vocabulary,
    vocabulary_tokenizer,
)

SENTENCE = "w1 w2 w59 w7, something else: W3!"


def written(path, tokens, end="\n"):
    path.write_text("".join(token + end for token in tokens), encoding="utf-8", newline="")
    return path


def test_a_vocabulary_file_gives_its_lines_as_ids(tmp_path) -> None:
    tokens = ["first", *SPECIAL_TOKENS, "second", "\u2028", "##x"]
    for end in ("\n", "\r\n"):
        loaded = load_tokenizer(str(written(tmp_path / "vocab.txt", tokens, end)))
        assert vocabulary(loaded) == tokens
        assert loaded("Second first")["input_ids"] == [3, 6, 0, 4]
        assert (loaded.pad_token_id, loaded.mask_token_id) == (1, 5)


@pytest.mark.parametrize("missing", SPECIAL_TOKENS)
def test_a_vocabulary_without_a_special_token_is_refused_by_its_name(tmp_path, missing) -> None:
    tokens = [token for token in SPECIAL_TOKENS if token != missing]
    path = written(tmp_path / "vocab.txt", [*tokens, "a"])
    with pytest.raises(ValueError, match="is it a BERT one") as error:
        load_tokenizer(str(path))
    assert missing in str(error.value)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("size", [None, 0])
def test_a_missing_or_empty_vocabulary_is_named(tmp_path, size) -> None:
    path = tmp_path / "vocab.txt"
    if size == 0:
        path.touch()
    with pytest.raises(ValueError, match=r"vocab\.txt is missing or empty"):
        load_tokenizer(str(path))


def test_a_token_that_is_there_twice_is_refused(tmp_path) -> None:
    path = written(tmp_path / "vocab.txt", [*SPECIAL_TOKENS, "a", "b", "a"])
    with pytest.raises(ValueError, match="'a' twice"):
        load_tokenizer(str(path))


def test_a_folder_gives_back_what_was_saved_in_it(tokenizer, tmp_path) -> None:
    from transformers import AutoTokenizer

    tokenizer.save_pretrained(tmp_path / "saved")
    for loaded in (
        load_tokenizer(str(tmp_path / "saved")),
        AutoTokenizer.from_pretrained(tmp_path / "saved"),
    ):
        assert loaded(SENTENCE)["input_ids"] == tokenizer(SENTENCE)["input_ids"]
        assert vocabulary(loaded) == vocabulary(tokenizer)
        assert fingerprint(loaded) == fingerprint(tokenizer)


def without(tmp_path, **special_tokens):
    """A GPT-2-like byte BPE with the special tokens that are given."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast

    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(["some text"] * 3, vocab_size=300, special_tokens=["<|end|>"])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=trained._tokenizer, eos_token="<|end|>", **special_tokens
    )
    tokenizer.save_pretrained(tmp_path / "other")
    return str(tmp_path / "other")


def test_a_tokenizer_without_a_mask_or_padding_token_is_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match=r"other' has no mask token"):
        load_tokenizer(without(tmp_path))
    with pytest.raises(ValueError, match=r"other' has no padding token"):
        load_tokenizer(without(tmp_path, mask_token="<mask>"))


@pytest.mark.parametrize("kind", ["missing", "empty", "broken"])
def test_a_folder_that_holds_no_tokenizer_is_named_in_one_line(tmp_path, kind) -> None:
    folder = tmp_path / "folder"
    if kind != "missing":
        folder.mkdir()
    if kind == "broken":
        (folder / "tokenizer.json").write_text("{")
        (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
    with pytest.raises(ValueError, match="folder") as error:
        load_tokenizer(str(folder))
    assert "\n" not in str(error.value)


# Training.


def test_a_trained_wordpiece_has_berts_special_tokens_first(documents) -> None:
    trained = train_wordpiece(iter(documents), 120, len(documents))
    tokens = vocabulary(trained)
    assert tuple(tokens[:5]) == SPECIAL_TOKENS
    assert sorted(trained.all_special_ids) == [0, 1, 2, 3, 4]
    assert len(tokens) <= 120
    assert len(set(tokens)) == len(tokens)
    ids = trained(documents)["input_ids"]
    assert {row[0] for row in ids} == {2}
    assert {row[-1] for row in ids} == {3}
    assert not any(1 in row for row in ids), "its own text has an unknown token"


def test_training_is_deterministic() -> None:
    """Whatever the order of a hash table, even where many merges are equally frequent."""
    generator = random.Random(0)
    words = ["".join(generator.choices("abcdefgh", k=6)) for _ in range(800)]
    once, again, third = (train_wordpiece(iter(words), 300, None) for _ in range(3))
    assert vocabulary(once) == vocabulary(again) == vocabulary(third)
    assert len(vocabulary(once)) == 300


def test_of_more_characters_than_are_kept_the_same_ones_are() -> None:
    """1,500 of them, each as common as many others: the commonest, then the first in Unicode."""
    letters = [chr(0x4E00 + number) for number in range(1500)]
    generator = random.Random(1)
    texts = [letter for number, letter in enumerate(letters) for _ in range(1 + number % 2)]
    generator.shuffle(texts)
    once, again, third = (vocabulary(train_wordpiece(texts, 1100, None)) for _ in range(3))
    assert once == again == third
    often, seldom = letters[1::2], letters[::2]
    assert set(once) - set(SPECIAL_TOKENS) == {*often, *seldom[:250]}


def test_a_vocabulary_of_few_characters_is_that_of_the_trainer_alone() -> None:
    """Whose own choice of characters is sure where all of them are kept."""
    generator = random.Random(2)
    words = ["".join(generator.choices("aébÜc1.", k=4)) for _ in range(300)]
    expected = BertWordPieceTokenizer(lowercase=True)
    expected.train_from_iterator(words, 120, special_tokens=list(SPECIAL_TOKENS))
    characters = {token for token in expected.get_vocab() if len(token.removeprefix("##")) == 1}
    tokens = set(vocabulary(train_wordpiece(words, 120, None)))
    assert characters <= tokens


def test_training_and_loading_agree(documents, tmp_path) -> None:
    trained = train_wordpiece(documents, 110, None)
    trained.save_pretrained(tmp_path / "trained")
    loaded = load_tokenizer(str(tmp_path / "trained"))
    assert [loaded(text)["input_ids"] for text in documents] == [
        trained(text)["input_ids"] for text in documents
    ]


def test_a_tiny_vocabulary_is_refused_by_value() -> None:
    with pytest.raises(ValueError, match="got 99"):
        train_wordpiece(["text"], 99, 1)


# Fingerprint and vocabulary.


def test_the_fingerprint_tells_vocabularies_apart(tokenizer) -> None:
    tokens = vocabulary(tokenizer)
    swapped = [*tokens[:-2], tokens[-1], tokens[-2]]
    variants = [tokens, swapped, tokens[:-1], [*tokens, "new"]]
    fingerprints = [fingerprint(vocabulary_tokenizer(variant)) for variant in variants]
    assert len(set(fingerprints)) == 4
    assert fingerprints[0] == fingerprint(tokenizer)
    assert all(len(value) == 16 for value in fingerprints)


def test_an_id_without_a_token_has_a_place_in_the_vocabulary() -> None:
    from transformers import BertTokenizer

    ids = {token: index for index, token in enumerate(SPECIAL_TOKENS)} | {"far": 8}
    assert vocabulary(BertTokenizer(vocab=ids)) == [*SPECIAL_TOKENS, "<5>", "<6>", "<7>", "far"]


def test_a_checkpoint_without_its_tokenizer_has_none(tmp_path):
    """transformers makes one of special tokens alone, to which all words are unknown."""
    from transformers import AutoTokenizer, BertConfig

    BertConfig().save_pretrained(tmp_path)
    assert len(AutoTokenizer.from_pretrained(tmp_path)) == 5
    with pytest.raises(ValueError, match="no tokenizer in .*: its files are missing"):
        load_tokenizer(str(tmp_path))


def rules_of(tokenizer, tmp_path, name: str, **changes):
    """A copy of `tokenizer` as a folder gives it back, with some of its rules changed."""
    backend = Tokenizer.from_str(json.dumps(json.loads(tokenizer.to_str()) | changes))
    made = PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="[UNK]", pad_token="[PAD]", mask_token="[MASK]"
    )
    made.save_pretrained(tmp_path / name)
    return load_tokenizer(str(tmp_path / name))


def test_tokenizers_are_the_same_by_their_rules_too(tmp_path) -> None:
    vocabulary = ["[PAD]", "[UNK]", "[MASK]", "a", "b", "c", "ab", "bc"]
    merges = [("a", "b"), ("b", "c")]
    ids = {token: number for number, token in enumerate(vocabulary)}
    bpe = Tokenizer(BPE(ids, merges, unk_token="[UNK]"))
    one = rules_of(bpe, tmp_path, "one")
    assert is_same_tokenizer(one, rules_of(bpe, tmp_path, "again"))
    one.save_pretrained(tmp_path / "saved")
    assert is_same_tokenizer(one, load_tokenizer(str(tmp_path / "saved")))
    padded = {"direction": "Right", "max_length": 5, "strategy": "LongestFirst", "stride": 0}
    assert is_same_tokenizer(one, rules_of(bpe, tmp_path, "cut", truncation=padded))
    swapped = rules_of(Tokenizer(BPE(ids, merges[::-1], unk_token="[UNK]")), tmp_path, "swapped")
    assert one.encode("abc") != swapped.encode("abc")
    assert fingerprint(one) == fingerprint(swapped)
    assert not is_same_tokenizer(one, swapped)
    lower = rules_of(bpe, tmp_path, "lower", normalizer={"type": "Lowercase"})
    assert not is_same_tokenizer(one, lower)
