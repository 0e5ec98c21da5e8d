"""Receipts of clusters hold every threshold's value, its error where it has one, n and the seed."""

import pytest

from hf_apt.report.charts.cluster_charts import cluster_data, cluster_estimate, cluster_points

LABELS = ["embeddings", "block 1"]


def entry(definition, threshold, share, agreement=None):
    return {
        "definition": definition,
        "threshold": threshold,
        "share_with_strong_match": share,
        "agreement_planted": agreement,
    }


def depth(*entries, kept=400):
    return {"confusion": {"num_kept": kept, "num_rows": 900}, "clusters": list(entries)}


DEPTHS = [
    depth(entry("row", 0.05, None), entry("row", 0.5, None), kept=0),
    depth(entry("row", 0.05, 0.5, 0.75), entry("row", 0.5, 0.1, -0.01)),
]


def test_a_point_says_all_thresholds_with_their_errors() -> None:
    (point,) = cluster_points(
        "share_with_strong_match", DEPTHS, ["row"], 0.05, ("own_head", LABELS), 7
    )
    assert (point.x, point.y, point.panel) == (1, 0.5, 0)
    assert point.said.replace("\xa0", " ") == (
        "share of kept tokens with a strong match, row, own head, block 1: ≥ 0.05 0.500 ± 0.025,"
        " ≥ 0.5 0.100 ± 0.015 (binomial standard errors), n = 400 kept tokens, seed 7"
    )


def test_an_agreement_says_that_no_error_is_known() -> None:
    (point,) = cluster_points("agreement_planted", DEPTHS, ["row"], 0.5, ("own_head", LABELS), None)
    assert point.y == -0.01
    assert "≥ 0.05 0.750, ≥ 0.5 −0.010 (no error is known), n = 900 tokens" in point.said
    assert "seed" not in point.said


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_where_all_or_none_have_a_match_no_error_is_claimed(share) -> None:
    made = cluster_estimate("share_with_strong_match", depth(), entry("row", 0.1, share))
    assert made == {"value": share, "standard_error": None, "num": 400}


def test_the_numbers_are_a_row_for_each_value() -> None:
    data = cluster_data("share_with_strong_match", DEPTHS, ["row"], LABELS)
    assert data.rows[0] == ["row", 0.05, "embeddings", None, None, 0]
    assert data.rows[2][:4] == ["row", 0.05, "block 1", 0.5]
    assert data.rows[2][4] == pytest.approx((0.5 * 0.5 / 400) ** 0.5)
    assert len(data.rows) == 4
    assert cluster_data("share_with_strong_match", DEPTHS, ["weak"], LABELS).rows == []
