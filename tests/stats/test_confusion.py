"""Laws of the token confusion matrix, its row filter, its normalisation and its noise."""

from itertools import pairwise

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_apt.stats import confusion as confusion_module
from hf_apt.stats.clusters import strong_matches
from hf_apt.stats.confusion import Confusion, confusion, noise_mass
from hf_apt.stats.counts import PairCounts

settings.register_profile("laws", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("laws")

VOCAB = 7
# Small counts make many ties; rows without a diagonal and rows without any entry both occur.
tables = st.dictionaries(
    st.tuples(st.integers(0, VOCAB - 1), st.integers(0, VOCAB - 1)), st.integers(1, 4), max_size=30
)


def pairs_of(table: oracles.Table, vocab_size: int = VOCAB) -> PairCounts:
    counts = PairCounts(vocab_size)
    for (reference, prediction), count in table.items():
        counts.update(np.full(count, reference), np.full(count, prediction))
    return counts


@given(tables)
def test_kept_rows_and_ties_are_those_of_a_loop(table: oracles.Table) -> None:
    matrix = confusion(pairs_of(table))
    kept, tied = oracles.kept_and_tied(table, VOCAB)
    assert set(np.flatnonzero(matrix.kept_V).tolist()) == kept
    assert matrix.num_ties == len(tied)


@given(tables)
def test_normalised_rows_are_exactly_counts_by_the_diagonal(table: oracles.Table) -> None:
    matrix = confusion(pairs_of(table))
    entries = matrix.normalised.tocoo()
    rows: oracles.Rows = {int(token): {} for token in np.flatnonzero(matrix.kept_V)}
    for row, column, share in zip(entries.row, entries.col, entries.data, strict=True):
        rows[int(row)][int(column)] = float(share)
    assert rows == oracles.normalised(table, VOCAB)
    assert matrix.normalised.has_canonical_format


@given(tables)
def test_the_matrix_holds_the_counts_untouched(table: oracles.Table) -> None:
    pairs = pairs_of(table)
    matrix = confusion(pairs)
    dense = matrix.dense()
    assert dense.dtype == np.int64
    assert {
        (i, j): int(dense[i, j]) for i in range(VOCAB) for j in range(VOCAB) if dense[i, j]
    } == table
    assert pairs.total == sum(table.values())


def test_the_diagonal_of_a_kept_row_is_exactly_one_and_no_entry_exceeds_it() -> None:
    # 1 / 49 * 49 is less than 1: a row must be divided, not multiplied by a reciprocal.
    table = {(i, i): i for i in range(1, 300)} | {(i, 0): i for i in range(1, 300)}
    matrix = confusion(pairs_of(table, 300))
    assert matrix.kept_V.tolist() == [False] + [True] * 299
    assert matrix.num_ties == 299
    assert matrix.normalised.diagonal()[1:].tolist() == [1.0] * 299
    assert matrix.normalised.toarray().max() == 1.0


def test_a_row_is_dropped_if_and_only_if_another_answer_is_commoner() -> None:
    table = {(0, 0): 3, (0, 1): 3, (1, 1): 2, (1, 0): 3, (2, 3): 1, (4, 4): 1}
    matrix = confusion(pairs_of(table))
    assert np.flatnonzero(matrix.kept_V).tolist() == [0, 4]
    assert matrix.num_ties == 1  # the tie of row 0; token 1 is dropped, token 4 has no rival


@given(tables, st.sampled_from([0.05, 0.25, 1 / 3, 0.5, 0.75, 1.0]))
def test_noise_mass_is_what_is_neither_right_nor_a_strong_match(
    table: oracles.Table, threshold: float
) -> None:
    matrix = confusion(pairs_of(table))
    noise = noise_mass(matrix, strong_matches(matrix, threshold))
    assert noise.tolist() == pytest.approx(oracles.noise_mass(table, VOCAB, threshold), abs=1e-12)
    assert ((noise >= 0) & (noise < 1)).all()


@given(tables)
def test_noise_grows_with_the_threshold(table: oracles.Table) -> None:
    matrix = confusion(pairs_of(table))
    noise = [noise_mass(matrix, strong_matches(matrix, t)) for t in (1e-9, 0.25, 0.5, 1.0)]
    assert all((low <= high).all() for low, high in pairwise(noise))
    assert (noise[0] == 0).all()  # every confusion is a strong match


def test_an_empty_table_keeps_nothing() -> None:
    matrix = confusion(PairCounts(5))
    assert not matrix.kept_V.any()
    assert matrix.num_ties == 0
    assert matrix.normalised.nnz == 0
    assert len(noise_mass(matrix, strong_matches(matrix, 0.5))) == 0


def test_a_dense_matrix_is_given_up_to_the_limit_and_refused_above_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    matrix = confusion(pairs_of({(0, 0): 1}))
    monkeypatch.setattr(confusion_module, "DENSE_LIMIT_BYTES", VOCAB**2 * 8)
    assert matrix.dense().sum() == 1
    monkeypatch.setattr(confusion_module, "DENSE_LIMIT_BYTES", VOCAB**2 * 8 - 1)
    with pytest.raises(ValueError, match=f"{VOCAB} tokens"):
        matrix.dense()


def test_a_dense_matrix_of_a_bert_vocabulary_is_refused_with_its_size() -> None:
    matrix: Confusion = confusion(PairCounts(30_522))
    with pytest.raises(ValueError, match=r"30522 tokens takes 6\.9 GiB"):
        matrix.dense()
