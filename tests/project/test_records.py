"""Tables of the documentation are those of the records beside it."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

RECORDS = Path(__file__).parents[2] / "docs" / "records"


@pytest.fixture(scope="module")
def fill():
    """The script that fills tables in, as a module, with its neighbours."""
    sys.path.insert(0, str(RECORDS))
    try:
        yield _opened("fill")
    finally:
        sys.path.remove(str(RECORDS))
        for name in ("fill", *(path.stem for path in RECORDS.glob("*.py"))):
            sys.modules.pop(name, None)


def _opened(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, RECORDS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pages_have_the_tables_of_the_records(fill) -> None:
    pages = sorted(fill.DOCS.rglob("*.md"))
    texts = [page.read_text(encoding="utf-8") for page in pages]
    for page, text in zip(pages, texts, strict=True):
        assert fill.filled(text) == text, f"{page}: run docs/records/fill.py"
    everything = "".join(texts)
    named = {name.split()[0] for name in fill.TABLES if f"<!-- table {name} -->" in everything}
    assert named == {path.stem for path in RECORDS.glob("*.json")}


def test_a_cell_is_a_mean_of_differences_of_the_same_seed(fill) -> None:
    from cells import cell, of_way  # pyright: ignore[reportMissingImports]

    runs = [
        {"arm": arm, "seed": seed, "x": x}
        for arm, seed, x in [("a", 1, 1.0), ("b", 2, 7.0), ("a", 2, 3.0), ("b", 1, 2.0)]
    ]
    plain, other = of_way(runs, "a"), of_way(runs, "b")
    assert cell(plain, None, lambda run: run["x"]) == "2.000 ± 1.000"
    assert cell(other, plain, lambda run: run["x"]) == "+2.500 ± 1.500"  # 1 and 4
    assert cell({1: other[1]}, plain, lambda run: run["x"]) == "+1.000 *"
    with pytest.raises(ValueError, match="no way 'c'"):
        of_way(runs, "c")


def test_a_table_leaves_no_way_out_and_pages_name_what_there_is(fill, tmp_path, monkeypatch):
    (tmp_path / "some.json").write_text(json.dumps({"runs": [{"arm": "new", "seed": 1}]}))
    monkeypatch.setattr(fill, "RECORDS", tmp_path)
    with pytest.raises(ValueError, match="tables of some lack new"):
        fill._read("some", ("plain",))
    with pytest.raises(ValueError, match="there is no table 'x'"):
        fill.filled("<!-- table x -->\n\n| old |\n\n<!-- end -->")
