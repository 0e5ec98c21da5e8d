"""Laws of the sentences that are asked: whole ones, one word each, the same for the same seed."""

import pytest

from hf_apt.data.tokenizer import SPECIAL_TOKENS, vocabulary_tokenizer
from hf_apt.data.tokens import write_tokens
from hf_apt.runs.sentences.candidates import NUM_ASKED, candidates

WORDS = (*"the a in of . , ! ##s".split(), *"winter summer river mountain slowly brought".split())
LONG = {"winter", "summer", "river", "mountain", "slowly", "brought"}
SENTENCE = "the winter brought a river slowly in the mountain ."
TEXT = f"of the {SENTENCE} a summer , in the rivers of a winter , in the mountain ! in the a . the"


@pytest.fixture(scope="module")
def tokenizer():
    return vocabulary_tokenizer([*SPECIAL_TOKENS, *WORDS])


def asked_of(tokenizer, folder, texts, num=None, seed=1, **options):
    tokens = write_tokens(folder, texts, tokenizer, sequence_length=48, layout="first")
    return candidates(tokens, tokenizer, num or len(tokens), seed, whole=False, **options)


def text_of(tokenizer, asked) -> str:
    (position,), (true,) = asked.positions, asked.true
    ids = list(asked.ids)
    assert ids[position] == tokenizer.mask_token_id
    ids[position] = true
    assert (ids[0], ids[-1]) == (tokenizer.cls_token_id, tokenizer.sep_token_id)
    assert ids.count(tokenizer.mask_token_id) == 0
    return tokenizer.decode(ids[1:-1], clean_up_tokenization_spaces=False)


def test_a_sentence_is_whole_and_one_of_its_words_is_asked(tokenizer, tmp_path) -> None:
    """Not its beginning, which may be cut, not one of four words, not one that is not ended."""
    asked = asked_of(tokenizer, tmp_path / "tokens", [TEXT] * 60)
    whole = {"a summer, in the rivers of a winter, in the mountain!"}
    assert {text_of(tokenizer, each) for each in asked} == whole
    assert len(asked) == NUM_ASKED
    words = {tokenizer.convert_ids_to_tokens(each.true[0]) for each in asked}
    assert words == {"summer", "winter", "mountain"}  # no "river", which goes on with ##s


def test_they_are_spread_over_what_was_measured(tokenizer, tmp_path) -> None:
    texts = [f". {SENTENCE.replace('winter', word)}" for word in sorted(LONG)]
    asked = asked_of(tokenizer, tmp_path / "tokens", texts * 40)
    assert len({text_of(tokenizer, each) for each in asked}) == len(LONG)
    few = asked_of(tokenizer, tmp_path / "few", texts * 40, num=2)
    expected = [text[2:].replace(" .", ".") for text in texts[:2]]
    assert [text_of(tokenizer, each) for each in few] == expected


def test_the_seed_draws_the_words(tokenizer, tmp_path) -> None:
    one, again, other = (
        asked_of(tokenizer, tmp_path / f"{number}", [f". {SENTENCE}"] * 40, seed=seed)
        for number, seed in enumerate((1, 1, 2))
    )
    assert one == again != other


def test_a_text_without_sentences_is_asked_from_its_beginning(tokenizer, tmp_path) -> None:
    asked = asked_of(tokenizer, tmp_path / "tokens", ["the winter in the"] * 3)
    assert [text_of(tokenizer, each) for each in asked] == ["the winter in the"] * 3
    assert {tokenizer.convert_ids_to_tokens(each.true[0]) for each in asked} == {"winter"}
    short = asked_of(tokenizer, tmp_path / "short", ["the a in of"] * 30)
    words = {tokenizer.convert_ids_to_tokens(each.true[0]) for each in short}
    assert words == {"the", "a", "in", "of"}
    signs = asked_of(tokenizer, tmp_path / "signs", [", ,"])
    assert [text_of(tokenizer, each) for each in signs] == [",,"]


def test_nothing_is_asked_of_a_text_of_unknown_tokens(tokenizer, tmp_path) -> None:
    texts = ["the winter in the", *["zzz the zzz"] * 3]
    asked = asked_of(tokenizer, tmp_path / "tokens", texts)
    assert [text_of(tokenizer, each) for each in asked] == ["the winter in the"]
