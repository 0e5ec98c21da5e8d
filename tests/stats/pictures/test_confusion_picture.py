"""What the confusion picture shows of planted counts."""

import numpy as np
import pytest

from hf_apt.stats.counts import PairCounts
from hf_apt.stats.pictures.confusion_picture import (
    LARGEST_CLUSTER,
    NUM_TOKENS,
    confusion_picture,
    picture_order,
    shares_of_answers,
)


def counted(references: list[int], predictions: list[int], vocab_size: int = 8) -> PairCounts:
    pairs = PairCounts(vocab_size)
    pairs.update(np.array(references), np.array(predictions))
    return pairs


def test_shares_are_those_of_all_answers_of_the_true_token() -> None:
    pairs = counted([1, 1, 1, 1, 2, 3], [1, 2, 2, 7, 2, 1])
    shares_KK = shares_of_answers(pairs, [2, 1, 5])
    assert shares_KK.tolist() == [[1, 0, 0], [0.5, 0.25, 0], [0, 0, 0]]


def test_a_square_is_darker_for_a_larger_share_and_rows_are_true_tokens() -> None:
    pairs = counted([1, 1, 1, 1, 2, 3], [1, 2, 2, 7, 2, 1])
    figure = confusion_picture([pairs, pairs], ["a", "b"], [1, 2], ["one", "two$"], [2])
    assert [axes.get_title() for axes in figure.axes] == ["a", "b"]
    for axes in figure.axes:
        (image,) = axes.get_images()
        assert np.asarray(image.get_array()) == pytest.approx(np.sqrt([[0.25, 0.5], [0, 1]]))
        (outline,) = axes.patches
        assert (outline.get_xy(), outline.get_width()) == ((-0.5, -0.5), 2)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["one", r"two\$"]


def test_clusters_come_first_and_the_most_asked_fill_up() -> None:
    support_V = np.arange(100)[::-1].copy()
    support_V[50:] = 0
    groups = [np.arange(30, 45), np.array([3, 7])]
    tokens, lengths = picture_order(groups, support_V)
    assert lengths == [LARGEST_CLUSTER, 2]
    assert tokens[:12] == [*range(30, 40), 3, 7]
    assert tokens[12:15] == [0, 1, 2]
    assert len(tokens) == len(set(tokens)) == NUM_TOKENS
    few, _ = picture_order([], np.array([0, 2, 1]))
    assert few == [1, 2]  # what was never asked for is not shown


def test_words_that_matplotlib_cannot_show_are_drawn_all_the_same() -> None:
    pairs = counted([0, 1], [1, 1])
    figure = confusion_picture([pairs], ["x"], [0, 1], ["$a_{", "line\nfeed\x00" + "y" * 40], [])
    figure.canvas.draw()
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == [r"\$a_{", "line\ufffdfeed\ufffdy…"]
