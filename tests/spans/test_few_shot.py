"""A sample has enough of each type, is drawn from the seed, and says what it cannot draw."""

from collections import Counter

import numpy as np
import pytest

from hf_apt.spans.few_shot import few_shot
from hf_apt.spans.mentions import Mention, Sentence


def corpus(num: int = 60, seed: int = 0) -> list[Sentence]:
    """Sentences of 0 to 3 mentions, `a` ten times as frequent as `c`."""
    generator = np.random.default_rng(seed)
    sentences = []
    for _ in range(num):
        labels = generator.choice(["a", "b", "c"], size=generator.integers(0, 4), p=[0.7, 0.2, 0.1])
        mentions = tuple(Mention(i, i + 1, str(label)) for i, label in enumerate(labels))
        sentences.append(Sentence(tuple("wxyz"), mentions))
    return sentences


def support(sentences, indices) -> Counter:
    return Counter(mention.label for index in indices for mention in sentences[index].mentions)


@pytest.mark.parametrize("num_shots", [1, 3, 5])
def test_each_type_has_enough_and_no_sentence_is_needless(num_shots) -> None:
    sentences = corpus()
    for seed in range(10):
        indices = few_shot(sentences, num_shots, seed=seed)
        assert indices == sorted(set(indices))
        drawn = support(sentences, indices)
        assert set(drawn) == {"a", "b", "c"}
        assert min(drawn.values()) >= num_shots
        # When a sentence was drawn its type was wanting, so that no more than shots are drawn for
        # each type.
        assert len(indices) <= 3 * num_shots
        assert all(sentences[index].mentions for index in indices)


def test_it_is_drawn_from_the_seed() -> None:
    sentences = corpus()
    assert few_shot(sentences, 2, seed=1) == few_shot(sentences, 2, seed=1)
    assert len({tuple(few_shot(sentences, 2, seed=seed)) for seed in range(8)}) > 4


def test_all_sentences_are_drawn_in_the_end() -> None:
    sentences = corpus(20)
    drawn = {index for seed in range(200) for index in few_shot(sentences, 1, seed=seed)}
    assert drawn == {index for index, each in enumerate(sentences) if each.mentions}


def test_what_cannot_be_drawn_is_named() -> None:
    sentences = corpus()
    rare = support(sentences, range(len(sentences)))["c"]
    with pytest.raises(ValueError, match=f"there are {rare} mentions of the type 'c'"):
        few_shot(sentences, rare + 1, seed=0)
    with pytest.raises(ValueError, match="at least one shot of each type is needed, got 0"):
        few_shot(sentences, 0, seed=0)
    with pytest.raises(ValueError, match="no sentence has a mention"):
        few_shot([Sentence(("a",), ())], 1, seed=0)
