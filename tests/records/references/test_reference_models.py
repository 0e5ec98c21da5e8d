"""Laws of the reference rows: each has its record, and the nearest ones come first."""

import json

import pytest

from hf_apt.records.checkpoints import SHIPPED
from hf_apt.records.references.reference_models import (
    ReferenceModel,
    is_like,
    nearest_models,
    reference_models,
)

SHIPPED_NAME = "bert6-narrow-wikipedia"


def test_every_row_says_what_it_is_and_how_it_was_measured() -> None:
    rows = reference_models()
    assert len({(row["model"], row["text"]) for row in rows}) == len(rows) >= 6
    for row in rows:
        assert set(row) == set(ReferenceModel.__annotations__)
        assert row["source"]
        assert row["text"]
        assert row["evidence"]
        assert 0 < row["mean_apt"]["value"] < 1
        assert 0 < row["mean_apt"]["standard_error"] < 0.1
        assert 1 / row["vocab_size"] < row["accuracy"] < 1
        assert 0 < row["masking_rate"] <= 1


def test_the_shipped_checkpoint_is_as_its_own_record_says() -> None:
    summary = json.loads((SHIPPED / SHIPPED_NAME / "run/summary.json").read_text())
    last = summary["readouts"]["own_head"][-1]
    row = reference_models()[0]
    assert (row["model"], row["vocab_size"]) == (SHIPPED_NAME, summary["model"]["vocab_size"])
    assert row["masking_rate"] == summary["masking"]["rate"]
    assert row["num_positions"] == sum(summary["masking"]["num_modified"].values())
    accuracy, mean = (last[key]["pooled"] for key in ("masked_accuracy", "mean_apt"))
    assert row["accuracy"] == pytest.approx(accuracy["value"], abs=5e-5)
    assert row["mean_apt"]["value"] == pytest.approx(mean["value"], abs=5e-5)
    assert row["mean_apt"]["standard_error"] == pytest.approx(mean["standard_error"], abs=5e-5)
    assert row["mean_apt"]["num"] == mean["num"]


def test_the_nearest_models_are_those_of_like_vocabulary() -> None:
    assert {row["model"] for row in nearest_models(600, 0.15, 2)} == {"rxnmapper", "rxnfp"}
    assert nearest_models(4096, 0.15, 1)[0]["model"] == SHIPPED_NAME
    assert len(nearest_models(30_522, 0.4)) == 3
    every = [row["model"] for row in nearest_models(8192, 0.15, 20)]
    assert sorted(every) == sorted({row["model"] for row in reference_models()})


@pytest.mark.parametrize(
    ("size", "rate", "like"),
    [
        *[(8192, 0.15, True), (2048, 0.15, True), (32_768, 0.15, True), (2047, 0.15, False)],
        *[(8192, 0.225, True), (8192, 0.23, False), (8192, 0.1, True), (8192, 0.09, False)],
    ],
)
def test_like_means_within_a_factor(size, rate, like) -> None:
    assert is_like(reference_models()[0], size, rate) is like
