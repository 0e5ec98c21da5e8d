"""Laws of the study's record: its numbers are those that were read, in words and tables."""

import json

import pytest

from hf_apt.analysis.pairs.pair_config import PairConfig
from hf_apt.analysis.pairs.pair_readings import read_pairs
from hf_apt.analysis.pairs.pair_study import findings, pair_study
from hf_apt.data.artificial.bigram import Bigram
from hf_apt.stats.pairs.joints import JOINT_NAMES

TEXTS = ["w1 w2 w3 w4 w5 w6", "w9 w8 w7 w6 w5", "w0 w1 w3"]
CONFIG = PairConfig(distances=(1, 3), num_best=6, num_drawn=2)


def test_the_record_has_every_depth_and_joint(tiny_model, tokenizer) -> None:
    record = pair_study("tiny", tiny_model, tokenizer, TEXTS, CONFIG, provenance={"text": "words"})
    json.dumps(record, allow_nan=False)
    readings = read_pairs(tiny_model, tokenizer, TEXTS, CONFIG)
    results = record["results"]
    assert results["num_pairs"] == 5
    assert results["exact"] is None
    assert results["from_truth"] is None
    assert list(results["surprisal"]) == list(JOINT_NAMES)
    gap = readings.estimate(readings.gap_ND2[:, -1].mean(axis=1))
    assert results["gap"][-1]["value"] == pytest.approx(gap.value)
    by_depth, by_distance, joints = record["tables"]
    assert [row[0] for row in by_depth["rows"]] == ["embeddings", "block 1", "block 2"]
    assert [row[0] for row in by_distance["rows"]] == ["1", "3"]
    assert len(joints["rows"]) == len(JOINT_NAMES)
    assert f"{gap.value:.3f} ± {gap.standard_error:.3f}" in record["findings"][0]
    assert "stand in the gap by draws" in record["findings"][-1]
    assert [len(figure["curves"]) for figure in record["figures"]] == [2, 2, 8]  # pyright: ignore


def test_the_exact_law_is_a_row_and_the_best_joint_is_nearest_to_it(tiny_model, tokenizer) -> None:
    language = Bigram(vocab_size=60)
    readings = read_pairs(tiny_model, tokenizer, TEXTS, CONFIG, language=language)
    record = pair_study(
        "tiny", tiny_model, tokenizer, TEXTS, CONFIG, provenance={}, language=language
    )
    assert record["tables"][0]["rows"][-1][0] == "exact law"
    assert "exact gap" in record["tables"][1]["header"]
    assert record["tables"][2]["header"][-1] == "from truth"
    assert "of the exact law the gap is" in record["findings"][0]
    assert readings.from_truth_NDJ is not None
    best = min(
        readings.estimate(readings.from_truth_NDJ[:, -1, number]).value
        for number in range(len(JOINT_NAMES))
    )
    (said,) = (
        each
        for each in findings(readings, ["embeddings", "block 1", "block 2"])
        if "nearest to the exact law" in each
    )
    assert f"{best:.3f} ±" in said


def test_a_language_of_too_many_words_is_left_out_and_it_is_said(tiny_model, tokenizer) -> None:
    language = Bigram(vocab_size=2500)
    record = pair_study(
        "tiny", tiny_model, tokenizer, TEXTS, CONFIG, provenance={}, language=language
    )
    assert record["findings"][0].startswith("The exact law is left out: the language has 2,500")
    assert record["results"]["exact"] is None
    assert record["results"]["not_found"]["arnold_gokhale"] == [0, 0, 0]
