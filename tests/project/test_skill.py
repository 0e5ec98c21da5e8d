"""The skill for agents: where agents look for it, short, and each of its blocks runs."""

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

import hf_apt

FOLDER = Path(hf_apt.__file__).parent / ".agents" / "skills" / "hf-apt"
TEXT = (FOLDER / "SKILL.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.M | re.S)


def test_it_says_when_to_use_it_and_is_short() -> None:
    _, matter, body = TEXT.split("---\n", 2)
    described = yaml.safe_load(matter)
    assert described.keys() == {"name", "description"}
    assert described["name"] == FOLDER.name == "hf-apt"
    assert 100 < len(described["description"]) <= 1024  # the most that agents read
    assert len(TEXT.splitlines()) <= 150
    assert set(re.findall(r"^```(\w+)$", body, re.M)) == {"python", "bash"}


def test_every_function_that_it_names_is_public() -> None:
    names = set(re.findall(r"hf_apt\.(\w+)", TEXT)) | set(re.findall(r"\b(\w+Callback)\b", TEXT))
    assert len(names) > 15
    assert names <= set(hf_apt.__all__)


@pytest.mark.slow
def test_every_block_runs_in_order(tmp_path, monkeypatch, capsys, call) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    printed = []
    for block in blocks("python"):
        exec(compile(block, "SKILL.md", "exec"), names)
        printed.append(capsys.readouterr().out)
    assert len(printed) == 9
    assert " 0 failed" in printed[0]
    assert len(re.findall(r"^\d+ Estimate\(.*Estimate\(", printed[1], re.M)) == 7
    assert all(re.fullmatch(r"\S+ \d+ of \d+", line) for line in printed[2].splitlines())
    assert "vocabulary" in printed[5]
    commands = [line for block in blocks("bash") for line in block.splitlines()]
    assert len(commands) == 4
    for command in commands:
        code, out, error = call(*shlex.split(command)[1:])
        assert code == 0, error
        assert json.loads(out)
