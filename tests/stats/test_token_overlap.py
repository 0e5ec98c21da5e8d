"""Overlap of a task's tokens with a corpus: of types, of occurrences, special tokens left out."""

import math

import numpy as np
import pytest

from hf_apt.stats.token_overlap import overlap, token_counts

SPECIAL = [0, 1]


def slow(task_rows, corpus_rows):
    """Both shares, with sets and loops."""
    known = {token for row in corpus_rows for token in row}
    words = [token for row in task_rows for token in row if token not in SPECIAL]
    types = set(words)
    return len(types & known) / len(types), sum(word in known for word in words) / len(words)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_that_of_sets_and_loops(seed):
    rng = np.random.default_rng(seed)
    task, corpus = (
        [np.minimum(rng.zipf(1.3, rng.integers(1, 9)), 29).tolist() for _ in range(num)]
        for num in (20, 6)
    )
    task = [[0, *row, 1] for row in task]
    counts = [token_counts(rows, 30) for rows in (task, corpus)]
    shared = overlap(*counts, SPECIAL)
    assert (shared.types, shared.occurrences) == pytest.approx(slow(task, corpus))
    assert shared.num_occurrences == sum(map(len, task)) - 2 * len(task) - sum(
        row[1:-1].count(1) for row in task
    )
    assert 0 < shared.types < 1


def test_it_is_all_of_a_corpus_with_itself_and_nothing_of_another():
    one, other = token_counts([[2, 3, 3]], 6), token_counts([[4, 5]], 6)
    assert (overlap(one, one).types, overlap(one, one).occurrences) == (1, 1)
    assert (overlap(one, other).types, overlap(one, other).occurrences) == (0, 0)


def test_more_text_never_has_less():
    rng = np.random.default_rng(0)
    task = token_counts([rng.integers(0, 40, 60).tolist()], 40)
    rows = rng.integers(0, 40, (30, 3)).tolist()
    shares = [overlap(task, token_counts(rows[:num], 40)).occurrences for num in range(31)]
    assert shares == sorted(shares)
    assert shares[0] == 0 < shares[-1]


def test_special_tokens_are_none_of_a_tasks_words():
    shared = overlap(np.array([5, 5, 0]), np.array([5, 5, 5]), SPECIAL)
    assert (shared.num_types, shared.num_occurrences) == (0, 0)
    assert math.isnan(shared.types)
    assert math.isnan(shared.occurrences)


def test_counts_of_other_vocabularies_are_refused():
    with pytest.raises(ValueError, match="of 3 and of 4 token ids"):
        overlap(np.zeros(3, int), np.zeros(4, int))
