"""Laws of the answers about one text: text, table and page say the same, all of it escaped."""

import re
from html.parser import HTMLParser

import pytest

from hf_apt.report.lens_answers import AskedToken, DepthAnswer, LensAnswers, require_page

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def answers() -> LensAnswers:
    depths = (
        DepthAnswer((HOSTILE, "b"), (0.75, 0.125), 1.5, 2, 0.125),
        DepthAnswer(("b", "c"), (0.5, 0.25), 1.75, 1, 0.5),
    )
    unknown = (DepthAnswer(("c",), (1.0,), 0.0), DepthAnswer(("d",), (1.0,), 0.0))
    asked = (
        AskedToken(3, f"a [MASK] {HOSTILE}", "b", "own_head", depths),
        AskedToken(5, "e [MASK]", None, "jacobian", unknown),
    )
    return LensAnswers("a & b", f"a [MASK] {HOSTILE}", asked)


def test_the_text_form_names_model_lens_depths_and_answers(answers) -> None:
    lines = repr(answers).splitlines()
    assert lines[0].startswith("LensAnswers(a & b, ")
    assert lines[1].endswith("(own_head, true: b)")
    assert lines[2].split() == ["embeddings", HOSTILE, "0.750,", "b", "0.125"]
    assert lines[3].split() == ["block", "1", "b", "0.500,", "c", "0.250"]


def test_the_table_has_a_row_for_each_answer(answers) -> None:
    frame = answers.to_pandas()
    assert len(frame) == 2 * 2 + 2 * 1
    first = frame.iloc[3]
    assert (first["depth"], first["rank"], first["token"]) == (1, 2, "c")
    assert (first["probability"], first["entropy"], first["true_rank"]) == (0.25, 1.75, 1)
    assert frame["true_rank"].isna().tolist() == [False] * 4 + [True] * 2
    assert frame["lens"].tolist() == ["own_head"] * 4 + ["jacobian"] * 2


class Cells(HTMLParser):
    """The texts of all table cells, row by row, and the names of all tags."""

    def __init__(self):
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: list[str] = []
        self.is_inside = False

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.is_inside = True

    def handle_endtag(self, tag):
        self.is_inside = self.is_inside and tag not in ("td", "th")

    def handle_data(self, data):
        if self.is_inside:
            self.rows[-1][-1] += data


def test_a_notebook_shows_a_grid_from_the_embeddings_down(answers) -> None:
    cells = Cells()
    cells.feed(answers._repr_html_())
    rows = [[" ".join(cell.split()) for cell in row] for row in cells.rows]
    assert rows[0] == ["depth", "1", "2", "entropy, bits", "rank of true", "its probability"]
    assert rows[1] == ["embeddings", f"{HOSTILE} 0.750", "b 0.125", "1.50", "2", "0.12"]
    assert rows[2] == ["block 1", "b 0.500", "c 0.250", "1.75", "1", "0.5"]
    assert "script" not in cells.tags


def test_shading_grows_with_probability_and_sets_no_colour_of_text(answers) -> None:
    html = answers._repr_html_()
    shades = [float(shade) for shade in re.findall(r"rgba\(46, 134, 222, ([\d.]+)\)", html)]
    assert shades == pytest.approx([0.4875, 0.08125, 0.325, 0.1625, 0.65, 0.65], abs=1e-3)
    assert not re.findall(r"(?<![-\w])color: (?!inherit)", html)


def test_a_page_needs_nothing_else(answers, tmp_path) -> None:
    path = answers.save(tmp_path / "new" / "lens.html")
    page = path.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "color-scheme: light dark" in page
    assert page.count("<h1>") == 1
    assert "--accent" in page  # the look of the other pages
    assert HOSTILE not in page
    assert not re.search(r"(src|href)=|https?://|@import", page)
    assert [each.name for each in path.parent.iterdir()] == ["lens.html"]


def test_a_page_that_is_there_is_not_replaced(answers, tmp_path) -> None:
    path = tmp_path / "mine.html"
    path.write_text("mine")
    with pytest.raises(ValueError, match="mine.html is there already"):
        answers.save(path)
    assert path.read_text() == "mine"


@pytest.mark.parametrize("name", ["lens.png", "lens", "lens.html.gz"])
def test_another_kind_of_file_is_refused(answers, tmp_path, name) -> None:
    with pytest.raises(ValueError, match="no .html file"):
        answers.save(tmp_path / name)
    with pytest.raises(ValueError, match="no .html file"):
        require_page(tmp_path / name)
    assert not list(tmp_path.iterdir())
