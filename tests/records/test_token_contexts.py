"""Laws of the contexts in a run's folder: read as written, or refused by name."""

import json
import re

import pytest

from hf_apt.records.run import Run
from hf_apt.records.token_contexts import TokenContexts, read_token_contexts, write_token_contexts

CONTEXTS: TokenContexts = {
    "stretches": [{"ids": [3, 1, 4], "pieces": ["it", " is", " march"]}],
}


def test_they_are_read_as_they_were_written(tmp_path) -> None:
    run = Run(tmp_path)
    assert read_token_contexts(run) is None
    write_token_contexts(run, CONTEXTS, "0123")
    run.write_json("measures/own_head.json", {"counts": "0123"})
    assert read_token_contexts(run) == CONTEXTS
    write_token_contexts(run, None)
    assert not run.path("contexts.json").exists()


@pytest.mark.parametrize("how", ["another measurement", "a word", "another form", "no digest"])
def test_what_was_not_written_with_the_measurement_is_refused(tmp_path, how) -> None:
    run = Run(tmp_path)
    write_token_contexts(run, CONTEXTS, "0123")
    record = run.read_json("contexts.json")
    if how == "another measurement":
        run.write_json("measures/own_head.json", {"counts": "4567"})
    if how == "a word":
        record["stretches"][0]["pieces"][2] = " may"
    if how == "another form":
        record["schema"] = "hf_apt.token_contexts/2"
    if how == "no digest":
        del record["digest"]
    run.path("contexts.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match=re.escape(str(run.path("contexts.json")))):
        read_token_contexts(run)


def test_a_stretch_has_a_piece_for_each_token(tmp_path) -> None:
    run = Run(tmp_path)
    write_token_contexts(run, {"stretches": [{"ids": [3, 1], "pieces": ["it"]}]}, "0123")
    with pytest.raises(ValueError, match="other tokens than pieces"):
        read_token_contexts(run)
