"""Laws of the counts at every depth: each position once, under what masking did to it."""

import copy
from pathlib import Path

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from small_counts import FIRST_INT64, LAST_INT32, VOCAB, random_batch, table_of, token

from hf_apt.stats.counts import TREATMENTS, DepthCounts

settings.register_profile("laws", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("laws")


@st.composite
def batches(draw: st.DrawFn, num_depths: int = 2) -> list[tuple[np.ndarray, ...]]:
    """A few batches of (references, predictions at each depth, treatments)."""
    position = st.tuples(token, st.tuples(*[token] * num_depths), st.integers(0, 2))
    drawn = draw(st.lists(st.lists(position, max_size=15), max_size=4))
    return [
        (
            np.array([reference for reference, _, _ in batch], np.int64),
            np.array([answers for _, answers, _ in batch], np.int64).reshape(-1, num_depths).T,
            np.array([treatment for _, _, treatment in batch], np.int64),
        )
        for batch in drawn
    ]


def merged_counts(parts: list[DepthCounts]) -> DepthCounts:
    total = DepthCounts.empty(parts[0].num_depths, parts[0].vocab_size)
    for part in parts:
        total.merge(part)
    return total


def tables_of(counts: DepthCounts) -> list[list[oracles.Table]]:
    return [[table_of(pairs) for pairs in by_treatment] for by_treatment in counts.pairs]


def counted(parts: list[tuple[np.ndarray, ...]], num_depths: int = 2) -> DepthCounts:
    counts = DepthCounts.empty(num_depths, VOCAB)
    for part in parts:
        counts.update(*part)
    return counts


# All depths.


@given(batches())
def test_each_position_is_counted_once_at_each_depth_under_its_treatment(
    parts: list[tuple[np.ndarray, ...]],
) -> None:
    counts = counted(parts)
    for depth in range(2):
        for code, treatment in enumerate(TREATMENTS):
            expected: oracles.Table = {}
            for references, predictions, treatments in parts:
                chosen = [i for i, given_code in enumerate(treatments) if given_code == code]
                for i in chosen:
                    pair = (int(references[i]), int(predictions[depth, i]))
                    expected[pair] = expected.get(pair, 0) + 1
            assert table_of(counts.at(depth, treatment)) == expected
            assert counts.hits(treatment)[depth].tolist() == oracles.hits(expected, VOCAB)
    assert counts.support().sum() == sum(len(references) for references, _, _ in parts)


@given(batches())
def test_pooled_is_the_sum_over_treatments_and_support_the_same_at_every_depth(
    parts: list[tuple[np.ndarray, ...]],
) -> None:
    counts = counted(parts)
    before = tables_of(counts)
    hits = sum(counts.hits(treatment) for treatment in TREATMENTS)
    support = sum(counts.support(treatment) for treatment in TREATMENTS)
    assert counts.hits().tolist() == np.asarray(hits).tolist()
    assert counts.support().tolist() == np.asarray(support).tolist()
    assert counts.hits().dtype == counts.support().dtype == np.int64
    for depth in range(counts.num_depths):
        pooled = counts.at(depth)
        dense = sum(counts.at(depth, treatment).matrix().toarray() for treatment in TREATMENTS)
        assert pooled.matrix().toarray().tolist() == np.asarray(dense).tolist()
        assert pooled.support().tolist() == counts.support().tolist()
        pooled.update(np.array([0]), np.array([0]))  # the pooled table is the caller's own
    assert tables_of(counts) == before


@given(batches(), st.integers(0, 4))
def test_any_split_merges_to_one_pass_and_leaves_its_parts(
    parts: list[tuple[np.ndarray, ...]], cut: int
) -> None:
    whole = tables_of(counted(parts))
    first, second = counted(parts[:cut]), counted(parts[cut:])
    before = tables_of(first), tables_of(second)
    assert tables_of(merged_counts([first, second])) == whole
    assert tables_of(merged_counts([second, first])) == whole
    assert (tables_of(first), tables_of(second)) == before
    assert tables_of(first.merge(second)) == whole


@pytest.mark.usefixtures("small_buffers")
@pytest.mark.parametrize("num_processes", [2, 3, 7])
def test_k_processes_give_the_same_integers_as_one(num_processes: int) -> None:
    references, predictions, treatments = random_batch(101)
    whole = DepthCounts.empty(3, VOCAB).update(references, predictions, treatments)
    parts = [
        DepthCounts.empty(3, VOCAB).update(
            references[rank::num_processes],
            predictions[:, rank::num_processes],
            treatments[rank::num_processes],
        )
        for rank in range(num_processes)
    ]
    assert tables_of(merged_counts(parts)) == tables_of(whole)
    assert whole.support().sum() == 101


def test_depths_that_differ_in_number_are_not_merged_even_in_part() -> None:
    counts = counted([random_batch(5, num_depths=2)])
    before = tables_of(counts)
    with pytest.raises(ValueError, match=r"3 depths .* 2"):
        counts.merge(DepthCounts.empty(3, VOCAB).update(*random_batch(5)))
    with pytest.raises(ValueError, match=r"1 depths .* 2"):
        counts.merge(DepthCounts.empty(1, VOCAB).update(*random_batch(5, num_depths=1)))
    assert tables_of(counts) == before


@pytest.mark.parametrize(
    ("at_fault", "value", "named"),
    [
        ("references", -5, "reference id -5"),
        ("references", VOCAB, f"reference id {VOCAB}"),
        ("predictions", 99, "prediction id 99"),
        ("treatments", 3, "treatment code 3"),
        ("treatments", -1, "treatment code -1"),
    ],
)
def test_a_bad_value_anywhere_is_named_and_no_depth_is_counted(
    at_fault: str, value: int, named: str
) -> None:
    counts = counted([random_batch(6)], num_depths=3)
    before = tables_of(counts)
    references, predictions, treatments = random_batch(20, seed=1)
    # The last position at the last depth: everything before it is in order.
    {"references": references, "predictions": predictions[-1], "treatments": treatments}[at_fault][
        -1
    ] = value
    with pytest.raises(ValueError, match=named):
        counts.update(references, predictions, treatments)
    assert tables_of(counts) == before


@pytest.mark.parametrize("shape", [(2, 20), (4, 20), (3, 19), (20, 3)])
def test_predictions_of_another_shape_are_refused_and_change_nothing(
    shape: tuple[int, int],
) -> None:
    counts = counted([random_batch(6)], num_depths=3)
    before = tables_of(counts)
    references, _, treatments = random_batch(20)
    with pytest.raises((ValueError, TypeCheckError), match=r"shape|Type-check"):
        counts.update(references, np.zeros(shape, int), treatments)
    assert tables_of(counts) == before


def test_treatments_of_another_length_are_refused_and_change_nothing() -> None:
    counts = counted([random_batch(6)], num_depths=3)
    before = tables_of(counts)
    references, predictions, treatments = random_batch(20)
    with pytest.raises((ValueError, TypeCheckError), match=r"19 treatments|Type-check"):
        counts.update(references, predictions, treatments[:-1])
    assert tables_of(counts) == before


def test_an_unknown_treatment_is_refused() -> None:
    with pytest.raises(ValueError, match="pooled"):
        DepthCounts.empty(1, VOCAB).at(0, "pooled")


@given(batches(), st.sampled_from([VOCAB, VOCAB + 4, FIRST_INT64]))
def test_resized_counts_are_those_of_the_other_vocabulary(
    parts: list[tuple[np.ndarray, ...]], vocab_size: int
) -> None:
    counts = counted(parts)
    resized = counts.resized(vocab_size)
    assert resized.vocab_size == vocab_size
    assert tables_of(resized) == tables_of(counts)
    resized.update(np.array([0]), np.array([[0], [0]]), np.array([0]))
    assert resized.support().sum() == counts.support().sum() + 1


# On disk.


@given(batches())
def test_what_is_saved_is_loaded(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[np.ndarray, ...]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "round_trip" / "counts.npz"
    counts = counted(parts)
    counts.save(path)
    loaded = DepthCounts.load(path)
    assert (loaded.num_depths, loaded.vocab_size) == (2, VOCAB)
    assert tables_of(loaded) == tables_of(counts)
    assert loaded.merge(counts).support().tolist() == (2 * counts.support()).tolist()


@pytest.mark.parametrize("vocab_size", [LAST_INT32, FIRST_INT64])
def test_the_key_type_survives_the_disk_with_eleven_depths(tmp_path: Path, vocab_size: int) -> None:
    last = np.array([vocab_size - 1])
    counts = DepthCounts.empty(11, vocab_size)
    for depth in range(11):  # depth_10 sorts between depth_1 and depth_2 as text
        counts.pairs[depth][1].update(last, np.array([depth]))
    counts.save(tmp_path / "counts.npz")
    loaded = DepthCounts.load(tmp_path / "counts.npz")
    assert loaded.num_depths == 11
    for depth in range(11):
        pairs = loaded.at(depth, "replaced")
        assert table_of(pairs) == {(vocab_size - 1, depth): 1}
        assert pairs.keys.dtype == counts.at(depth, "replaced").keys.dtype
        # Keys of the wrong width would overflow on the next update.
        assert table_of(pairs.update(last, last)) == {
            (vocab_size - 1, depth): 1,
            (vocab_size - 1, vocab_size - 1): 1,
        }


def test_equal_counts_are_equal_bytes_however_they_came_about(tmp_path: Path) -> None:
    references, predictions, treatments = random_batch(200)
    whole = DepthCounts.empty(3, VOCAB).update(references, predictions, treatments)
    backwards = DepthCounts.empty(3, VOCAB)
    for i in reversed(range(200)):
        one = slice(i, i + 1)
        backwards.merge(
            DepthCounts.empty(3, VOCAB).update(
                references[one].astype(np.int16), predictions[:, one], treatments[one]
            )
        )
    whole.save(tmp_path / "whole.npz")
    backwards.save(tmp_path / "backwards.npz")
    DepthCounts.load(tmp_path / "whole.npz").save(tmp_path / "again.npz")
    first = (tmp_path / "whole.npz").read_bytes()
    assert first == (tmp_path / "backwards.npz").read_bytes()
    assert first == (tmp_path / "again.npz").read_bytes()


def test_saving_leaves_the_counts_usable_as_before(tmp_path: Path) -> None:
    counts = counted([random_batch(30)], num_depths=3)
    twin = copy.deepcopy(counts)
    counts.save(tmp_path / "counts.npz")
    more = random_batch(30, seed=1)
    assert tables_of(counts.update(*more)) == tables_of(twin.update(*more))
