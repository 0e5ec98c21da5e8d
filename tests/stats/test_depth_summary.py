"""Laws of the headline figures: strict JSON, and the same numbers as the functions behind them."""

import json
import math
from typing import Any

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_apt.stats.clusters import DEFINITIONS, THRESHOLDS
from hf_apt.stats.counts import TREATMENTS, DepthCounts
from hf_apt.stats.depth_summary import summarise_depths
from hf_apt.stats.measures.answers import Answers
from hf_apt.stats.measures.readout import Readout
from hf_apt.stats.measures.registry import COLUMNS, MEASURES
from hf_apt.stats.readout_analysis import ReadoutAnalysis

settings.register_profile("laws", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("laws")

ESTIMATE = {"value", "standard_error", "num"}
NAMES = ["pooled", *TREATMENTS]
of_counts = ReadoutAnalysis.of_counts
DEPTH_KEYS = {
    "depth",
    "mean_apt",
    "mean_apt_common",
    "mean_apt_planted",
    "rarefaction",
    "rarefied_growth",
    "never_right",
    "masked_accuracy",
    "apt50",
    "growth",
    "growth_by_frequency",
    "apt_by_frequency",
    "confusion",
    "clusters",
    *(column.key for column in COLUMNS),
}
CLUSTER_KEYS = {
    "definition",
    "threshold",
    "num_clusters",
    "num_tokens_in_clusters",
    "share_with_strong_match",
    "mean_size",
    "median_size",
    "max_size",
    "size_histogram",
    "noise_mass",
    "agreement_previous",
    "agreement_planted",
}


def random_counts(num_depths: int, num: int, vocab_size: int = 12, seed: int = 0) -> DepthCounts:
    """Random answers, more often right the deeper; half of the vocabulary is never asked for."""
    rng = np.random.default_rng(seed)
    references = rng.integers(0, max(vocab_size // 2, 1), num)
    answers = [
        np.where(rng.random(num) < (depth + 1) / 4, references, rng.integers(0, vocab_size, num))
        for depth in range(num_depths)
    ]
    predictions = np.array(answers, np.int64).reshape(num_depths, num)
    counts = DepthCounts.empty(num_depths, vocab_size)
    return counts.update(references, predictions, rng.integers(0, 3, num))


def block_counts(planted: np.ndarray, num_depths: int = 2) -> DepthCounts:
    """Each token answered most often right, and often by every other token of its class."""
    counts = DepthCounts.empty(num_depths, len(planted))
    for token, cls in enumerate(planted):
        others = [j for j, c in enumerate(planted) if c == cls >= 0 and j != token]
        answers = np.array([token] * 4 + others * 3)
        counts.update(np.full(len(answers), token), np.tile(answers, (num_depths, 1)), 0 * answers)
    return counts


def strict(depths: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a strict reader gets: fails on NaN, on infinity and on anything that is no JSON."""
    return json.loads(json.dumps(depths, allow_nan=False))


def test_the_keys_are_those_documented() -> None:
    depths = summarise_depths(of_counts(random_counts(3, 300)), np.arange(12))
    assert [figures["depth"] for figures in depths] == [0, 1, 2]
    for figures in depths:
        assert set(figures) == DEPTH_KEYS
        for accuracy in ("mean_apt", "masked_accuracy", "apt50"):
            assert list(figures[accuracy]) == NAMES
        for name in NAMES:
            assert set(figures["mean_apt"][name]) == ESTIMATE
            assert set(figures["masked_accuracy"][name]) == ESTIMATE
            assert set(figures["apt50"][name]) == {"most_frequent_50", "upper_half", "support_50"}
            assert all(set(reading) == ESTIMATE for reading in figures["apt50"][name].values())
        assert all(set(bin_) == {"low", "high", "mean_apt"} for bin_ in figures["apt_by_frequency"])
        assert set(figures["confusion"]) == {"num_rows", "num_kept", "num_ties", "num_pairs"}
        assert all(set(entry) == CLUSTER_KEYS for entry in figures["clusters"])
        assert [(entry["threshold"], entry["definition"]) for entry in figures["clusters"]] == [
            (threshold, definition) for threshold in THRESHOLDS for definition in DEFINITIONS
        ]


@given(st.integers(1, 3), st.sampled_from([0, 1, 2, 40]), st.integers(0, 3), st.booleans())
def test_any_counts_make_strict_json_that_reads_back_the_same(
    num_depths: int, num: int, seed: int, has_planted: bool
) -> None:
    depths = summarise_depths(
        of_counts(random_counts(num_depths, num, seed=seed)),
        np.arange(12),
        planted_V=np.arange(12) // 4 - 1 if has_planted else None,
        thresholds=(0.1, 1.0),
    )
    assert len(depths) == num_depths
    assert strict(depths) == depths


@pytest.mark.parametrize("num_depths", [1, 2])
def test_where_nothing_was_asked_for_figures_are_null_and_never_zero(num_depths: int) -> None:
    depths = strict(
        summarise_depths(
            of_counts(random_counts(num_depths, 0)), np.arange(12), planted_V=np.full(12, -1)
        )
    )
    for figures in depths:
        nothing = {"value": None, "standard_error": None, "num": 0}
        assert all(figures["mean_apt"][name] == nothing for name in NAMES)
        assert all(figures["masked_accuracy"][name] == nothing for name in NAMES)
        assert figures["apt_by_frequency"] == []
        assert set(figures["confusion"].values()) == {0}
        for entry in figures["clusters"]:
            assert entry["num_clusters"] == entry["num_tokens_in_clusters"] == 0
            for key in ("mean_size", "median_size", "max_size", "noise_mass"):
                assert entry[key] is None
            assert entry["share_with_strong_match"] is None


def test_accuracies_are_those_of_a_loop_pooled_and_by_treatment() -> None:
    rng = np.random.default_rng(5)
    references, treatments = rng.integers(0, 6, 200), rng.integers(0, 3, 200)
    predictions = rng.integers(0, 6, (2, 200))
    counts = DepthCounts.empty(2, 6).update(references, predictions, treatments)
    frequency = np.array([5, 1, 9, 9, 2, 0])
    for depth, figures in enumerate(summarise_depths(of_counts(counts), frequency)):
        for name in NAMES:
            chosen = [
                i for i in range(200) if name == "pooled" or treatments[i] == TREATMENTS.index(name)
            ]
            table = oracles.pair_counts(
                [int(references[i]) for i in chosen], [int(predictions[depth, i]) for i in chosen]
            )
            right = sum(oracles.hits(table, 6))
            value = figures["mean_apt"][name]["value"]
            assert value == pytest.approx(oracles.mean_apt(table, 6))
            assert figures["masked_accuracy"][name]["value"] == right / len(chosen)
            assert figures["masked_accuracy"][name]["num"] == len(chosen)
            readings = [reading["value"] for reading in figures["apt50"][name].values()]
            for reading, expected in zip(
                readings, oracles.apt50(table, frequency.tolist()), strict=True
            ):
                assert reading == (None if expected is None else pytest.approx(expected))


def test_the_mean_over_planted_classes_leaves_the_other_tokens_out() -> None:
    # Token 0, of no class, is always right; 1 and 2 are right in 1 of 2 and in 1 of 4; 3 is no one.
    references, answers = [0, 0, 1, 1, 2, 2, 2, 2], [0, 0, 1, 2, 2, 1, 1, 1]
    counts = DepthCounts.empty(1, 4).update(
        np.array(references), np.array([answers]), np.zeros(8, int)
    )
    planted = np.array([-1, 0, 0, 0])
    (figures,) = summarise_depths(of_counts(counts), np.ones(4, int), planted_V=planted)
    assert figures["mean_apt"]["pooled"]["value"] == pytest.approx((1 + 1 / 2 + 1 / 4) / 3)
    assert figures["mean_apt_planted"]["value"] == pytest.approx((1 / 2 + 1 / 4) / 2)
    assert figures["mean_apt_planted"]["num"] == 2
    (unknown,) = summarise_depths(of_counts(counts), np.ones(4, int))
    assert unknown["mean_apt_planted"] is None


def test_clusters_and_confusion_are_those_of_a_loop() -> None:
    counts = random_counts(2, 400)
    for tie in (np.full(9, 10), np.full(9, 11)):  # token 10, answered 10 and 11 equally often
        counts.update(np.full(9, 10), np.stack([tie, tie]), np.zeros(9, int))
    for depth, figures in enumerate(summarise_depths(of_counts(counts), np.arange(12))):
        matrix = counts.at(depth).matrix().toarray()
        table = {(i, j): int(matrix[i, j]) for i in range(12) for j in range(12) if matrix[i, j]}
        kept, tied = oracles.kept_and_tied(table, 12)
        assert 10 in tied
        assert figures["confusion"] == {
            "num_rows": len({i for i, _ in table}),
            "num_kept": len(kept),
            "num_ties": len(tied),
            "num_pairs": len(table),
        }
        for entry in figures["clusters"]:
            rows = oracles.strengths(table, 12, entry["definition"])
            clusters = oracles.clusters(rows, entry["threshold"], entry["definition"])
            sizes = [len(cluster) for cluster in clusters]
            assert entry["num_clusters"] == len(clusters)
            assert entry["num_tokens_in_clusters"] == len({t for c in clusters for t in c})
            assert entry["max_size"] == (max(sizes) if sizes else None)
            assert entry["mean_size"] == (pytest.approx(sum(sizes) / len(sizes)) if sizes else None)
            assert entry["median_size"] == (np.median(sizes) if sizes else None)
            assert entry["size_histogram"] == {
                str(size): sizes.count(size) for size in sorted(set(sizes))
            }
            noise = oracles.noise_mass(table, 12, entry["threshold"], entry["definition"])
            assert entry["noise_mass"] == pytest.approx(oracles.mean(noise))
            if entry["definition"] == "row":
                share = entry["share_with_strong_match"]
                assert share == (len(clusters) / len(kept) if kept else None)
    assert sum(entry["num_clusters"] for entry in figures["clusters"]) > 0


def test_growth_is_null_at_depth_0_and_sums_over_frequency_groups_later() -> None:
    first, *later = summarise_depths(of_counts(random_counts(4, 500)), np.arange(12))
    assert first["growth"] is None
    assert first["growth_by_frequency"] is None
    before = first
    for figures in later:
        change = figures["mean_apt"]["pooled"]["value"] - before["mean_apt"]["pooled"]["value"]
        assert figures["growth"]["value"] == pytest.approx(change)
        assert len(figures["growth_by_frequency"]) == 10
        assert math.fsum(figures["growth_by_frequency"]) == pytest.approx(change)
        before = figures
    assert sum(bin_["mean_apt"]["num"] for bin_ in before["apt_by_frequency"]) == 5  # 1 .. 5


@pytest.mark.parametrize(
    "planted",
    [
        np.array([0, 0, 0, 1, 1, 2, 2, 2, 2]),
        np.array([-1, 0, 0, 1, -1, 1, 0, -1, 2, 2]),
        np.array([7, 7, -1, 3, 3, -1]),
    ],
)
def test_perfect_blocks_agree_with_the_planted_classes_and_from_depth_to_depth(
    planted: np.ndarray,
) -> None:
    depths = summarise_depths(
        of_counts(block_counts(planted)), np.ones(len(planted), int), planted_V=planted
    )
    classes = [int((planted == cls).sum()) for cls in np.unique(planted[planted >= 0])]
    for figures in depths:
        for entry in figures["clusters"]:
            if entry["definition"] == "row":
                assert entry["agreement_planted"] is None
                assert entry["num_clusters"] == sum(classes)
                continue
            if entry["definition"] == "errors" and entry["threshold"] * (max(classes) - 1) > 1:
                continue  # the wrong answers are spread over too many tokens
            assert entry["agreement_planted"] == 1.0
            assert entry["agreement_previous"] == (None if figures["depth"] == 0 else 1.0)
            assert entry["num_clusters"] == len(classes)
            assert entry["max_size"] == max(classes)
            assert entry["noise_mass"] == pytest.approx(0, abs=1e-12)


def test_agreement_is_the_adjusted_rand_index_over_tokens_asked_for() -> None:
    # Tokens 0-3 are asked for and split otherwise than planted; 4 and 5, a class, never are.
    planted = np.array([0, 0, 1, -1, 2, 2])
    counts = DepthCounts.empty(3, 6)
    references = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    counts.update(
        references,
        np.array([[0, 1, 1, 0, 2, 3, 3, 2], [0, 1, 1, 2, 2, 1, 3, 3], [0, 3, 1, 2, 2, 1, 3, 0]]),
        np.zeros(8, int),
    )
    depths = summarise_depths(
        of_counts(counts), np.ones(6, int), planted_V=planted, thresholds=(1.0,)
    )
    by_depth = [[0, 0, 2, 2], [0, 1, 1, 3], [0, 1, 1, 0]]  # mutual clusters of tokens 0-3
    for depth, figures in enumerate(depths):
        entry = next(e for e in figures["clusters"] if e["definition"] == "mutual")
        planted_index = oracles.adjusted_rand_index(by_depth[depth], [0, 0, 1, 2])
        assert entry["agreement_planted"] == pytest.approx(planted_index)
        if depth > 0:
            previous = oracles.adjusted_rand_index(by_depth[depth], by_depth[depth - 1])
            assert entry["agreement_previous"] == pytest.approx(previous)


def test_apt_by_frequency_is_that_of_its_own_depth() -> None:
    frequency = np.array([3, 40, 7, 1000, 12, 15, 0, 0, 0, 0, 0, 0])
    counts = random_counts(3, 400)
    by_depth = []
    for depth, figures in enumerate(summarise_depths(of_counts(counts), frequency)):
        matrix = counts.at(depth).matrix().toarray()
        table = {(i, j): int(matrix[i, j]) for i in range(12) for j in range(12) if matrix[i, j]}
        bins = oracles.frequency_bins(oracles.apt(table, 12), frequency.tolist(), 3)
        values = [bin_["mean_apt"]["value"] for bin_ in figures["apt_by_frequency"]]
        assert values == pytest.approx([oracles.mean(inside) for inside in bins.values()])
        by_depth.append(values)
    assert by_depth[0] != by_depth[1] != by_depth[2]


def test_without_planted_classes_their_agreement_is_null() -> None:
    (figures,) = summarise_depths(of_counts(random_counts(1, 100)), np.arange(12))
    assert {entry["agreement_planted"] for entry in figures["clusters"]} == {None}
    assert {entry["agreement_previous"] for entry in figures["clusters"]} == {None}


def test_summarising_leaves_the_counts_as_they_were() -> None:
    counts = random_counts(2, 200)
    before = [[(p.keys.tolist(), p.counts.tolist()) for p in row] for row in counts.pairs]
    first = summarise_depths(of_counts(counts), np.arange(12))
    assert [[(p.keys.tolist(), p.counts.tolist()) for p in row] for row in counts.pairs] == before
    assert summarise_depths(of_counts(counts), np.arange(12)) == first


def test_treatments_are_compared_on_the_tokens_that_all_of_them_asked_for() -> None:
    """A token that only one treatment asked for, and is easy there, turns the order round."""
    counts = DepthCounts.empty(1, 3)
    asked = [(0, 0, 0, 8), (0, 1, 0, 2), (1, 0, 0, 4), (1, 1, 0, 6), (2, 0, 0, 9), (2, 2, 1, 50)]
    for token, answer, treatment, num in asked:
        of_token = np.full(num, token)
        counts.update(of_token, np.full((1, num), answer), np.full(num, treatment))
    for token in (0, 1):
        counts.update(np.array([token]), np.array([[0]]), np.array([1]))
        counts.update(np.array([token]), np.array([[token]]), np.array([2]))
    depth = summarise_depths(of_counts(counts), np.ones(3, int))[0]
    masked, replaced = (depth["mean_apt"][name]["value"] for name in ("masked", "replaced"))
    assert (masked, replaced) == (pytest.approx((0.8 + 0.6 + 0) / 3), pytest.approx(2 / 3))
    common = {name: each["value"] for name, each in depth["mean_apt_common"].items()}
    pooled = (10 / 12 + 7 / 12) / 2
    assert common == pytest.approx(
        {"pooled": pooled, "masked": 0.7, "replaced": 0.5, "unchanged": 1}
    )
    assert {each["num"] for each in depth["mean_apt_common"].values()} == {2}


def test_the_curve_falls_from_accuracy_towards_mean_apt_and_is_the_pages() -> None:
    """One token right 299 times of 300, and 300 tokens asked once each and never right."""
    counts = DepthCounts.empty(2, 301)
    tokens = np.concatenate([np.zeros(300, int), np.arange(1, 301)])
    answers = np.zeros((2, 600), int)
    answers[:, 299] = 5
    counts.update(tokens, answers, np.zeros(600, int))
    curve = summarise_depths(of_counts(counts), np.ones(301, int))[1]["rarefaction"]
    assert [point["num_positions"] for point in curve] == [100, 200, 500]
    # Each of the 300 occurs among n of 600 with chance n / 600; the common one for certain.
    expected = [299 / 300 / (1 + 300 * n / 600) for n in (100, 200, 500)]
    assert [point["mean_apt"]["value"] for point in curve] == pytest.approx(expected, rel=1e-9)
    assert [point["mean_apt"]["num"] for point in curve] == [51, 101, 251]
    assert all(point["mean_apt"]["standard_error"] is None for point in curve)


def test_with_sequences_the_curve_and_the_growth_have_their_errors() -> None:
    rng, num = np.random.default_rng(0), 2400
    readout = Readout.empty(2, 50, MEASURES)
    references = rng.integers(0, 50, num)
    right = rng.random((2, num)) < np.array([[0.2], [0.6]])
    readout.update(
        Answers(
            references,
            rng.integers(0, 3, num),
            np.sort(rng.integers(0, 120, num)),
            np.where(right, references, (references + 1) % 50),
            rng.random((2, num)),
        )
    )
    first, last = summarise_depths(ReadoutAnalysis(readout), np.ones(50, int))
    point = next(each for each in last["rarefaction"] if each["num_positions"] == 1000)
    assert point["mean_apt"] == last["rarefied_mean_apt"]
    assert point["mean_apt"]["standard_error"] == pytest.approx((0.24 / num) ** 0.5, rel=0.5)
    assert first["rarefied_growth"] is None
    assert last["rarefied_growth"]["value"] == pytest.approx(
        last["rarefied_mean_apt"]["value"] - first["rarefied_mean_apt"]["value"]
    )
    assert last["rarefied_growth"]["standard_error"] == pytest.approx((0.4 / num) ** 0.5, rel=0.5)


def test_tokens_asked_often_and_never_right_are_told_by_depth() -> None:
    """Token 0 learnt by depth 1, token 1 never, token 2 asked too seldom to say."""
    counts = DepthCounts.empty(2, 4)
    for token, num, answers in ((0, 12, (3, 0)), (1, 15, (3, 3)), (2, 9, (3, 3))):
        given = np.repeat(np.array(answers)[:, None], num, axis=1)
        counts.update(np.full(num, token), given, np.zeros(num, int))
    depths = summarise_depths(of_counts(counts), np.ones(4, int))
    assert [depth["never_right"] for depth in depths] == [
        {"min_support": 10, "num_tokens": 2, "tokens": [1, 0], "support": [15, 12]},
        {"min_support": 10, "num_tokens": 1, "tokens": [1], "support": [15]},
    ]
