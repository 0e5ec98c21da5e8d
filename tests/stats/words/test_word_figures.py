"""Figures of words against a loop, and known answers."""

import numpy as np
import pytest

from hf_apt.stats.words.word_figures import AskedWords, word_figures, word_floors, word_types


def asked(**changed) -> AskedWords:
    """Four words in three passages: union (2 tokens), the, The (unknown), war."""
    values = {
        "types_W": word_types(["union", "the", "The", "war"]),
        "passages_W": np.array([0, 0, 1, 2]),
        "word_of_N": np.array([0, 0, 1, 2, 3]),
        "is_unknown_N": np.array([False, False, False, True, False]),
    }
    return AskedWords(**values | changed)


def test_a_word_is_right_if_all_its_tokens_are_and_it_can_be_said() -> None:
    right = np.array([[True, False, True, True, False], [True] * 5])
    losses = np.array([[1.0, 2.0, 4.0, 99.0, 3.0], [0.5, 0.5, 0.0, 99.0, 2.0]])
    first, second = word_figures(asked(), right, losses)
    assert (first["accuracy"].value, first["accuracy"].num) == (0.25, 4)
    assert second["accuracy"].value == 0.75
    # the: half of two; union and war: none, then both.
    assert (first["mean_apt"].value, first["mean_apt"].num) == (pytest.approx(0.5 / 3), 3)
    assert second["mean_apt"].value == pytest.approx(2.5 / 3)
    assert (first["cross_entropy"].value, first["cross_entropy"].num) == (10 / 3, 3)
    assert second["cross_entropy"].value == 1


def test_figures_are_those_of_a_loop() -> None:
    generator = np.random.default_rng(0)
    num = 400
    of_word = generator.integers(1, 4, num)
    word_of_N = np.repeat(np.arange(num), of_word)
    types_W = generator.integers(0, 30, num)
    types_W[:30] = np.arange(30)
    unknown_N = generator.random(len(word_of_N)) < 0.1
    words = AskedWords(types_W, np.arange(num) // 4, word_of_N, unknown_N)
    right_DN = generator.random((2, len(word_of_N))) < 0.7
    losses_DN = generator.random((2, len(word_of_N)))
    for depth, figures in enumerate(word_figures(words, right_DN, losses_DN)):
        hits, nats, by_type = [], [], {}
        for word in range(num):
            tokens = [n for n in range(len(word_of_N)) if word_of_N[n] == word]
            known = not any(unknown_N[n] for n in tokens)
            hit = known and all(right_DN[depth, n] for n in tokens)
            hits.append(hit)
            by_type.setdefault(types_W[word], []).append(hit)
            if known:
                nats.append(sum(losses_DN[depth, n] for n in tokens))
        assert figures["accuracy"].value == pytest.approx(np.mean(hits))
        means = [np.mean(each) for each in by_type.values()]
        assert figures["mean_apt"].value == pytest.approx(np.mean(means))
        assert figures["cross_entropy"].value == pytest.approx(np.mean(nats))
        assert figures["cross_entropy"].num == len(nats)
        assert figures["cross_entropy"].standard_error > 0


def test_the_floor_is_the_commonest_word() -> None:
    unigram, band = word_floors(asked())
    assert (unigram.name, unigram.accuracy["pooled"]) == ("unigram", 0.5)
    assert unigram.mean_apt["pooled"] == pytest.approx(1 / 3)
    assert band.name == "frequency band"
