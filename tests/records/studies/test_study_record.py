"""The record of any study: whole, of JSON, and refused where it is not."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hf_apt.records.run import Run
from hf_apt.records.studies.study_files import read_studies, read_study, write_study
from hf_apt.records.studies.study_record import study_name
from tests.support.studies import a_study


def test_a_record_comes_back_as_it_was_written(tmp_path):
    record = a_study()
    path = write_study(Run(tmp_path), record)
    assert path == tmp_path / "studies" / "kernels-agnews.json"
    assert read_study(Run(tmp_path), "kernels-agnews") == record
    assert read_studies(Run(tmp_path)) == [record]
    assert read_studies(Run(tmp_path / "nothing")) == []


def test_numbers_of_numpy_and_infinite_ones_are_what_json_has():
    record = a_study(results={"a": np.float32(0.5), "b": np.arange(2), "c": float("nan")})
    assert record["results"] == {"a": 0.5, "b": [0, 1], "c": None}
    json.dumps(record, allow_nan=False)


def test_a_name_has_its_subject_where_there_is_one():
    assert study_name(a_study()) == "kernels-agnews"
    assert study_name(a_study(subject="")) == "kernels"


@pytest.mark.parametrize("subject", ["../a", "a/b", "-a", "a b"])
def test_a_name_that_no_file_can_have_is_refused(subject):
    with pytest.raises(ValueError, match="use letters"):
        a_study(subject=subject)


def test_rows_and_curves_of_another_length_are_refused():
    table = {"title": "T", "header": ["a", "b"], "rows": [["x"]]}
    with pytest.raises(ValueError, match=r"a row of 1 cells in a table of 2 columns \(T\)"):
        a_study(tables=[table])
    figure = {"title": "F", "y_label": "y", "x_labels": ["1", "2"], "curves": {"c": [None]}}
    with pytest.raises(ValueError, match=r"1 values of c at 2 places \(F\)"):
        a_study(figures=[figure])


def test_a_study_without_a_finding_is_refused():
    with pytest.raises(ValueError, match="has no finding"):
        a_study(findings=[])


def test_a_study_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    with pytest.raises(ValueError, match="nor any other"):
        read_study(Run(tmp_path), "anchors")
    write_study(Run(tmp_path), a_study())
    with pytest.raises(ValueError, match="choose one of kernels-agnews"):
        read_study(Run(tmp_path), "anchors")


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "hf_apt.study/9"},
        {"tables": None},
        {"tables": [{"title": "T"}]},
        {"tables": [1]},
        {"figures": {}},
        {"findings": "text"},
    ],
)
def test_a_record_that_was_changed_is_refused_by_its_file(tmp_path, change):
    path = write_study(Run(tmp_path), a_study())
    path.write_text(json.dumps(a_study() | change), encoding="utf-8")
    with pytest.raises(ValueError, match=r"kernels-agnews\.json"):
        read_study(Run(tmp_path), "kernels-agnews")
