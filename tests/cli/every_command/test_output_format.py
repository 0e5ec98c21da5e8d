"""Laws of what commands print for other programs."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from hf_apt.cli.every_command.output_format import as_json


@dataclass(frozen=True)
class Inner:
    values_D: np.ndarray
    path: Path


class Recorded:
    def record(self) -> dict:
        return {"inner": Inner(np.array([1.0, np.nan]), Path("a"))}


class WithRecord:
    record = {"b": 1}  # some have it as a property


def test_a_record_is_what_json_can_hold():
    made = as_json({"a": Recorded(), 3: (np.float32(0.5), np.inf, True, None), "b": {1}})
    assert made == {
        "a": {"inner": {"values_D": [1.0, None], "path": "a"}},
        "3": [0.5, None, True, None],
        "b": [1],
    }
    assert json.loads(json.dumps(made)) == made
    assert as_json([WithRecord()]) == [{"b": 1}]


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (("ls",), {"checkpoints", "texts", "tasks", "models"}),
        (
            ("reference", "--vocab-size", "4096", "--accuracy", "0.1"),
            {"vocab_size", "floors", "models"},
        ),
        (("lens", "the world is [MASK] ."), {"model", "asked"}),
        (("check", "bert6-narrow-wikipedia"), {"model", "rows"}),
    ],
)
def test_standard_output_is_one_json_object(call, arguments, keys):
    code, out, error = call(*arguments, "--format", "json")
    assert code == 0, error
    assert keys <= json.loads(out).keys()


def test_a_form_that_is_none_is_refused(call):
    code, _, error = call("ls", "--format", "xml")
    assert code == 2
    assert "xml" in error
