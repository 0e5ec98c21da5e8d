"""What is said of the rows of tokens that are never right."""

from typing import Any, cast

import pytest

from hf_apt.report.rows_table import rows_table

FIGURES = {
    "min_support": 10,
    "num_tokens": 3,
    "num_untrained": 2,
    "tokens": [7, 8, 9],
    "texts": ["[Na+]", ">>", "a\n"],
    "support": [1200, 82, 10],
    "norms": [0.65, 0.63, 1.01],
    "biases": [-1.34, -1.41, 0.11],
    "look_untrained": [True, True, False],
    "unused_are": "named",
    "unused": {"num": 90, "norm": 0.67, "bias": -1.35, "share_alike": 0.99},
    "right": {"num": 1200, "norm": 1.01, "bias": 0.11, "share_alike": 0.01},
    "is_reliable": True,
}


def table(most: int = 20, **changes):
    return rows_table(cast(Any, {"token_rows": FIGURES | changes}), most=most)


def test_tokens_stand_beside_unused_and_right_ones() -> None:
    shown = table()
    assert shown is not None
    assert [list(row) for row in shown.rows] == [
        ["[Na+]", "1,200", "0.650", "−1.340", "yes"],
        [">>", "82", "0.630", "−1.410", "yes"],
        ["a␊", "10", "1.010", "0.110", "no"],
        ["unused ids, median", "–", "0.670", "−1.350", "99\xa0% of 90"],
        ["tokens that are right, median", "–", "1.010", "0.110", "1\xa0% of 1,200"],
    ]
    assert "2 of these 3 tokens look as if they were never trained" in shown.notes[-1]
    fewer = table(most=1)
    assert fewer is not None
    assert [row[0] for row in fewer.rows][0:2] == ["[Na+]", "unused ids, median"]


def test_a_sign_that_is_often_wrong_is_called_so() -> None:
    shown = table(is_reliable=False, num_untrained=None, look_untrained=None, unused_are="unseen")
    assert shown is not None
    assert [row[-1] for row in shown.rows[:3]] == ["–"] * 3
    assert shown.rows[3][0] == "ids that the text never held, median"
    assert shown.notes[-1].startswith("not to be told by their rows: 99\xa0% of the unused ids")


def test_without_unused_ids_and_biases_the_norms_stand_alone() -> None:
    shown = table(
        **dict.fromkeys(("num_untrained", "look_untrained", "unused", "right", "biases")),
        is_reliable=False,
    )
    assert shown is not None
    assert shown.rows[0] == ["[Na+]", "1,200", "0.650", "–", "–"]
    assert len(shown.rows) == 3
    assert "nothing to tell untrained tokens by" in shown.notes[-1]


@pytest.mark.parametrize("summary", [{}, {"token_rows": None}, {"token_rows": {"num_tokens": 0}}])
def test_where_nothing_is_kept_or_never_right_there_is_no_table(summary) -> None:
    assert rows_table(cast(Any, summary)) is None
