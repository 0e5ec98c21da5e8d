"""Laws of the sentences in a run's folder: read as written, or refused by name."""

import json
import re

import pytest

from hf_apt.records.run import Run
from hf_apt.records.shown_sentences import (
    ShownAnswer,
    ShownSentences,
    read_shown_sentences,
    write_shown_sentences,
)


def answer(token: str, probability: float, of_true: float, rank: int) -> ShownAnswer:
    return {
        "token": token,
        "probability": probability,
        "true_probability": of_true,
        "true_rank": rank,
    }


def shown(num_depths: int = 2) -> ShownSentences:
    sentence = {
        "before": "the year begins in",
        "after": ".",
        "true": "march",
        "answers": [answer("may", 0.5, 0.25, 2)] * (num_depths - 1)
        + [answer("march", 0.75, 0.75, 1)],
        "ceiling": None,
    }
    return {"num_asked": 40, "seed": 2509, "sentences": [sentence, sentence]}


def test_they_are_read_as_they_were_written(tmp_path) -> None:
    run = Run(tmp_path)
    assert read_shown_sentences(run, 2) is None
    write_shown_sentences(run, shown(), "0123")
    assert read_shown_sentences(run, 2) == shown()
    run.write_json("measures/own_head.json", {"counts": "0123"})
    assert read_shown_sentences(run, 2) == shown()
    write_shown_sentences(run, None)
    assert not run.path("sentences.json").exists()


def change(run: Run, how: str) -> None:
    """Change the file or what it belongs to."""
    record = run.read_json("sentences.json")
    if how == "other counts":
        run.write_json("measures/own_head.json", {"counts": "4567"})
    if how == "a figure":
        record["sentences"][0]["answers"][0]["probability"] = 0.9
    if how == "a word":
        record["sentences"][1]["true"] = "may"
    if how == "another form":
        record["schema"] = "hf_apt.shown_sentences/2"
    if how == "no digest":
        del record["digest"]
    run.path("sentences.json").write_text("{" if how == "cut" else json.dumps(record))


@pytest.mark.parametrize(
    "how", ["other counts", "a figure", "a word", "another form", "no digest", "cut"]
)
def test_what_was_not_written_with_the_measurement_is_refused(tmp_path, how) -> None:
    run = Run(tmp_path)
    write_shown_sentences(run, shown(), "0123")
    change(run, how)
    with pytest.raises(ValueError, match=re.escape(str(run.path("sentences.json")))):
        read_shown_sentences(run, 2)


def test_other_depths_are_refused(tmp_path) -> None:
    run = Run(tmp_path)
    write_shown_sentences(run, shown(3), "0123")
    with pytest.raises(ValueError, match="not of the 2 depths"):
        read_shown_sentences(run, 2)


@pytest.mark.parametrize("wrong", [float("nan"), -0.1, 1.5])
def test_what_is_no_probability_is_refused(tmp_path, wrong) -> None:
    made = shown()
    made["sentences"][0]["answers"][1]["true_probability"] = wrong
    run = Run(tmp_path)
    if wrong != wrong:
        with pytest.raises(ValueError, match="not JSON compliant"):
            write_shown_sentences(run, made, "0123")
        return
    write_shown_sentences(run, made, "0123")
    with pytest.raises(ValueError, match="other sentences or answers"):
        read_shown_sentences(run, 2)
