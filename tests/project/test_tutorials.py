"""The quickstart and the tutorials run as they stand, and print what they show.

A page's blocks run in order, in one folder, without a network: `bash` and `python` ones. A `text`
block shows what the block before it prints, in whole or, around "…", in part.
"""

import math
import os
import re
import shlex
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [DOCS / "quickstart.md", *sorted((DOCS / "tutorials").glob("*.md"))]
QUICK = {"sequences.md"}  # of which one command runs, in a second or two
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def blocks(page: Path) -> list[tuple[str, str]]:
    """Language and text of each block that runs or shows what one printed."""
    text = page.read_text(encoding="utf-8")
    return re.findall(r"^```(bash|python|text)\n(.*?)^```", text, re.M | re.S)


def commands(page: Path) -> list[list[str]]:
    """The arguments of each `hf-apt` in the blocks of bash, and in those that are not run."""
    every = re.findall(r"^```(\w*)[^\n]*\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)
    bash = "\n".join(block for language, block in every if language in ("bash", ""))
    lines = bash.replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("hf-apt ")]


def is_alike(shown: str, printed: str) -> bool:
    """Whether the words are equal and the numbers differ by rounding, as on another processor."""
    if NUMBER.sub("#", " ".join(shown.split())) != NUMBER.sub("#", " ".join(printed.split())):
        return False
    pairs = zip(NUMBER.findall(shown), NUMBER.findall(printed), strict=True)
    numbers = ([float(each.replace(",", "")) for each in pair] for pair in pairs)
    return all(math.isclose(*pair, rel_tol=0.03, abs_tol=0.03) for pair in numbers)


def not_printed(shown: str, printed: str) -> list[str]:
    """The shown lines that are missing, or out of order."""
    left = iter(printed.splitlines())
    lines = [line for line in shown.splitlines() if line.strip() and line.strip() != "…"]
    return [line for line in lines if not any(is_alike(line, each) for each in left)]


def bash(block: str, folder: Path) -> str:
    """What the block prints, with the commands of this environment."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=folder,
        env=os.environ | {"PATH": path, "COLUMNS": "80", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{block}\n{done.stderr[-3000:]}"
    return done.stdout


def python(block: str, names: dict[str, object]) -> str:
    printed = StringIO()
    with redirect_stdout(printed):
        exec(compile(block, "block of a tutorial", "exec"), names)
    return printed.getvalue()


def marked(page: Path):
    return pytest.param(page, marks=[] if page.name in QUICK else pytest.mark.slow, id=page.stem)


@pytest.mark.parametrize("page", list(map(marked, PAGES)))
def test_a_page_runs_and_prints_what_it_shows(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    printed = ""
    for language, block in blocks(page):
        if language == "text":
            assert not not_printed(block, printed), printed
        else:
            printed = bash(block, tmp_path) if language == "bash" else python(block, names)


EVERY = [DOCS.parent / "README.md", *sorted(DOCS.rglob("*.md"))]


@pytest.mark.parametrize("page", EVERY, ids=lambda page: page.stem)
def test_every_option_of_its_commands_exists(page):
    import typer

    from hf_apt.cli.app import app

    group = typer.main.get_group(app)
    for name, *arguments in commands(page):
        command = group.get_command(typer.Context(group), name)
        assert command, name
        command.make_context(name, arguments)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_is_short_and_runs_something(page):
    assert len(page.read_text(encoding="utf-8").splitlines()) <= 160
    assert any(language != "text" for language, _ in blocks(page))


def test_a_wrong_number_is_told():
    assert not not_printed("block 6 0.229 ± 0.012", "depth\nblock 6    0.229 ± 0.012\n")
    assert not not_printed("one\n…\nthree", "one\ntwo\nthree")
    assert not_printed("block 6 0.329 ± 0.012", "block 6    0.229 ± 0.012\n")
    assert not_printed("three\none", "one\ntwo\nthree")
    assert not_printed("paris", "london")
