"""Laws of the matrix between depths as a file: its values everywhere, names escaped."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest

from hf_apt.report.similarity.similarity_file import write_similarity
from hf_apt.report.similarity.similarity_svg import similarity_svg
from hf_apt.stats.similarity.depth_similarity import DepthSimilarity

MATRIX = DepthSimilarity(np.array([[1.0, 0.25, np.nan], [-0.1, 0.5, 0.75]]), 1234, "tokens", True)


def test_a_page_holds_the_picture_and_what_it_shows(tmp_path) -> None:
    page = write_similarity(tmp_path / "m.html", MATRIX, "a<b", "c").read_text()
    assert similarity_svg(MATRIX, "a<b", "c") in page
    assert "a&lt;b" in page
    assert "a<b" not in page
    assert "debiased, of the states of 1,234 tokens" in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")


def test_a_picture_has_a_cell_for_each_pair_and_stands_alone(tmp_path) -> None:
    path = write_similarity(tmp_path / "m.svg", MATRIX, "a<b")
    root = ET.parse(path).getroot()
    texts = [each.text or "" for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[:6] == ["1.00", "0.25", "", "-0.10", "0.50", "0.75"]
    assert texts[6:] == ["embeddings", "block 1", "embeddings", "block 1", "block 2"]


def test_a_record_has_null_where_there_is_nothing(tmp_path) -> None:
    record = json.loads(write_similarity(tmp_path / "m.json", MATRIX, "a", "b").read_text())
    assert record["cka"] == [[1.0, 0.25, None], [-0.1, 0.5, 0.75]]
    assert (record["form"], record["num"], record["other"]) == ("debiased", 1234, "b")
    table = write_similarity(tmp_path / "m.csv", MATRIX, "a").read_text().splitlines()
    assert table[:2] == ["depth,other_depth,cka,standard_error", "0,0,1.0,"]


def test_another_ending_is_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="an ending other than .html"):
        write_similarity(tmp_path / "m.png", MATRIX, "a")
    assert not list(tmp_path.iterdir())


def test_errors_are_in_picture_page_and_record(tmp_path) -> None:
    errors_DE = np.array([[0.0, 0.0123, np.nan], [0.01, 0.02, 0.03]])
    matrix = replace(MATRIX, errors_DE=errors_DE)
    picture = similarity_svg(matrix, "a", "b")
    assert "<title>0.250 ± 0.012</title>0.25" in picture
    assert picture.count("<title>") == 5
    page = write_similarity(tmp_path / "m.html", matrix, "a", "b").read_text()
    assert "shows its standard error over texts" in page
    record = json.loads(write_similarity(tmp_path / "m.json", matrix, "a", "b").read_text())
    assert record["standard_error"] == [[0.0, 0.0123, None], [0.01, 0.02, 0.03]]
    table = write_similarity(tmp_path / "m.csv", matrix, "a").read_text().splitlines()
    assert table[2] == "0,1,0.25,0.0123"
    assert "0.03" in matrix.facts()["largest standard error"]
