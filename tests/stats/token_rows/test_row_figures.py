"""What is said of the rows of tokens that are never right."""

import json

import numpy as np
import pytest

from hf_apt.stats.token_rows.row_figures import NUM_SHOWN, row_figures
from hf_apt.stats.token_rows.token_rows import TokenRows

# Ids 0-9 are unused, 10-14 untrained, 15-19 never right although trained, 20-59 right.
NAMES = [f"[unused{i}]" if i < 10 else f"w{i}" for i in range(60)]
SUPPORT_V = np.where(np.arange(60) < 10, 0, 100 + np.arange(60))
HITS_V = np.where(np.arange(60) < 20, 0, 40)
ROWS = TokenRows(
    np.where(np.arange(60) < 15, 0.65, 1.0), np.where(np.arange(60) < 15, -1.375, 0.125)
)


def figures(rows=ROWS, hits_V=HITS_V, support_V=SUPPORT_V, names=NAMES, frequency_V=SUPPORT_V):
    return row_figures(rows, hits_V, support_V, vocabulary=names, frequency_V=frequency_V)


def test_never_right_tokens_stand_beside_unused_and_right_ones() -> None:
    told = figures()
    assert told["tokens"] == list(range(19, 9, -1))  # the most often asked first
    assert told["texts"][:2] == ["w19", "w18"]
    assert told["support"][:2] == [119, 118]
    assert told["look_untrained"] == [False] * 5 + [True] * 5
    assert told["norms"] == [1.0] * 5 + [0.65] * 5
    assert told["biases"] == [0.125] * 5 + [-1.375] * 5
    assert told["unused"] == {"num": 10, "norm": 0.65, "bias": -1.375, "share_alike": 1.0}
    assert told["right"] == {"num": 40, "norm": 1.0, "bias": 0.125, "share_alike": 0.0}
    assert (told["num_tokens"], told["num_untrained"]) == (10, 5)
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_without_names_those_that_the_text_never_held_are_taken() -> None:
    told = figures(names=[f"w{i}" for i in range(60)])
    assert told["unused_are"] == "unseen"
    assert told["num_untrained"] == 5


def test_of_a_model_that_knows_what_the_text_never_held_nothing_is_said() -> None:
    rng = np.random.default_rng(0)
    told = figures(TokenRows(rng.random(60), rng.random(60)), names=[f"w{i}" for i in range(60)])
    assert not told["is_reliable"]
    assert told["num_untrained"] is None
    assert told["look_untrained"] is None
    assert len(told["norms"]) == 10


def test_an_id_that_is_named_unused_and_asked_for_is_none() -> None:
    names = [*NAMES[:20], "[unused99]", *NAMES[21:]]
    assert figures(names=names)["unused"] == figures()["unused"]


def test_without_unused_ids_rows_are_given_alone() -> None:
    told = figures(support_V=SUPPORT_V + 20, names=[f"w{i}" for i in range(60)])
    assert told["unused"] is None
    assert told["right"] is None
    assert told["num_untrained"] is None


@pytest.mark.parametrize("num_never", [0, NUM_SHOWN, NUM_SHOWN + 7])
def test_only_so_many_are_listed_and_all_are_counted(num_never: int) -> None:
    hits_V = np.where(np.arange(60) < 10 + num_never, 0, 40)
    rows = TokenRows(np.where(np.arange(60) < 10 + num_never, 0.5, 1.0), None)
    told = figures(rows, hits_V)
    assert told["num_tokens"] == told["num_untrained"] == num_never
    assert len(told["tokens"]) == len(told["norms"]) == min(num_never, NUM_SHOWN)
    assert told["biases"] is None
