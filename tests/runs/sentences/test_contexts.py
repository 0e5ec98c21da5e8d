"""Laws of the contexts of tokens: text of the measured sequences, as varied as it can be."""

from collections import Counter

import numpy as np

from hf_apt.data.planted.corpus import PlantedCorpus
from hf_apt.data.tokens import write_tokens
from hf_apt.runs.sentences.contexts import PER_TOKEN, in_order_of_news, token_contexts


def slow_order(stretches: list[list[int]], num: int) -> list[int]:
    """The same by looking at every stretch at every turn."""
    times: Counter[int] = Counter()
    picked: list[int] = []
    while len(picked) < num:
        shows = [
            0 if index in picked else sum(times[one] < PER_TOKEN for one in set(stretch))
            for index, stretch in enumerate(stretches)
        ]
        best = int(np.argmax(shows))
        if not shows[best]:
            break
        picked.append(best)
        times.update(set(stretches[best]))
    return picked


def test_each_turn_takes_the_stretch_that_shows_most() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        size, kinds = int(rng.integers(1, 30)), int(rng.integers(1, 40))
        stretches = [rng.integers(0, kinds, rng.integers(1, 9)).tolist() for _ in range(size)]
        num = int(rng.integers(1, size + 1))
        assert in_order_of_news(stretches, num) == slow_order(stretches, num)


def test_a_token_that_was_shown_three_times_is_no_news() -> None:
    assert in_order_of_news([[7]] * 5, 5) == [0, 1, 2]


def test_stretches_are_text_of_the_measured_sequences_alone(tmp_path) -> None:
    corpus = PlantedCorpus(num_validation_documents=30)
    tokenizer, texts = corpus.tokenizer(), list(corpus.corpus(20).validation)
    tokens = write_tokens(tmp_path / "tokens", texts, tokenizer, sequence_length=22, layout="first")
    contexts = token_contexts(tokens, tokenizer, 8)
    assert contexts is not None
    special = set(tokenizer.all_special_ids)
    for stretch in contexts["stretches"]:
        assert len(stretch["ids"]) == len(stretch["pieces"]) <= 20
        assert not special & set(stretch["ids"])
        text = _letters("".join(stretch["pieces"]))
        assert any(text in _letters(each) for each in texts[:8]), text
        assert not any(text in _letters(each) for each in texts[8:])
    assert contexts == token_contexts(tokens, tokenizer, 8)


def test_no_stretch_goes_over_the_end_of_a_text(tmp_path) -> None:
    """In packed sequences, where texts follow one another, every stretch is in one of them."""
    corpus = PlantedCorpus(num_validation_documents=30)
    tokenizer, texts = corpus.tokenizer(), list(corpus.corpus(20).validation)
    tokens = write_tokens(
        tmp_path / "tokens", texts, tokenizer, sequence_length=64, layout="packed"
    )
    contexts = token_contexts(tokens, tokenizer, len(tokens))
    assert contexts is not None
    for stretch in contexts["stretches"]:
        text = _letters("".join(stretch["pieces"]))
        assert any(text in _letters(each) for each in texts), text


def _letters(text: str) -> str:
    return "".join(text.lower().split())


class Bytes:
    """Two tokens to a letter: there is no text until both are read."""

    def decode(self, ids: list[int], **_: object) -> str:
        return "ä" * (len(ids) // 2) + "\ufffd" * (len(ids) % 2)

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
        return [f"<{one}>" for one in ids]

    all_special_ids = (0,)


def test_letters_of_several_tokens_are_shown_as_tokens(tmp_path) -> None:
    corpus = PlantedCorpus(num_validation_documents=30)
    tokenizer, texts = corpus.tokenizer(), list(corpus.corpus(20).validation)
    tokens = write_tokens(tmp_path / "tokens", texts, tokenizer, sequence_length=22, layout="first")
    contexts = token_contexts(tokens, Bytes(), 1)
    assert contexts is not None
    (stretch, *_) = contexts["stretches"]
    assert stretch["pieces"] == [f" <{one}>" for one in stretch["ids"]]
