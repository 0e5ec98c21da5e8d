"""`make test` fails if tests fail and if types do, says both, and stops at once for lint."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STAND_INS = {
    "python": 'echo "tests: $@"; exit ${TESTS:-0}',
    "pyright": "echo types; exit ${TYPES:-0}",
    "ruff": "exit ${LINT:-0}",
    "codespell": "exit 0",
}


@pytest.fixture
def made(tmp_path):
    """What `make` says and returns in a checkout whose commands say and return what is asked."""
    commands = tmp_path / ".venv" / "bin"
    commands.mkdir(parents=True)
    for name, program in STAND_INS.items():
        (commands / name).write_text(f"#!/bin/sh\n{program}\n")
        (commands / name).chmod(0o755)
    for number, name in enumerate(("pyproject.toml", "constraints.txt", ".venv/.installed")):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (number, number))  # the environment is set up already
    shutil.copy(ROOT / "Makefile", tmp_path)

    def make(target: str, **codes: int) -> tuple[int, list[str]]:
        done = subprocess.run(
            ["make", "--silent", target],
            cwd=tmp_path,
            env=os.environ | {name: str(code) for name, code in codes.items()},
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout.splitlines()

    return make


@pytest.mark.parametrize(("tests", "types"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_tests_and_types_both_decide_and_both_are_told(made, tests, types) -> None:
    code, said = made("test", TESTS=tests, TYPES=types)
    assert (code == 0) == (tests == types == 0)
    assert [line.partition(":")[0] for line in said] == ["tests", "types"]
    assert said[0].endswith("-m not slow")


def test_all_tests_are_the_slow_ones_too(made) -> None:
    code, said = made("test-all")
    assert code == 0
    assert "slow" not in said[0]


def test_lint_comes_first_and_stops_what_follows(made) -> None:
    code, said = made("test", LINT=1)
    assert code != 0
    assert said == []
    assert made("lint", TYPES=1)[0] != 0
    assert made("lint") == (0, ["types"])
