"""Receipts of the curve by positions asked: every depth's value, and the growth."""

from hf_apt.report.charts.rarefaction_chart import (
    growth_receipts,
    rarefaction_data,
    rarefaction_points,
)

LABELS = ["embeddings", "block 1"]


def estimate(value, error):
    return {"value": value, "standard_error": error, "num": 70}


def depths(error):
    return [
        {"rarefaction": [{"num_positions": 1000, "mean_apt": estimate(value, error)}]}
        | {"rarefied_growth": growth}
        for value, growth in ((0.125, None), (0.25, estimate(0.125, 0.03)))
    ]


def test_a_point_says_the_values_of_all_depths() -> None:
    (point,) = rarefaction_points(depths(0.01), "own_head", LABELS, 7)
    assert (point.x, point.y) == (1000, 0.25)
    assert point.said.replace("\xa0", " ") == (
        "mean APT of 1,000 positions, own head: embeddings 0.125 ± 0.010, block 1 0.250 ± 0.010"
        " (standard error over up to 20 stretches of the text), n = 70 tokens expected, seed 7"
    )
    (point,) = rarefaction_points(depths(None), "own_head", LABELS, None)
    assert "error" not in point.said
    assert point.said.endswith("n = 70 tokens expected")


def test_growth_has_a_receipt_in_the_column_of_its_depth() -> None:
    made = growth_receipts(depths(0.01), "own_head", LABELS, 7)
    assert list(made) == [3]
    assert made[3].replace("\xa0", " ") == (
        "growth of the mean APT of 1,000 positions, own head, block 1: 0.1250 ± 0.0300"
        " (standard error over up to 20 stretches of the text), n = 70 tokens expected, seed 7"
    )


def test_the_numbers_are_a_row_for_each_value() -> None:
    data = rarefaction_data(depths(0.01), LABELS)
    assert data.rows == [
        [1000, "embeddings", 0.125, 0.01, 70],
        [1000, "block 1", 0.25, 0.01, 70],
    ]
