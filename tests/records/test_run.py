"""Laws of a run's folder: what is written is read, and what is missing is named."""

import math
from pathlib import Path

import numpy as np
import pytest

from hf_apt.records.run import READOUTS, Run
from hf_apt.stats.counts import DepthCounts


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


def written(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


@pytest.mark.parametrize(
    "content",
    [{"a": 1, "b": [None, True, 0.1, 1e-300]}, [], "ß 漢字 \u2028 😀", {"": {"": []}}, 2**70],
    ids=repr,
)
def test_json_reads_back_as_it_was_written(run: Run, content: object) -> None:
    run.write_json("summary.json", content)
    assert run.read_json("summary.json") == content
    assert run.path("summary.json").read_text(encoding="utf-8").endswith("\n")
    assert written(run.folder) == ["summary.json"]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.int64(1), {1, 2}], ids=repr)
def test_what_is_no_strict_json_is_refused_and_the_earlier_file_stays(
    run: Run, value: object
) -> None:
    run.write_json("summary.json", {"earlier": True})
    with pytest.raises((ValueError, TypeError), match="JSON"):
        run.write_json("summary.json", {"half": 1, "bad": value})
    assert run.read_json("summary.json") == {"earlier": True}
    assert written(run.folder) == ["summary.json"]


def test_json_is_written_in_readable_letters(run: Run) -> None:
    run.write_json("vocabulary.json", ["ß", "漢"])
    assert run.path("vocabulary.json").read_text(encoding="utf-8") == '[\n "ß",\n "漢"\n]\n'


def test_a_missing_file_is_named_with_its_run(run: Run) -> None:
    with pytest.raises(ValueError, match=r"no finished hf_apt run: it has no config\.json") as e:
        run.read_json("config.json")
    assert str(run.folder) in str(e.value)


@pytest.mark.parametrize("text", ["", "{", '{"a": 1} rest'])
def test_a_broken_file_is_named(run: Run, text: str) -> None:
    run.folder.mkdir()
    run.path("config.json").write_text(text)
    with pytest.raises(ValueError, match=r"config\.json is no valid JSON"):
        run.read_json("config.json")


@pytest.mark.parametrize("array", [np.arange(5), np.array([2**62, -1, 0]), np.empty(0, np.int64)])
def test_arrays_read_back_as_they_were_written(run: Run, array: np.ndarray) -> None:
    run.write_array("frequency.npy", array)
    run.write_array("planted.npy", array[::-1])
    planted = run.planted()
    assert planted is not None
    assert run.frequency().tolist() == array.tolist()
    assert planted.tolist() == array[::-1].tolist()
    assert run.frequency().dtype == array.dtype
    assert written(run.folder) == ["frequency.npy", "planted.npy"]


def test_an_array_of_objects_is_refused_and_leaves_nothing(run: Run) -> None:
    with pytest.raises(ValueError, match="[Oo]bject arrays"):
        run.write_array("frequency.npy", np.array([{}], object))
    assert written(run.folder) == []


def test_only_a_planted_language_has_planted_classes(run: Run) -> None:
    assert run.planted() is None


def test_the_vocabulary_reads_back_by_token_id(run: Run) -> None:
    run.write_json("vocabulary.json", ["[PAD]", "été", "##s"])
    assert run.vocabulary() == ["[PAD]", "été", "##s"]


def test_readouts_are_those_counted_in_their_fixed_order(run: Run) -> None:
    assert run.readouts() == []
    for num, readout in enumerate(reversed(READOUTS), start=1):
        DepthCounts.empty(1, 3).save(run.counts_path(readout))
        assert run.readouts() == list(READOUTS[-num:])
    assert written(run.folder) == sorted(f"counts/{readout}.npz" for readout in READOUTS)


def test_counts_read_back_by_readout(run: Run) -> None:
    for token, readout in enumerate(READOUTS):
        counts = DepthCounts.empty(2, 10)
        counts.update(np.array([token]), np.array([[token], [9]]), np.array([0]))
        counts.save(run.counts_path(readout))
    for token, readout in enumerate(READOUTS):
        hits = run.counts(readout).hits()
        assert np.flatnonzero(hits[0]).tolist() == [token]
        assert hits[1].sum() == 0
