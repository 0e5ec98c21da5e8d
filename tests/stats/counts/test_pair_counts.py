"""Laws of the pair counts: exact, whatever the order, the split and the moment of merging."""

import subprocess
import sys

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from small_counts import (
    FIRST_INT64,
    LAST_INT32,
    VOCAB,
    columns,
    pairs_of,
    random_batch,
    table_of,
)

from hf_apt.stats.counts import PairCounts, pair_counts

settings.register_profile("laws", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("laws")


# One table.


@given(pairs_of)
def test_counts_diagonal_rows_and_matrix_are_those_of_a_loop(pairs: list[tuple[int, int]]) -> None:
    expected = oracles.pair_counts(*columns(pairs))
    counts = PairCounts(VOCAB).update(*columns(pairs))
    assert table_of(counts) == expected
    assert counts.total == len(pairs)
    assert counts.hits().tolist() == oracles.hits(expected, VOCAB)
    assert counts.support().tolist() == oracles.support(expected, VOCAB)
    dense = counts.matrix().toarray()
    for reference in range(VOCAB):
        for prediction in range(VOCAB):
            assert dense[reference, prediction] == expected.get((reference, prediction), 0)


@given(pairs_of)
def test_support_sums_to_the_positions_and_bounds_the_hits(pairs: list[tuple[int, int]]) -> None:
    counts = PairCounts(VOCAB).update(*columns(pairs))
    hits, support, matrix = counts.hits(), counts.support(), counts.matrix()
    assert support.sum() == len(pairs)
    assert (hits >= 0).all()
    assert (hits <= support).all()
    assert matrix.diagonal().tolist() == hits.tolist()
    assert matrix.sum(axis=1).tolist() == support.tolist()
    assert {array.dtype for array in (hits, support, counts.counts, matrix.data)} == {
        np.dtype(np.int64)
    }


@given(pairs_of)
def test_keys_are_ascending_distinct_and_counted_at_least_once(
    pairs: list[tuple[int, int]],
) -> None:
    counts = PairCounts(VOCAB).update(*columns(pairs))
    keys = counts.keys.tolist()
    assert keys == sorted(set(keys))
    assert len(counts.counts) == len(keys)
    assert (counts.counts >= 1).all()


@pytest.mark.usefixtures("small_buffers")
@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_counts_do_not_depend_on_batch_flush_or_merge_size(batch_size: int) -> None:
    references, (predictions,), _ = random_batch(100, num_depths=1)
    counts = PairCounts(VOCAB)
    for start in range(0, 100, batch_size):
        batch = slice(start, start + batch_size)
        counts.update(references[batch], predictions[batch])
        if start == 48:
            assert counts.total == 48 + batch_size  # reading in between changes nothing
    assert table_of(counts) == oracles.pair_counts(references.tolist(), predictions.tolist())


@pytest.mark.parametrize(
    ("vocab_size", "key_type"), [(LAST_INT32, np.int32), (FIRST_INT64, np.int64)]
)
def test_ids_at_the_end_of_the_vocabulary_do_not_overflow(vocab_size: int, key_type: type) -> None:
    last = vocab_size - 1
    pairs = [(0, 0), (0, last), (last, 0), (last, last), (last, last), (last - 1, last)]
    counts = PairCounts(vocab_size)
    for reference, prediction in pairs:
        counts.update(np.array([reference]), np.array([prediction]))
    expected = oracles.pair_counts(*zip(*pairs, strict=True))
    assert counts.keys.dtype == key_type
    assert table_of(counts) == expected
    assert counts.hits().tolist() == oracles.hits(expected, vocab_size)
    assert counts.support().tolist() == oracles.support(expected, vocab_size)
    matrix = counts.matrix().tocoo()
    entries = zip(matrix.row.tolist(), matrix.col.tolist(), matrix.data.tolist(), strict=True)
    assert {(row, column): count for row, column, count in entries} == expected


@pytest.mark.parametrize("id_type", [np.uint8, np.int8, np.int16, np.int32, np.uint64])
def test_the_integer_type_of_the_ids_does_not_matter(id_type: type) -> None:
    ids = np.array([120, 99, 120], id_type)
    assert table_of(PairCounts(FIRST_INT64).update(ids, ids)) == {(120, 120): 2, (99, 99): 1}


def test_keys_beyond_the_whole_numbers_of_float64_are_exact() -> None:
    """NumPy adds int64 and uint64 as float64, whose whole numbers have gaps from 2^53 on."""
    counts = PairCounts(10**8)
    counts.update(np.array([99_999_998]), np.array([99_999_997], np.uint64))
    assert counts.keys.tolist() == [99_999_998 * 10**8 + 99_999_997]


@given(pairs_of, st.sampled_from([VOCAB, VOCAB + 3, LAST_INT32, FIRST_INT64]))
def test_resized_counts_are_those_of_the_other_vocabulary(
    pairs: list[tuple[int, int]], vocab_size: int
) -> None:
    counts = PairCounts(VOCAB).update(*columns(pairs))
    for resized in (counts.resized(vocab_size), counts.resized(FIRST_INT64).resized(vocab_size)):
        direct = PairCounts(vocab_size).update(*columns(pairs))
        assert resized.keys.dtype == direct.keys.dtype
        assert table_of(resized) == table_of(direct)
    assert table_of(counts) == oracles.pair_counts(*columns(pairs))


def test_counts_do_not_shrink_below_their_ids() -> None:
    counts = PairCounts(VOCAB).update(np.array([1, 2]), np.array([3, 1]))
    assert counts.resized(4).vocab_size == 4
    with pytest.raises(ValueError, match="prediction id 3 is outside 0 to 2"):
        counts.resized(3)
    with pytest.raises(ValueError, match="reference id 2 is outside 0 to 1"):
        counts.resized(2)


def test_a_vocabulary_of_one_token_has_one_pair() -> None:
    counts = PairCounts(1).update(np.zeros(3, int), np.zeros(3, int))
    assert (counts.hits().tolist(), counts.support().tolist(), counts.total) == ([3], [3], 3)


def test_an_empty_table_has_zero_of_everything() -> None:
    counts = PairCounts(4)
    assert counts.total == 0
    assert counts.hits().tolist() == counts.support().tolist() == [0] * 4
    assert counts.matrix().nnz == 0
    assert counts.update(np.empty(0, int), np.empty(0, int)).total == 0


@pytest.mark.parametrize("vocab_size", [0, -3])
def test_a_vocabulary_of_no_token_is_refused(vocab_size: int) -> None:
    with pytest.raises(ValueError, match=str(vocab_size)):
        PairCounts(vocab_size)


@pytest.mark.parametrize(
    ("references", "predictions", "named"),
    [
        ([1, -2], [0, 0], "reference id -2"),
        ([0, VOCAB], [0, 0], f"reference id {VOCAB}"),
        ([0, 0], [-1, 0], "prediction id -1"),
        ([0, 0], [0, 77], "prediction id 77"),
    ],
)
def test_ids_outside_the_vocabulary_are_named_and_change_nothing(
    references: list[int], predictions: list[int], named: str
) -> None:
    counts = PairCounts(VOCAB).update(np.array([1]), np.array([2]))
    with pytest.raises(ValueError, match=named):
        counts.update(np.array(references), np.array(predictions))
    assert table_of(counts) == {(1, 2): 1}


def test_references_without_predictions_are_refused_and_change_nothing() -> None:
    counts = PairCounts(VOCAB).update(np.array([1]), np.array([2]))
    # TypeCheckError is what jaxtyping raises before the function is entered, where it is on.
    with pytest.raises((ValueError, TypeCheckError), match=r"3 references.* 2 pred|Type-check"):
        counts.update(np.array([1, 2, 3]), np.array([1, 2]))
    with pytest.raises((ValueError, TypeCheckError), match=r"0 references.* 2 pred|Type-check"):
        counts.update(np.empty(0, int), np.array([1, 2]))
    assert table_of(counts) == {(1, 2): 1}


def test_update_leaves_its_inputs_as_they_were_and_keeps_no_hold_of_them() -> None:
    # int32 as the keys are: a cast that does not copy would write into the caller's array.
    references, predictions = np.array([1, 2], np.int32), np.array([3, 4], np.int32)
    counts = PairCounts(VOCAB).update(references, predictions)
    assert (references.tolist(), predictions.tolist()) == ([1, 2], [3, 4])
    references[:], predictions[:] = 0, 0
    assert table_of(counts) == {(1, 3): 1, (2, 4): 1}


def test_changing_the_matrix_leaves_the_counts_as_they_were() -> None:
    counts = PairCounts(VOCAB).update(np.array([1, 1, 4]), np.array([1, 2, 4]))
    matrix = counts.matrix()
    matrix.data[:] = 99
    matrix.indices[:] = 0
    assert table_of(counts) == {(1, 1): 1, (1, 2): 1, (4, 4): 1}


# Merging.


@given(pairs_of, pairs_of, pairs_of)
def test_merging_is_commutative_associative_and_equals_one_pass(
    first: list[tuple[int, int]], second: list[tuple[int, int]], third: list[tuple[int, int]]
) -> None:
    def table(*parts: list[tuple[int, int]]) -> PairCounts:
        counts = PairCounts(VOCAB)
        for part in parts:
            counts.update(*columns(part))
        return counts

    one_pass = table_of(table(first + second + third))
    assert table_of(table(first).merge(table(second)).merge(table(third))) == one_pass
    assert table_of(table(first).merge(table(second).merge(table(third)))) == one_pass
    assert table_of(table(third).merge(table(second)).merge(table(first))) == one_pass
    assert table_of(table(first).merge(PairCounts(VOCAB)).merge(table(second, third))) == one_pass
    assert table_of(PairCounts(VOCAB).merge(table(first, second, third))) == one_pass


@given(pairs_of, pairs_of)
def test_merge_leaves_the_other_as_it_was_now_and_later(
    mine: list[tuple[int, int]], theirs: list[tuple[int, int]]
) -> None:
    other = PairCounts(VOCAB).update(*columns(theirs))  # held back, not yet sorted into a run
    counts = PairCounts(VOCAB).update(*columns(mine)).merge(other)
    expected = oracles.pair_counts(*columns(theirs))
    assert table_of(other) == expected
    counts.update(np.array([0, 8]), np.array([0, 8]))
    assert counts.total == len(mine) + len(theirs) + 2
    assert table_of(other) == expected
    # Nor do later counts of the other reach the merged table.
    other.update(np.array([5]), np.array([5]))
    assert counts.total == len(mine) + len(theirs) + 2


@given(pairs_of, pairs_of)
def test_merging_a_table_with_itself_doubles_it(
    early: list[tuple[int, int]], late: list[tuple[int, int]]
) -> None:
    counts = PairCounts(VOCAB).update(*columns(early))
    assert counts.total == len(early)
    counts.update(*columns(late))  # still pending when the table meets itself
    expected = {
        pair: 2 * count for pair, count in oracles.pair_counts(*columns(early + late)).items()
    }
    assert table_of(counts.merge(counts)) == expected


@pytest.mark.usefixtures("small_buffers")
def test_many_merges_hold_no_more_runs_than_the_limit() -> None:
    total, part = PairCounts(VOCAB), PairCounts(VOCAB).update(np.array([1]), np.array([2]))
    for _ in range(40):
        total.merge(part)
        assert len(total._runs) <= max(pair_counts._MERGE_AT, 1)
    assert table_of(total) == {(1, 2): 40}


def test_tables_over_different_vocabularies_are_not_merged() -> None:
    counts = PairCounts(VOCAB).update(np.array([1]), np.array([2]))
    with pytest.raises(ValueError, match=r"10 tokens .* 9"):
        counts.merge(PairCounts(10))
    assert table_of(counts) == {(1, 2): 1}


# At full size.

_TEN_MILLION_PAIRS = """
import resource
import numpy as np
from hf_apt.stats.counts import PairCounts

def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

VOCAB, STEP = 30_522, 500_000
counts, before = PairCounts(VOCAB), peak_mb()
for start in range(0, 10_000_000, STEP):
    i = np.arange(start, start + STEP)
    # 92_999_989 is coprime to V * V, so all pairs are distinct, far apart and in no order.
    key = i * 92_999_989 % VOCAB**2
    references, predictions = np.divmod(key, VOCAB)
    counts.update(references, predictions)
    counts.update(references[:1000], predictions[:1000])
assert len(counts.keys) == 10_000_000, len(counts.keys)
assert counts.total == 10_020_000, counts.total
assert int((counts.counts == 2).sum()) == 20_000
assert (np.diff(counts.keys) > 0).all()
assert int(counts.support().sum()) == 10_020_000
print(peak_mb() - before)
"""


def test_ten_million_pairs_stay_below_600_megabytes() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _TEN_MILLION_PAIRS], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 600


@pytest.mark.parametrize("ids", [[1.0, 2.0], [1.5, 2.0], [True, False]])
def test_ids_that_are_no_whole_numbers_are_refused(ids) -> None:
    """A fraction was cut to an integer and counted."""
    counts, whole, odd = PairCounts(5), np.array([1, 2]), np.array(ids)
    for references, predictions in ((odd, whole), (whole, odd)):
        with pytest.raises(ValueError, match=r"ids are of (float64|bool): give whole numbers"):
            counts.update(references, predictions)
    assert counts.total == 0
