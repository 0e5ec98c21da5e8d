"""Laws of the clusters of strong-match tokens, by each of the definitions."""

from itertools import pairwise

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_apt.stats.clusters import (
    DEFINITIONS,
    THRESHOLDS,
    Definition,
    TokenClusters,
    cluster_agreement,
    strong_matches,
    token_clusters,
)
from hf_apt.stats.confusion import Confusion, confusion
from hf_apt.stats.counts import PairCounts

settings.register_profile("laws", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("laws")

VOCAB = 9
PARTITIONS: tuple[Definition, ...] = ("mutual", "weak", "errors")
threshold_values = st.sampled_from([0.05, 0.2, 0.25, 0.5, 0.6, 1.0])


@st.composite
def tables(draw: st.DrawFn) -> oracles.Table:
    """Mostly right answers, so that most rows are kept, and a few confusions of any strength."""
    token = st.integers(0, VOCAB - 1)
    table = {(i, i): draw(st.integers(2, 6)) for i in range(VOCAB) if draw(st.integers(0, 7))}
    confusions = draw(st.lists(st.tuples(token, token, st.integers(1, 4)), max_size=14))
    for i, j, count in confusions:
        table[i, j] = table.get((i, j), 0) + count
        if draw(st.booleans()):
            table[j, i] = table.get((j, i), 0) + count
    return table


def confusion_of(table: oracles.Table, vocab_size: int = VOCAB) -> Confusion:
    counts = PairCounts(vocab_size)
    for (reference, prediction), count in table.items():
        counts.update(np.full(count, reference), np.full(count, prediction))
    return confusion(counts)


def members(clusters: TokenClusters) -> list[list[int]]:
    return [tokens.tolist() for tokens in clusters.members]


@given(tables(), threshold_values)
def test_strong_matches_are_those_of_a_loop(table: oracles.Table, threshold: float) -> None:
    matrix = strong_matches(confusion_of(table), threshold).tocoo()
    matches = set(zip(matrix.row.tolist(), matrix.col.tolist(), strict=True))
    assert matches == oracles.strong_matches(oracles.normalised(table, VOCAB), threshold)
    assert (matrix.data == 1).all()


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_a_confusion_exactly_at_the_threshold_is_a_strong_match(threshold: float) -> None:
    # Row i has 20 i right answers: its confusion is at the threshold to the last answer.
    tens = round(threshold * 20)
    table = {(i, i): 20 * i for i in range(1, 40)} | {(i, 0): tens * i for i in range(1, 40)}
    matches = strong_matches(confusion_of(table, 40), threshold)
    assert matches.sum(axis=1).tolist() == [0] + [1] * 39
    below = table | {(i, 0): tens * i - 1 for i in range(2, 40)}
    assert strong_matches(confusion_of(below, 40), threshold).sum(axis=1).tolist() == [0, 1] + (
        [0] * 38
    )


@pytest.mark.parametrize("threshold", [0.0, -0.1, 1.0000001, 2.0, float("nan"), float("inf")])
def test_thresholds_outside_zero_to_one_are_named_and_refused(threshold: float) -> None:
    table = confusion_of({(0, 0): 1})
    with pytest.raises(ValueError, match=str(threshold)):
        strong_matches(table, threshold)
    for definition in DEFINITIONS:
        with pytest.raises(ValueError, match=str(threshold)):
            token_clusters(table, threshold, definition)


@given(tables(), threshold_values, st.sampled_from(DEFINITIONS))
def test_clusters_are_those_of_a_graph_search_in_the_same_order(
    table: oracles.Table, threshold: float, definition: Definition
) -> None:
    clusters = token_clusters(confusion_of(table), threshold, definition)
    rows = oracles.strengths(table, VOCAB, definition)
    assert members(clusters) == oracles.clusters(rows, threshold, definition)
    assert (clusters.definition, clusters.strong_match_threshold) == (definition, threshold)


@given(tables(), threshold_values, st.sampled_from(DEFINITIONS))
def test_what_is_covered_kept_and_matched_is_that_of_a_loop(
    table: oracles.Table, threshold: float, definition: Definition
) -> None:
    clusters = token_clusters(confusion_of(table), threshold, definition)
    rows = oracles.strengths(table, VOCAB, definition)
    strong = oracles.strong_matches(rows, threshold)
    is_mutual = definition in ("mutual", "errors")
    matched = set() if is_mutual else {j for _, j in strong}
    assert set(np.flatnonzero(clusters.covered_V).tolist()) == set(rows) | matched
    assert clusters.num_kept == len(rows)
    if is_mutual:
        strong = {(i, j) for i, j in strong if (j, i) in strong}
    assert clusters.num_matched == len({i for i, _ in strong})


@given(tables(), threshold_values, st.sampled_from(PARTITIONS))
def test_clusters_partition_the_tokens_they_cover(
    table: oracles.Table, threshold: float, definition: Definition
) -> None:
    clusters = token_clusters(confusion_of(table), threshold, definition)
    clustered = [token for tokens in members(clusters) for token in tokens]
    assert len(clustered) == len(set(clustered))
    assert clusters.covered_V[clustered].all()
    labels = clusters.labels()
    blocks = [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]
    assert sorted(token for block in blocks for token in block) == list(range(VOCAB))
    assert sorted(block for block in blocks if len(block) > 1) == sorted(members(clusters))


@given(tables(), st.sampled_from(PARTITIONS))
def test_raising_the_threshold_never_merges_clusters(
    table: oracles.Table, definition: Definition
) -> None:
    levels = [0.05, 0.2, 0.25, 0.5, 0.6, 1.0]
    by_level = [token_clusters(confusion_of(table), level, definition) for level in levels]
    for lower, higher in pairwise(by_level):
        for cluster in members(higher):
            assert any(set(cluster) <= set(wider) for wider in members(lower))
        assert higher.num_matched <= lower.num_matched


@given(tables(), threshold_values)
def test_mutual_refines_weak_and_row_lies_inside_weak(
    table: oracles.Table, threshold: float
) -> None:
    row, mutual, weak, _ = (token_clusters(confusion_of(table), threshold, d) for d in DEFINITIONS)
    for cluster in [*members(mutual), *members(row)]:
        assert sum(set(cluster) <= set(wider) for wider in members(weak)) == 1
    in_row = {token for tokens in members(row) for token in tokens}
    assert in_row == {token for tokens in members(weak) for token in tokens}


@given(tables(), threshold_values, st.sampled_from(DEFINITIONS))
def test_sizes_and_their_histogram_count_the_members(
    table: oracles.Table, threshold: float, definition: Definition
) -> None:
    clusters = token_clusters(confusion_of(table), threshold, definition)
    sizes = [len(tokens) for tokens in members(clusters)]
    assert clusters.sizes().tolist() == sizes
    assert sizes == sorted(sizes, reverse=True)
    histogram = clusters.size_histogram()
    assert histogram == {size: sizes.count(size) for size in set(sizes)}
    assert list(histogram) == sorted(histogram)
    assert all(size >= 2 for size in sizes)


def test_the_definitions_on_a_hand_made_example() -> None:
    # 0 and 1 take each other's place; 2 is taken for 1 and, less, for 3; token 3 is dropped (it is
    # taken for 4 more often than known), so that it can be matched but not match.
    table = {(0, 0): 10, (0, 1): 4, (1, 1): 10, (1, 0): 3, (2, 2): 10, (2, 3): 3, (2, 1): 5}
    table |= {(3, 3): 1, (3, 4): 2, (4, 4): 10, (5, 5): 10, (5, 4): 2}
    clusters = {d: token_clusters(confusion_of(table), 0.3, d) for d in DEFINITIONS}
    assert members(clusters["row"]) == [[2, 1, 3], [0, 1], [1, 0]]
    assert members(clusters["mutual"]) == [[0, 1]]
    assert members(clusters["weak"]) == [[0, 1, 2, 3]]
    assert members(clusters["errors"]) == [[0, 1]]
    assert [clusters[d].num_matched for d in DEFINITIONS] == [3, 2, 3, 2]
    assert [clusters[d].num_kept for d in DEFINITIONS] == [5, 5, 5, 5]
    assert np.flatnonzero(clusters["weak"].covered_V).tolist() == [0, 1, 2, 3, 4, 5]
    assert np.flatnonzero(clusters["mutual"].covered_V).tolist() == [0, 1, 2, 4, 5]
    assert clusters["weak"].labels().tolist() == [0, 0, 0, 0, 4, 5, 6, 7, 8]


def test_row_matches_of_equal_strength_are_ordered_by_token_id() -> None:
    table = {(4, 4): 6, (4, 8): 3, (4, 0): 3, (4, 7): 5, (4, 2): 3}
    assert members(token_clusters(confusion_of(table), 0.5, "row")) == [[4, 7, 0, 2, 8]]


def test_row_clusters_overlap_and_give_no_labels() -> None:
    with pytest.raises(ValueError, match="no partition"):
        token_clusters(confusion_of({(0, 0): 2, (0, 1): 1}), 0.5, "row").labels()


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_no_confusion_makes_no_cluster(definition: Definition) -> None:
    clusters = token_clusters(confusion_of({(i, i): 1 for i in range(VOCAB)}), 0.05, definition)
    assert clusters.members == ()
    assert clusters.size_histogram() == {}
    assert (clusters.num_kept, clusters.num_matched) == (VOCAB, 0)


# Agreement.

partitions = st.integers(2, 14).flatmap(
    lambda size: st.tuples(
        *[st.lists(st.integers(0, 3), min_size=size, max_size=size) for _ in range(2)]
    )
)


@given(partitions)
def test_agreement_is_the_adjusted_rand_index_counted_over_all_pairs(
    labels: tuple[list[int], list[int]],
) -> None:
    first, second = (np.array(side) for side in labels)
    everything = np.ones(len(first), bool)
    expected = pytest.approx(oracles.adjusted_rand_index(*labels), abs=1e-12)
    assert cluster_agreement(first, second, everything) == expected
    assert cluster_agreement(second, first, everything) == expected  # symmetric
    assert cluster_agreement(first + 7, second * 3, everything) == expected  # names do not matter


def test_agreement_looks_at_the_chosen_tokens_only() -> None:
    first, second = np.array([0, 0, 1, 1, 5, 5]), np.array([8, 8, 9, 9, 1, 2])
    chosen = np.array([True] * 4 + [False] * 2)
    assert cluster_agreement(first, second, chosen) == 1.0
    assert cluster_agreement(first, second, ~chosen) == 0.0
    assert 0 < cluster_agreement(first, second, np.ones(6, bool)) < 1


def test_unrelated_partitions_agree_by_zero_on_average() -> None:
    rng = np.random.default_rng(0)
    agreement = [
        cluster_agreement(rng.integers(0, 4, 60), rng.integers(0, 4, 60), np.ones(60, bool))
        for _ in range(200)
    ]
    assert np.mean(agreement) == pytest.approx(0, abs=4 * np.std(agreement) / np.sqrt(200))
    assert abs(np.mean(agreement)) < 0.02


def test_an_unknown_definition_is_refused() -> None:
    """It gave no clusters, without a word."""
    counts = PairCounts(3).update(np.array([0, 1, 2]), np.array([0, 1, 2]))
    with pytest.raises(ValueError, match="definition 'foo' is none of"):
        token_clusters(confusion(counts), 0.1, "foo")  # pyright: ignore


# By wrong answers alone.


def two_that_are_taken_for_each_other(right: int, wrong: int) -> oracles.Table:
    """Tokens 0 and 1 answered by each other whenever wrong; 2 and 3 always right."""
    table = {(i, i): right for i in range(4)}
    return table | {(0, 1): wrong, (1, 0): wrong}


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_errors_that_all_go_to_each_other_are_a_cluster_of_a_model_that_is_nearly_always_right(
    threshold: float,
) -> None:
    table = confusion_of(two_that_are_taken_for_each_other(right=96, wrong=4))
    assert members(token_clusters(table, threshold, "errors")) == [[0, 1]]
    for definition in ("row", "mutual", "weak"):
        assert members(token_clusters(table, threshold, definition)) == []


@pytest.mark.parametrize("right", [2, 19, 400, 10**6])
def test_how_often_a_token_is_right_does_not_matter(right: int) -> None:
    """95 % right is 19 of 20."""
    counts = PairCounts(4)
    for (i, j), count in two_that_are_taken_for_each_other(right, wrong=2).items():
        counts.update(np.full(count, i), np.full(count, j))
    table = confusion(counts)
    assert table.error_shares.toarray()[:2, :2].tolist() == [[0, 1], [1, 0]]
    assert members(token_clusters(table, 1.0, "errors")) == [[0, 1]]


def test_a_single_slip_is_no_match_although_it_is_all_the_wrong_answers() -> None:
    table = confusion_of({(0, 0): 9, (0, 1): 1, (1, 1): 9, (1, 0): 1})
    assert members(token_clusters(table, 0.05, "errors")) == []
    assert table.error_shares.nnz == 0


@given(tables(), threshold_values)
def test_matches_by_errors_are_those_of_a_loop(table: oracles.Table, threshold: float) -> None:
    matrix = strong_matches(confusion_of(table), threshold, "wrong").tocoo()
    matches = set(zip(matrix.row.tolist(), matrix.col.tolist(), strict=True))
    assert matches == oracles.strong_matches(oracles.error_shares(table, VOCAB), threshold)


@given(tables())
def test_shares_of_errors_are_those_of_a_loop(table: oracles.Table) -> None:
    shares = confusion_of(table).error_shares.tocoo()
    entries = zip(shares.row.tolist(), shares.col.tolist(), shares.data.tolist(), strict=True)
    expected = oracles.error_shares(table, VOCAB)
    assert sorted(entries) == sorted(
        (i, j, v) for i, row in expected.items() for j, v in row.items()
    )


def test_a_dropped_token_is_in_no_cluster_by_errors() -> None:
    """It is taken for another more often than known, as for the other definitions."""
    table = confusion_of({(0, 0): 2, (0, 1): 3, (1, 1): 9, (1, 0): 3})
    assert table.kept_V.tolist()[:2] == [False, True]
    assert members(token_clusters(table, 0.05, "errors")) == []
