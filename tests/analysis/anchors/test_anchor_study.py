"""Laws of the study's sentences: what the numbers say, in words."""

import json
from typing import Any

import pytest

from hf_apt.analysis.anchors.anchor_config import AnchorConfig
from hf_apt.analysis.anchors.anchor_study import anchor_study, findings, twin_curve
from hf_apt.analysis.anchors.anchor_vectors import anchor_vectors
from hf_apt.analysis.transfer.transfer_run import predictors_of_studies


@pytest.fixture
def texts(documents) -> list[str]:
    return documents[:30]


def test_the_record_holds_every_depth_and_its_twin(tiny_model, tokenizer, texts) -> None:
    config = AnchorConfig(sequence_length=24, num_components=2, num_twins=2)
    record = anchor_study("tiny", tiny_model, tokenizer, texts, config, text_name="words")
    json.dumps(record, allow_nan=False)
    assert record["study"] == "anchors"
    assert record["provenance"]["num_texts"] == 30
    vectors = anchor_vectors(tiny_model, tokenizer, texts, config)
    assert len(record["results"]["depths"]) == len(vectors.fits_D) == 3
    assert [len(each) for each in record["results"]["twins"]] == [3, 3]
    share = vectors.fits_D[-1].r_squared
    assert share is not None
    row: Any = record["tables"][0]["rows"][-1]
    assert row[1]["value"] == pytest.approx(share["affine"].value)
    curve: Any = twin_curve(vectors)
    assert row[4]["value"] == pytest.approx(curve[-1].value)
    assert row[4]["num"] == 2, "the mean of two twins"
    assert f"{share['affine'].value:.3f}" in record["findings"][0]
    assert f"{curve[-1].value:.3f}" in record["findings"][0]
    assert len(record["figures"][0]["curves"]) == 3
    record["weights"] = "known"
    found = predictors_of_studies([record], {"task": "any", "weights": "known"})
    assert found["anchor_r_squared"][-1] == pytest.approx(share["affine"].value)
    assert len(found["anchor_r_squared"]) == 3


def test_a_share_that_is_not_defined_is_said(tiny_model, tokenizer, texts) -> None:
    decoder = tiny_model.get_output_embeddings()
    decoder.weight.data.zero_()
    vectors = anchor_vectors(
        tiny_model, tokenizer, texts, AnchorConfig(num_twins=0, sequence_length=24)
    )
    (said,) = findings(vectors, ["embeddings", "block 1", "block 2"])
    assert "the same in every context" in said
    assert "not defined" in said
    assert twin_curve(vectors) == []
