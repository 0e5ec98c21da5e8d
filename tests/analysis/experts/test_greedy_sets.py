"""Laws of greedy sets: planted heads in the order of their worth, and the best of all subsets."""

from itertools import combinations

import numpy as np
import planted_experts as planted
import pytest

from hf_apt.analysis.experts.arms import ask_greedily, ask_silenced
from hf_apt.analysis.experts.block_calls import writing_layer
from hf_apt.analysis.experts.experts_config import ExpertsConfig
from hf_apt.analysis.experts.greedy_sets import greedy_passes, greedy_sets, num_greedy
from hf_apt.analysis.experts.greedy_tables import greedy_figures, greedy_finding, greedy_table
from hf_apt.analysis.experts.kept_parts import one_kept
from hf_apt.analysis.experts.silenced import silenced_answers
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.depths.measurement import asked_batches
from hf_apt.depths.trunk import Trunk
from hf_apt.stats.experts.halves import apt_of_halves
from hf_apt.stats.experts.part_answers import PartAnswers

UNKNOWN = (1, 2, 3, 8, 9)
"""So that head 1 knows one word, head 2 knows four and head 3 two."""
WORTH = np.array([4, 6, 7]) / 12


@pytest.fixture(scope="module")
def batches(tmp_path_factory):
    tokens = planted.planted_tokens(tmp_path_factory.mktemp("planted") / "tokens")
    return lambda _: asked_batches(tokens, MeasureConfig(seed=2))


@pytest.fixture(scope="module")
def trunk() -> Trunk:
    return Trunk(planted.planted_model(UNKNOWN))


def test_planted_heads_are_found_in_the_order_of_what_they_know(trunk, batches) -> None:
    layer = writing_layer(trunk, 2, "heads")
    config = ExpertsConfig(num_orders=6, controls=False)
    arms, kept = ask_silenced(trunk, layer, batches, [0, 1, 2], config)
    greedy = ask_greedily(trunk, layer, batches, arms["none"], config)
    assert greedy is not None
    assert greedy.orders == ([1, 2, 0], [1, 2, 0])
    np.testing.assert_allclose(greedy.judged_KT.mean(axis=1), WORTH)
    assert greedy.num_asked == 3 + 2 + 1 + 6  # one order of both halves, and its answers
    assert greedy.num_asked <= greedy_passes(3, 3) == 15
    figures = greedy_figures(greedy, kept)
    assert [row["greedy"]["value"] for row in figures["rows"]] == pytest.approx([0, *WORTH])
    assert figures["rows"][3]["random"]["value"] == pytest.approx(WORTH[-1])
    assert [row["gain"] is None for row in figures["rows"]] == [True, False, False, True]
    for row in figures["rows"][1:3]:
        assert row["gain"]["value"] == pytest.approx(
            row["greedy"]["value"] - row["random"]["value"]
        )
        assert row["gain"]["value"] > 0
    table = greedy_table(figures, ["head 1", "head 2", "head 3"], "heads")
    assert [row[1] for row in table["rows"]] == ["", "head 2", "head 3", "head 1"]
    assert greedy_finding(figures, "heads", 3).startswith("1 of 3 heads kept in greedy order")


def test_each_greedy_set_is_the_best_of_all_subsets_where_heads_know_different_words(
    trunk, batches
) -> None:
    layer = writing_layer(trunk, 2, "heads")
    subsets = [one for size in range(1, 4) for one in combinations(range(3), size)]
    choices = {"all": [one_kept(layer, one) for one in subsets]}
    answers = silenced_answers(trunk, layer, batches(trunk), choices)["all"]
    worth = dict(zip(subsets, apt_of_halves(answers).mean(axis=(0, 2)), strict=True))
    best = [max(value for one, value in worth.items() if len(one) == size) for size in (1, 2, 3)]
    greedy = ask_greedily(trunk, layer, batches, answers, ExpertsConfig(num_greedy=2))
    assert greedy is not None
    np.testing.assert_allclose(greedy.judged_KT.mean(axis=1), best[:2])


def lucky(sets, num_texts: int = 40) -> PartAnswers:
    """What each set knows is a matter of luck, other luck for every set and text."""
    predictions_SN = np.stack(
        [np.random.default_rng([9, *sorted(one)]).integers(0, 2, num_texts) for one in sets]
    )
    zeros_N = np.zeros(num_texts, np.int64)
    return PartAnswers.empty(len(sets), 2).update(
        zeros_N, predictions_SN, zeros_N, np.arange(num_texts)
    )


def test_luck_in_choosing_is_not_counted() -> None:
    """Chosen among 30 sets and judged on the same texts, the first part alone would have 0.7."""
    greedy = greedy_sets(lucky, lucky([frozenset()]), 30, 20)
    assert greedy is not None
    assert abs(greedy.judged_KT.mean() - 0.5) < 0.06


def test_texts_of_one_half_give_no_order() -> None:
    def ask(sets) -> PartAnswers:
        zeros_N = np.zeros(1, np.int64)
        return PartAnswers.empty(len(sets), 2).update(
            zeros_N, np.zeros((len(sets), 1), np.int64), zeros_N, zeros_N
        )

    assert greedy_sets(ask, ask([frozenset()]), 3, 3) is None


def test_how_many_parts_are_kept_greedily() -> None:
    assert [num_greedy(num, ExpertsConfig()) for num in (2, 16, 17, 768)] == [2, 16, 0, 0]
    assert num_greedy(768, ExpertsConfig(num_greedy=3)) == 3
    assert num_greedy(4, ExpertsConfig(num_greedy=9)) == 4
    assert num_greedy(4, ExpertsConfig(num_greedy=0)) == 0
    with pytest.raises(ValueError, match="num_greedy must be a whole number of at least 0"):
        ExpertsConfig(num_greedy=-1)
