"""A scatter of a study: every point is drawn and saved, in its group, and none is left out."""

import re

import pytest

from hf_apt.records.studies.study_record import StudyScatter
from hf_apt.report.studies.study_figure import study_figure
from hf_apt.report.studies.study_page import study_page
from tests.support.studies import a_study

LOOKS_AT_CHARTS = True

SCATTER: StudyScatter = {
    "title": "Confidence against variability",
    "x_label": "variability",
    "y_label": "confidence",
    "groups": {"right": [[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]], "wrong": [[0.4, 0.1]], "no one": []},
    "x_limits": [0.0, 0.5],
    "y_limits": [0.0, 1.0],
}


def wide(scatter: StudyScatter = SCATTER) -> str:
    return str(study_figure(scatter, "map")).partition("</svg>")[0]


def test_every_point_is_drawn_where_it_is():
    drawn = [tag for tag in re.findall(r"<path [^>]*>", wide()) if "linecap:round" in tag]
    ends = [
        [float(each) for each in pair]
        for tag in drawn
        if "clip-path" in tag  # the legend's are not clipped
        for pair in re.findall(r"M([\d.]+) ([\d.]+)", tag)
    ]
    points = [[0.1, 0.9], [0.2, 0.8], [0.3, 0.7], [0.4, 0.1]]
    assert len(ends) == len(points)
    (x0, y0), (x1, y1) = ends[0], ends[3]
    for (x, y), (variability, confidence) in zip(ends, points, strict=True):
        assert (x - x0) / (x1 - x0) == pytest.approx((variability - 0.1) / 0.3, abs=0.01)
        assert (y - y0) / (y1 - y0) == pytest.approx((0.9 - confidence) / 0.8, abs=0.01)


def test_numbers_and_groups_are_saved_with_it():
    svg = wide()
    (table,) = re.findall(r'data-table="([^"]*)"', svg)
    lines = [line.split("\t") for line in table.split("\n")]
    assert [each.strip() for each in lines[0]] == ["group", "variability", "confidence"]
    assert lines[1:] == [
        *(["right", "0.1", "0.9"], ["^", "0.2", "0.8"], ["^", "0.3", "0.7"]),
        ["wrong", "0.4", "0.1"],
    ]
    assert "right, wrong, no one" in svg


def test_it_stands_on_the_page_of_a_study():
    page = study_page(a_study(figures=[SCATTER])).rendered()
    assert "Confidence against variability" in page


def test_points_of_three_numbers_are_refused():
    broken = SCATTER | {"groups": {"right": [[0.1, 0.9, 0.3]]}}
    with pytest.raises(ValueError, match="points that are not two numbers"):
        a_study(figures=[broken])
