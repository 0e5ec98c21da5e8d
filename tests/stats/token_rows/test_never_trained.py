"""Rows that were never trained are known by the unused ids, and not where nothing tells."""

import numpy as np
import pytest

from hf_apt.stats.token_rows.never_trained import named_unused, never_trained, unseen
from hf_apt.stats.token_rows.token_rows import TokenRows

NUM = 3000


def planted(seed: int = 0) -> tuple[TokenRows, np.ndarray, np.ndarray, np.ndarray]:
    """Rows like those of a published model, its unused ids, its right tokens, and the untrained.

    Of 3000 ids 100 are unused, 40 were never trained although they are in the text, and 200 of the
    others are never right although they were.
    """
    rng = np.random.default_rng(seed)
    kind_V = rng.permutation(np.repeat([0, 1, 2, 3], [100, 40, 200, NUM - 340]))
    trained_V = kind_V >= 2
    norms_V = np.where(trained_V, rng.normal(1.05, 0.12, NUM), rng.normal(0.65, 0.02, NUM))
    biases_V = np.where(trained_V, rng.normal(0.0, 0.25, NUM), rng.normal(-1.37, 0.03, NUM))
    rows = TokenRows(norms_V.astype(np.float32), biases_V.astype(np.float32))
    return rows, kind_V == 0, kind_V == 3, kind_V == 1


@pytest.mark.parametrize("seed", range(5))
def test_planted_rows_are_found_with_precision_and_recall_of_one(seed: int) -> None:
    rows, unused_V, right_V, untrained_V = planted(seed)
    result = never_trained(rows, unused_V, right_V)
    assert result is not None
    assert result.is_reliable
    asked_V = ~unused_V & ~right_V  # all that are never right
    assert (result.looks_so_V[asked_V] == untrained_V[asked_V]).all()
    assert result.unused.share_alike == 1.0
    assert (result.unused.num, result.right.num) == (100, NUM - 340)
    assert result.unused.norm == pytest.approx(np.median(rows.norms_V[unused_V]))
    assert result.right.bias == pytest.approx(np.median(rows.biases_V[right_V]))  # pyright: ignore


def slow_looks_so(rows: TokenRows, unused_V: np.ndarray, right_V: np.ndarray) -> list[bool]:
    """By a loop: nearer to the middle of the unused ids in every number."""

    def middle(values: list[float]) -> float:
        ordered = sorted(values)
        half = len(ordered) // 2
        return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2

    columns = [c.tolist() for c in (rows.norms_V, rows.biases_V) if c is not None]
    answers = []
    for token in range(rows.vocab_size):
        nearer = []
        for column in columns:
            unused = middle([column[i] for i in range(len(column)) if unused_V[i]])
            right = middle([column[i] for i in range(len(column)) if right_V[i]])
            nearer.append(abs(column[token] - unused) < abs(column[token] - right))
        answers.append(all(nearer))
    return answers


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("with_biases", [True, False])
def test_it_is_what_a_loop_says_of_any_rows(seed: int, with_biases: bool) -> None:
    rng = np.random.default_rng(seed)
    norms_V, biases_V = rng.random(30), rng.normal(size=30)
    rows = TokenRows(norms_V, biases_V if with_biases else None)
    group_V = rng.integers(0, 3, 30)
    result = never_trained(rows, group_V == 0, group_V == 1)
    assert result is not None
    expected = slow_looks_so(rows, group_V == 0, group_V == 1)
    assert result.looks_so_V.tolist() == expected
    assert result.right.share_alike == np.mean([expected[i] for i in np.flatnonzero(group_V == 1)])


def test_rows_that_are_all_alike_are_not_believed() -> None:
    """Ids that a text does not hold can be trained all the same, on another text."""
    rng = np.random.default_rng(0)
    rows = TokenRows(rng.normal(1, 0.1, 400), rng.normal(0, 0.1, 400))
    unused_V = np.arange(400) < 200
    result = never_trained(rows, unused_V, ~unused_V)
    assert result is not None
    assert not result.is_reliable


def test_a_number_that_is_the_same_everywhere_is_left_out() -> None:
    norms_V = np.array([0.6, 0.6, 1.0, 1.0, 0.61])
    unused_V, right_V = np.arange(5) < 2, np.isin(np.arange(5), [2, 3])
    result = never_trained(TokenRows(norms_V, np.zeros(5)), unused_V, right_V)
    assert result is not None
    assert result.looks_so_V.tolist() == [True, True, False, False, True]
    assert never_trained(TokenRows(np.ones(5), None), unused_V, right_V) is None


@pytest.mark.parametrize("empty", ["unused", "right"])
def test_without_a_group_to_compare_with_there_is_no_sign(empty: str) -> None:
    rows = TokenRows(np.array([0.5, 1.0]), None)
    groups = {"unused": np.array([True, False]), "right": np.array([False, True])}
    groups[empty] = np.zeros(2, bool)
    assert never_trained(rows, groups["unused"], groups["right"]) is None


def test_groups_that_cannot_be_are_refused() -> None:
    rows = TokenRows(np.array([0.5, 1.0]), None)
    with pytest.raises(ValueError, match="id 1 is both unused and right"):
        never_trained(rows, np.array([True, True]), np.array([False, True]))
    with pytest.raises(ValueError, match="a group is of 3 ids, and rows of 2"):
        never_trained(rows, np.zeros(3, bool), np.zeros(2, bool))


def test_unused_ids_are_known_by_their_names() -> None:
    names = ["[unused1]", "<unused12>", "[unused-3]", "<unused_4>", "madeupword0001", "<5>"]
    assert named_unused(names).all()
    others = ["unused", "[UNK]", "<s>", "<2>", "unused1", "[unused]", "x[unused1]", "<0x0A>"]
    assert not named_unused(others).any()


def test_special_tokens_are_not_unseen() -> None:
    vocabulary, frequency_V = ["[PAD]", "<s>", "a", "b", "c"], np.array([0, 0, 0, 5, 0])
    assert unseen(vocabulary, frequency_V, np.array([0, 0, 0, 0, 1])).tolist() == [
        *(False, False, True, False, False)
    ]
