"""The plan of the papers' claims: its commands can be read, and what is done is done once."""

import shlex
import sys
from pathlib import Path

import pytest
import typer

from hf_apt.cli.app import app

PAPER = Path(__file__).parents[2] / "examples" / "paper"
TINY = "run TEXT --tokenizer bert6-narrow-wikipedia --hidden-size 16 --num-heads 2 --num-blocks 1"
TINY += " --steps 2 --heads none --no-untrained --no-sentences --task none --validation-share 0.2"
TASK = "finetune FOLDER/tiny/checkpoint --task planted --train-per-class 4 --test-per-class 4"
TASK += " --epochs 1 --sequence-length 16"


@pytest.fixture(scope="module")
def plan():
    """The plan as a module, with its neighbours."""
    sys.path.insert(0, str(PAPER))
    try:
        import plan  # pyright: ignore[reportMissingImports]

        yield plan
    finally:
        sys.path.remove(str(PAPER))
        for path in PAPER.glob("*.py"):
            sys.modules.pop(path.stem, None)


def test_every_command_can_be_read_and_every_need_comes_before(plan) -> None:
    commands = typer.main.get_command(app).commands  # pyright: ignore[reportAttributeAccessIssue]
    before: set[str] = set()
    for piece in plan.pieces.pieces():
        assert piece.name not in before
        assert before.issuperset(piece.needs)
        name, *words = shlex.split(piece.command)
        read = commands[name].make_context(name, [*words, "--output", "x"], resilient_parsing=True)
        assert read.args == []
        before.add(piece.name)


def test_nothing_is_done_without_time_and_what_is_left_is_said(plan, capsys, tmp_path) -> None:
    plan.main(["--only", "corpus size", "--output_folder", str(tmp_path / "runs")])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 * 4 * 4
    assert {line.split()[0] for line in lines} <= {"done", "left"}
    assert not (tmp_path / "runs").exists()
    with pytest.raises(ValueError, match="no study and no piece is called 'x'"):
        plan.main(["--only", "x"])
    with pytest.raises(ValueError, match="no text to train on: give --text"):
        plan.main(["--minutes", "1"])


@pytest.mark.slow
def test_a_plan_is_worked_once_and_what_fails_ends_it(plan, tmp_path, monkeypatch, capsys) -> None:
    Piece = plan.pieces.Piece
    tiny = [
        Piece("s", "tiny", "run", TINY),
        Piece("s", "tiny-planted", "task", TASK, ("tiny",)),
    ]
    monkeypatch.setattr(plan.records, "FOLDER", tmp_path / "records")
    monkeypatch.setattr(plan.pieces, "pieces", lambda: iter(tiny))
    text = tmp_path / "text.txt"
    words = "one two three four five six seven eight nine ten".split()
    text.write_text("\n".join(" ".join(words[i % 7 :] + words[: i % 5]) for i in range(200)))
    asked = ["--text", str(text), "--minutes", "9", "--output_folder", str(tmp_path / "runs")]
    plan.main(asked)
    run, task = (plan.records.read(piece.name) for piece in tiny)
    assert run["command"] == f"hf-apt {TINY}"
    assert len(run["depths"]) == 2
    assert 0 <= run["depths"][1]["mean_apt"]["pooled"]["value"] <= 1
    assert len(task["models"]["pretrained"]["finetuned mean"]) == 2
    capsys.readouterr()
    plan.main(asked)
    assert capsys.readouterr().out.split() == ["done", "s:", "tiny", "done", "s:", "tiny-planted"]
    tiny.append(Piece("s", "broken", "run", "run planted --steps 0"))
    with pytest.raises(ValueError, match="a piece failed"):
        plan.main(asked)
    assert not plan.records.is_kept("broken")
