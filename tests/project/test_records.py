"""Tables of the documentation are those of the records beside it."""

import json
import sys
from pathlib import Path

import pytest
from script_modules import script_modules

RECORDS = Path(__file__).parents[2] / "docs" / "records"
PAPER = Path(__file__).parents[2] / "examples" / "paper"


@pytest.fixture(scope="module")
def fill():
    """The script that fills tables in, as a module, with its neighbours."""
    with script_modules(PAPER), script_modules(RECORDS, "fill") as (module,):
        yield module
    sys.path.remove(str(PAPER))  # which `paper_records` adds, too


def test_pages_have_the_tables_of_the_records(fill) -> None:
    pages = sorted(fill.DOCS.rglob("*.md"))
    texts = [page.read_text(encoding="utf-8") for page in pages]
    for page, text in zip(pages, texts, strict=True):
        assert fill.filled(text) == text, f"{page}: run docs/records/fill.py"
    everything = "".join(texts)
    named = {name.split()[0] for name in fill.TABLES if f"<!-- table {name} -->" in everything}
    folders = {path.parent.name for path in RECORDS.glob("*/*.json")}
    assert named == {path.stem for path in RECORDS.glob("*.json")} | folders


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
    with pytest.raises(ValueError, match="the plain way has no run of seed 2"):
        cell(other, {1: plain[1]}, lambda run: run["x"])


def test_ways_stand_beside_a_plain_training_of_as_many_seconds(fill) -> None:
    """Ten steps a second: 20 s are 200 steps, in the middle of 100 and 400 by their logarithm.

    On the second occasion everything takes twice as long.
    """
    lengths = {"plain": (100, 10, 0.25), "longer": (400, 40, 0.5), "three times": (800, 160, 0.75)}
    ways = {"way": (100, 20, 0.4), "later": (100, 40, 0.4), "slow": (100, 90, 0.4)}
    runs = [
        {"arm": arm, "seed": seed, "command": f"x --steps 100 --steps {num}", "seconds": seconds}
        | {"apt": [0, share + seed], "accuracy": [share, share]}
        | ({"occasion": 2} if arm in ("three times", "later") else {})
        for arm, (num, seconds, share) in (lengths | ways).items()
        for seed in (1, 2)
    ]
    lines = fill.equal_time.equal_time(runs, [*lengths, *ways]).splitlines()
    assert lines[2:] == [
        "| way | 200 | +0.025 ± 0.000 | +0.025 ± 0.000 |",
        "| later | 200 | +0.025 ± 0.000 | +0.025 ± 0.000 |",
        "| slow | ≥ 900 | -0.350 ± 0.000 | -0.350 ± 0.000 |",
    ]
    beside_nothing = [run | {"occasion": 3} if run["arm"] == "slow" else run for run in runs]
    with pytest.raises(ValueError, match="no plain run was timed on occasion 3, as 'slow' was"):
        fill.equal_time.equal_time(beside_nothing, [*lengths, *ways])
    untimed = [run | {"seconds": None} if run["arm"] == "slow" else run for run in runs]
    with pytest.raises(ValueError, match="no run of 'slow' was timed"):
        fill.equal_time.equal_time(untimed, [*lengths, *ways])


def test_a_table_leaves_no_way_out_and_pages_name_what_there_is(fill, tmp_path, monkeypatch):
    (tmp_path / "some.json").write_text(json.dumps({"runs": [{"arm": "new", "seed": 1}]}))
    monkeypatch.setattr(fill, "RECORDS", tmp_path)
    with pytest.raises(ValueError, match="tables of some lack new"):
        fill._read("some", ("plain",))
    with pytest.raises(ValueError, match="there is no table 'x'"):
        fill.filled("<!-- table x -->\n\n| old |\n\n<!-- end -->")


def test_tables_of_models_of_others_are_of_their_records(fill, tmp_path) -> None:
    depth = {"mean_apt": [0.25, 0.125], "accuracy": [0.5, 0.0625]}
    agreement = {"rho": 0.5, "p": 0.0005, "num_errors": 7, "num_similar": 3}
    counted = {"num_texts": 2, "num_asked": 1000, "num_tokens": 20, "clusters": {}}
    one = {**counted, "depths": [depth | {"blosum": agreement}], "position_guess": agreement}
    two = {**counted, "depths": [depth, depth]}
    for name, record in (("iglm", one), ("rxnfp", two)):
        (tmp_path / f"{name}.json").write_text(json.dumps(record))
    found = fill.strangers.records(tmp_path)
    lines = fill.strangers.apt(found).splitlines()
    assert lines[0] == "|  | IgLM | rxnfp |"
    assert lines[2:5] == [
        "| embeddings | 0.250 ± 0.125 | 0.250 ± 0.125 |",
        "| block 1 |  | 0.250 ± 0.125 |",
        "| accuracy, last | 0.500 ± 0.062 | 0.500 ± 0.062 |",
    ]
    assert "| embeddings | 0.50 (p 0.0005) |" in fill.strangers.blosum(found)
    (tmp_path / "mine.json").write_text("{}")
    with pytest.raises(ValueError, match="tables of strangers lack mine"):
        fill.strangers.records(tmp_path)
