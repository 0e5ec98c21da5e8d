"""A benchmark is read whole and unchanged, or not at all."""

import hashlib
import json

import pytest

from hf_apt.data.bench.benchmark import read_benchmark


def write(folder, lines, **changed):
    (folder / "data").mkdir(exist_ok=True)
    data = "".join(f"{line}\n" for line in lines).encode()
    (folder / "data/test.jsonl").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    described = {"name": "b", "version": 3, "sha256": digest} | changed
    (folder / "apt-bench.json").write_text(json.dumps(described))


def line(text="one two three", asked=((0, 3), (8, 13))) -> str:
    return json.dumps({"id": "x", "text": text, "asked": asked})


def test_passages_have_their_words(tmp_path) -> None:
    write(tmp_path, [line(), line("four", [(0, 4)])])
    benchmark = read_benchmark(tmp_path)
    assert (benchmark.name, benchmark.version) == ("b", 3)
    assert [passage.words for passage in benchmark.passages] == [["one", "three"], ["four"]]
    assert benchmark.words == ["one", "three", "four"]


def test_a_changed_text_is_refused(tmp_path) -> None:
    write(tmp_path, [line()])
    path = tmp_path / "data/test.jsonl"
    path.write_text(path.read_text().replace("two", "ten"))
    with pytest.raises(ValueError, match=r"test.jsonl is not what apt-bench.json says"):
        read_benchmark(tmp_path)


@pytest.mark.parametrize(
    "odd",
    [
        "{",
        "[]",
        '{"id": "x", "text": "one"}',
        line(asked=[]),
        line(asked=[(0, 99)]),
        line(asked=[(-1, 3)]),
        line(asked=[(3, 3)]),
        line(asked=[(8, 13), (0, 3)]),
        line(asked=[(0, 5), (4, 7)]),
    ],
)
def test_a_line_that_is_no_passage_is_named(tmp_path, odd) -> None:
    write(tmp_path, [line(), odd])
    with pytest.raises(ValueError, match=r"test.jsonl:2 "):
        read_benchmark(tmp_path)


def test_a_folder_without_a_benchmark_is_named(tmp_path) -> None:
    with pytest.raises(ValueError, match="holds no benchmark: it has no apt-bench.json"):
        read_benchmark(tmp_path)
    write(tmp_path, [])
    with pytest.raises(ValueError, match="holds no passage"):
        read_benchmark(tmp_path)
    (tmp_path / "apt-bench.json").write_text("[]")
    with pytest.raises(ValueError, match="must say name, version and sha256"):
        read_benchmark(tmp_path)
