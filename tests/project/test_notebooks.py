"""The notebooks hold what they print, and print it again when they are executed."""

import math
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "notebooks"
NOTEBOOKS = ["look_into_a_checkpoint", "watch_a_training"]
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
MOST_BYTES, MOST_CELLS = 500_000, 25
PLACES = re.compile(r"(?<![\w./<:-])(?:/[A-Za-z_][\w.-]*){2,}|\b[A-Z]:\\\\|\bfile://")
MOMENTS = re.compile(r"\b\d\d:\d\d:\d\d\b|\b20\d\d-\d\d-\d\d\b")
PICTURES = {"look_into_a_checkpoint": 3, "watch_a_training": 2}

BEFORE_TRAINING = 1
"""Cells of `watch_a_training` that print and owe nothing to a training, which other processors
do otherwise in the last digits, and after a while in the first."""


def opened(name: str) -> Any:
    """The notebook as it is kept."""
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def code_cells(book: Any) -> list[Any]:
    """The cells that run."""
    return [cell for cell in book.cells if cell.cell_type == "code"]


def shown(cell: Any) -> str:
    """What a cell prints or shows as text, without pictures and pages."""
    parts = []
    for output in cell.outputs:
        text = output.get("text") or output.get("data", {}).get("text/plain", "")
        parts.append(text if isinstance(text, str) else "".join(text))
    return "".join(parts)


def kinds(cell: Any) -> set[str]:
    """In which forms a cell shows something."""
    return {kind for output in cell.outputs for kind in output.get("data", {output.output_type: 0})}


def is_alike(kept: str, printed: str) -> bool:
    """Whether the words are equal and the numbers differ by rounding, as on another processor."""
    if NUMBER.sub("#", " ".join(kept.split())) != NUMBER.sub("#", " ".join(printed.split())):
        return False
    pairs = zip(NUMBER.findall(kept), NUMBER.findall(printed), strict=True)
    numbers = ([float(each.replace(",", "")) for each in pair] for pair in pairs)
    return all(math.isclose(*pair, rel_tol=0.03, abs_tol=0.03) for pair in numbers)


def test_these_are_the_notebooks():
    assert sorted(path.stem for path in FOLDER.iterdir()) == NOTEBOOKS
    readme = (FOLDER.parent / "README.md").read_text("utf-8")
    assert all(f"notebooks/{name}.ipynb" in readme for name in NOTEBOOKS)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_was_executed_from_top_to_bottom(name):
    book = opened(name)
    nbformat.validate(book)
    cells = code_cells(book)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell.outputs for cell in cells[1:])  # the first one imports
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == PICTURES[name]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_short_and_explained(name):
    book = opened(name)
    assert len(book.cells) <= MOST_CELLS
    assert (FOLDER / f"{name}.ipynb").stat().st_size <= MOST_BYTES
    assert book.cells[0].source.startswith("# ")
    assert sum(cell.cell_type == "markdown" for cell in book.cells) >= len(book.cells) // 3


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_says_neither_where_nor_when_it_ran(name):
    for cell in code_cells(opened(name)):
        texts = [
            text
            for output in cell.outputs
            for kind, text in (output.get("data") or {"text": output.get("text", "")}).items()
            if not kind.startswith("image/")
        ]
        for text in texts:
            plain = re.sub(r"</?\w[^>]*>", " ", text)  # of the page the words, not its tags
            assert not PLACES.search(plain), PLACES.findall(plain)
            assert not MOMENTS.search(plain)
        assert not set(cell.metadata) - {"tags"}  # no times of execution


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_prints_what_it_holds(name, tmp_path, monkeypatch):
    from nbclient import NotebookClient

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    for name_ in ("TRANSFORMERS_VERBOSITY", "HF_HUB_DISABLE_PROGRESS_BARS"):
        monkeypatch.delenv(name_, raising=False)  # a command that ran in this process has set them
    kept, book = opened(name), opened(name)
    for cell in code_cells(book):
        cell.outputs = []
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(book, timeout=600, kernel_name="python3", resources=resources).execute()
    cells = list(zip(code_cells(kept), code_cells(book), strict=True))
    assert [kinds(one) for one, _ in cells] == [kinds(other) for _, other in cells]
    printing = [pair for pair in cells if shown(pair[0])]
    for one, other in printing[: BEFORE_TRAINING if name == "watch_a_training" else None]:
        assert is_alike(shown(one), shown(other)), shown(other)
    assert not any(tmp_path.glob("[!i]*"))  # what is written goes elsewhere


def test_numbers_may_differ_by_rounding_and_words_may_not():
    assert is_alike("we 18, 0.215 ± 0.007", "we 18,  0.216 ± 0.007")
    assert not is_alike("we 18", "i 18")
    assert not is_alike("accuracy 0.215", "accuracy 0.315")


def test_places_and_moments_are_seen():
    assert PLACES.search("written: /home/somebody/runs")
    assert PLACES.search("LensAnswers('/tmp/model')")
    assert not PLACES.search("batches/s, and 150/150, apt/eval-step, </td>")
    assert MOMENTS.search("at 12:30:01")
    assert MOMENTS.search("2025-01-31")
    assert not MOMENTS.search("[150/150 00:44, Epoch 1/2]")
