"""Texts in a plane: what is best is best, whatever is drawn, and a draw is a function of seeds."""

from dataclasses import replace

import numpy as np
import pytest

from hf_apt.data.planted.planar_texts import PlanarTexts

TEXTS = PlanarTexts(num_texts=2000, num_topics=4, words_per_topic=3, num_words=6, seed=3)


def test_best_by_words_is_the_largest_product_of_probabilities():
    """Written out word by word, with the areas counted among drawn places."""
    draws = [replace(TEXTS, draw=draw) for draw in range(1, 21)]
    areas = np.bincount(np.concatenate([each.topics for each in draws]), minlength=4) / 40_000
    num_same = 0
    for row, answer in zip(TEXTS.word_numbers[:300], TEXTS.best_by_words()[:300], strict=True):
        products = [
            area
            * np.prod([0.8 / 12 + (0.2 / 3 if word // 3 == topic else 0) for word in row.tolist()])
            for topic, area in enumerate(areas)
        ]
        best = max(products)
        num_same += products[answer] >= best * 0.97  # areas are drawn, near ties may turn
    assert num_same == 300


def test_words_are_their_topics_own_as_often_as_they_should():
    own = TEXTS.word_numbers // 3 == TEXTS.topics[:, None]
    assert own.mean() == pytest.approx(0.2 + 0.8 / 4, abs=0.015)
    assert np.bincount(TEXTS.word_numbers.ravel(), minlength=12).min() > 0
    assert TEXTS.words == [f"w{number}" for number in range(12)]
    assert TEXTS.texts[7].split() == [f"w{word}" for word in TEXTS.word_numbers[7]]


def test_near_texts_are_linked_and_topics_are_regions():
    small = replace(TEXTS, num_texts=80)
    gaps = np.linalg.norm(small.places[:, None] - small.places[None], axis=-1)
    expected = (gaps < 0.1) & ~np.eye(80, dtype=bool)
    assert (small.graph.matrix().toarray() == expected).all()
    near = gaps + 9 * np.eye(80)
    assert np.mean(small.topics[near.argmin(axis=1)] == small.topics) > 0.8


def test_another_draw_has_other_texts_of_the_same_topics():
    assert replace(TEXTS).texts == TEXTS.texts
    other = replace(TEXTS, draw=1)
    assert other.texts != TEXTS.texts
    # The topic at a place does not depend on the draw.
    assert (other._topics_at(TEXTS.places) == TEXTS.topics).all()
    assert not (replace(TEXTS, seed=4)._topics_at(TEXTS.places) == TEXTS.topics).all()
