"""Records of other versions are read in their present form, or refused in one sentence."""

from pathlib import Path

import pytest

from hf_apt.records.run import Run
from hf_apt.records.schemas import BLOCK_ACCURACY, COMMITTEE, in_present_form, is_of_kind

PATH = Path("finetune/topics.json")
ACCURACY = {"value": 0.5, "standard_error": 0.1, "num": 3}


def old_record() -> dict:
    frozen = {"cls": {"linear": [ACCURACY]}}
    model = {"frozen": frozen, "own_head": ACCURACY, "num_trained_parameters": 7}
    return {
        "schema": "hf_apt.block_accuracy/1",
        "task": "topics",
        "models": {"pretrained": model, "untrained": {"frozen": frozen}},
    }


def test_the_classifier_s_accuracy_is_no_longer_called_own_head():
    before = old_record()
    after = in_present_form(before, BLOCK_ACCURACY, PATH)
    assert after["schema"] == BLOCK_ACCURACY
    assert after["models"]["pretrained"]["classifier"] == ACCURACY
    assert "own_head" not in after["models"]["pretrained"]
    assert after["models"]["pretrained"]["num_trained_parameters"] == 7
    assert after["models"]["untrained"] == before["models"]["untrained"]
    assert before == old_record()  # what was read is left alone


def test_a_record_of_this_version_is_itself():
    record = {"schema": COMMITTEE, "task": "topics"}
    assert in_present_form(record, COMMITTEE, PATH) is record


@pytest.mark.parametrize("schema", ["hf_apt.block_accuracy/99", "hf_apt.committee/1", None])
def test_another_version_is_one_sentence(schema):
    with pytest.raises(ValueError, match=r"topics.json is a record of the form .* make it again"):
        in_present_form({"schema": schema}, BLOCK_ACCURACY, PATH)


def test_a_run_reads_old_records_and_refuses_later_ones(tmp_path):
    run = Run(tmp_path)
    run.write_json("finetune/topics.json", old_record())
    assert run.finetuned()["topics"]["models"]["pretrained"]["classifier"] == ACCURACY
    run.write_json("finetune/later.json", {"schema": "hf_apt.block_accuracy/99"})
    with pytest.raises(ValueError, match=r"later.json is a record of the form .*/99"):
        run.finetuned()


@pytest.mark.parametrize("record", [["mine"], {"conditions": {}}, {"schema": 3}, None])
def test_what_is_no_record_is_of_no_kind(record):
    assert not is_of_kind(record, BLOCK_ACCURACY)
