"""Laws of score files: everything in JSON, one table in CSV, whole or not at all."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from hf_apt.records.score_files import score_record, write_scores
from hf_apt.stats.likelihood.pair_scores import PairScores
from hf_apt.stats.likelihood.sentence_scores import SentenceScore, SentenceScores

SCORES = SentenceScores(
    "original",
    (
        SentenceScore("b, a", ("b", "a"), np.array([[-1.0, -2.0]]), ("b", "a"), (0, 1), 1),
        SentenceScore("c", ("c",), np.array([[-3.0]]), ("c",), (0,)),
    ),
)
PAIRS = PairScores(
    SentenceScores("original", SCORES.sentences[:1]),
    SentenceScores("original", SCORES.sentences[1:]),
    ("x",),
)


def test_json_holds_depths_sentences_words_and_tokens(tmp_path) -> None:
    record = json.loads(write_scores(tmp_path / "s.json", SCORES, "bert", unit="bits").read_text())
    assert (record["model"], record["unit"], record["kind"]) == ("bert", "bits", "original")
    (at,) = record["depths"]
    assert at["token_surprisal"]["value"] == pytest.approx(2 / math.log(2))
    assert at["perplexity"] == pytest.approx(math.exp(2))
    first = record["sentences"][0]
    assert first["tokens"][1] == {"token": "a", "surprisal": [pytest.approx(2 / math.log(2))]}
    assert (first["words"][0]["word"], first["num_unknown"]) == ("b", 1)


def test_json_of_pairs_holds_both_sides(tmp_path) -> None:
    record = json.loads(write_scores(tmp_path / "p.json", PAIRS, "bert").read_text())
    (pair,) = record["pairs"]
    assert (pair["good"]["text"], pair["bad"]["log_likelihood"]) == ("b, a", [-3.0])
    assert record["paradigms"]["x"][0] == {"value": 0.5, "standard_error": None, "num": 1}


@pytest.mark.parametrize("level", ["sentence", "word", "token"])
def test_csv_is_the_table(tmp_path, level) -> None:
    path = write_scores(tmp_path / "s.csv", SCORES, "bert", level=level)
    pd.testing.assert_frame_equal(pd.read_csv(path), SCORES.to_pandas(level))
    path = write_scores(tmp_path / "p.csv", PAIRS, "bert")
    pd.testing.assert_frame_equal(pd.read_csv(path), PAIRS.to_pandas())


def test_nothing_is_written_where_something_is_wrong(tmp_path) -> None:
    with pytest.raises(ValueError, match="no .json or .csv file"):
        write_scores(tmp_path / "s.txt", SCORES, "bert")
    with pytest.raises(ValueError, match="level is 'line'"):
        write_scores(tmp_path / "s.csv", SCORES, "bert", level="line")  # pyright: ignore
    assert not list(tmp_path.iterdir())


def test_an_overflowing_perplexity_is_null() -> None:
    far = SentenceScore("c", ("c",), np.array([[-1000.0]]), None, None)
    record = score_record(SentenceScores("original", (far,)), "bert")
    assert record["depths"][0]["perplexity"] is None
    assert "words" not in record["sentences"][0]
