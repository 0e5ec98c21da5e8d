"""Laws of the figures of labels: those of an independent loop, whatever labels are called."""

from collections import Counter

import numpy as np
import pytest

from hf_apt.stats.classes.label_figures import label_counts, label_figures, label_noise
from hf_apt.stats.confusion import confusion


@pytest.fixture
def answers():
    """500 examples of 6 labels answered at three depths; 0 and 1 are confused, 4 is never right."""
    generator = np.random.default_rng(3)
    labels = generator.integers(0, 6, 500)
    depths = []
    for share in (0.2, 0.5, 0.95):
        answers = np.where(generator.random(500) < share, labels, generator.integers(0, 6, 500))
        swapped = (labels < 2) & (generator.random(500) < 0.3)
        answers[swapped] = 1 - labels[swapped]
        answers[(labels == 4) & (answers == 4)] = 5
        depths.append(answers)
    return labels, np.stack(depths)


def test_counts_are_those_of_a_loop(answers) -> None:
    labels, depths = answers
    for each, figures in zip(depths, label_figures(labels, depths, 6), strict=True):
        pairs = Counter(zip(labels.tolist(), each.tolist(), strict=True))
        right = [pairs[label, label] for label in range(6)]
        support = [sum(n for (i, _), n in pairs.items() if i == label) for label in range(6)]
        assert figures["hits"] == right
        assert figures["support"] == support
        assert figures["accuracy"]["value"] == pytest.approx(sum(right) / 500)
        shares = [hit / num for hit, num in zip(right, support, strict=True)]
        assert figures["mean_label_accuracy"]["value"] == pytest.approx(np.mean(shares))
        kept = [i for i in range(6) if right[i] == max(pairs[i, j] for j in range(6)) > 0]
        assert figures["num_kept"] == len(kept)
        noises = []
        for i in range(6):
            others = [j for j in range(6) if j != i and i in kept]
            strong = [j for j in others if pairs[i, j] / right[i] >= 0.05]
            noises.append(1 - (right[i] + sum(pairs[i, j] for j in strong)) / support[i])
        assert figures["noise"]["value"] == pytest.approx(np.mean(noises))
        assert figures["noise"]["num"] == 6
        wrong = [(n, i, j) for (i, j), n in pairs.items() if i != j]
        commonest = min(wrong, key=lambda each: (-each[0], each[1], each[2]))
        assert figures["confused"][0] == [commonest[1], commonest[2], commonest[0]]
    assert figures["hits"][4] == 0
    assert [0, 1] in [sorted(labels) for labels in figures["members"]["mutual"]]


def test_labels_by_other_numbers_have_the_same_figures(answers) -> None:
    labels, depths = answers
    new = np.array([3, 5, 0, 1, 4, 2])
    before, after = label_figures(labels, depths, 6), label_figures(new[labels], new[depths], 6)
    for one, other in zip(before, after, strict=True):
        assert one["accuracy"] == other["accuracy"]
        assert one["growth"] == other["growth"]
        assert [one["hits"][i] for i in range(6)] == [other["hits"][new[i]] for i in range(6)]
        assert one["noise"]["value"] == pytest.approx(other["noise"]["value"])
        renamed = [sorted(new[labels].tolist()) for labels in one["members"]["mutual"]]
        assert sorted(renamed) == sorted(sorted(each) for each in other["members"]["mutual"])


def test_the_order_of_examples_changes_nothing(answers) -> None:
    labels, depths = answers
    order = np.random.default_rng(0).permutation(500)
    assert label_figures(labels, depths, 6) == label_figures(labels[order], depths[:, order], 6)


def test_counts_of_parts_add_up(answers) -> None:
    labels, depths = answers
    whole = label_counts(labels, depths[0], 6).matrix().toarray()
    parts = label_counts(labels[:200], depths[0, :200], 6).merge(
        label_counts(labels[200:], depths[0, 200:], 6)
    )
    assert np.array_equal(whole, parts.matrix().toarray())


def test_growth_is_paired_by_example() -> None:
    labels = np.zeros(4, int)
    depths = np.array([[0, 0, 1, 1], [0, 1, 0, 0]])
    first, second = label_figures(labels, depths, 2)
    assert first["growth"] is None
    growth = second["growth"]
    assert growth is not None
    assert growth["value"] == pytest.approx(0.25)
    assert growth["standard_error"] == pytest.approx(np.std([0, -1, 1, 1], ddof=1) / 2)


def test_a_constant_answer_is_noise_for_all_labels_but_one() -> None:
    labels = np.repeat(np.arange(4), 5)
    (figures,) = label_figures(labels, np.zeros((1, 20), int), 4)
    assert (figures["num_kept"], figures["noise"]["value"]) == (1, 0.75)
    table = confusion(label_counts(labels, labels * 0, 5))  # one label never occurs
    assert np.array_equal(label_noise(table), [0, 1, 1, 1, np.nan], equal_nan=True)


def test_an_answer_that_is_no_label_is_refused() -> None:
    with pytest.raises(ValueError, match="prediction id 2 is outside 0 to 1"):
        label_figures(np.array([0, 1]), np.array([[0, 2]]), 2)
