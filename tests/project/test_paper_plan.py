"""The plan of the papers' claims: its commands can be read, and what is done is done once."""

import os
import shlex
import signal
import time
from pathlib import Path
from typing import Any, ClassVar

import pytest
import typer
from script_modules import script_modules

from hf_apt.cli.app import app

PAPER = Path(__file__).parents[2] / "examples" / "paper"
TINY = "run TEXT --tokenizer bert6-narrow-wikipedia --hidden-size 16 --num-heads 2 --num-blocks 1"
TINY += " --steps 4 --heads none --no-untrained --no-sentences --task none --validation-share 0.2"
TINY += " --layout packed"
MEASURED = "--layout packed --no-sentences --no-untrained --heads none --validation-share 0.2"
TASK = "finetune FOLDER/tiny/checkpoint --task planted --train-per-class 4 --test-per-class 4"
TASK += " --epochs 1 --sequence-length 16"


@pytest.fixture(scope="module")
def plan():
    """The plan as a module, with its neighbours."""
    with script_modules(PAPER, "plan") as (module,):
        yield module


def test_every_command_can_be_read_and_every_need_comes_before(plan) -> None:
    commands = typer.main.get_command(app).commands  # pyright: ignore[reportAttributeAccessIssue]
    before: set[str] = set()
    for piece in plan.pieces.pieces():
        assert piece.name not in before
        assert before.issuperset(piece.needs)
        folders = {word.split("/")[1] for word in piece.command.split() if "FOLDER/" in word}
        assert folders <= {*piece.needs}
        name, *words = shlex.split(piece.command)
        read = commands[name].make_context(name, [*words, "--output", "x"])
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


class Command:
    """Stands for a command: notes what runs beside it in its folder, and ends after a while."""

    at_work: ClassVar[list[str]] = []
    together: ClassVar[list[list[str]]] = []

    def __init__(self, words: list[str], **settings: Any):
        self.folder, self.name = words[-1], words[3]
        self.at_work.append(self.folder)
        self.together.append(sorted(self.at_work))
        self.end, self.is_ended = time.monotonic() + 0.3, False

    def poll(self) -> int | None:
        if time.monotonic() < self.end:
            return None
        self.terminate()
        return 1 if self.name == "broken" else 0

    def terminate(self) -> None:
        if not self.is_ended:
            self.at_work.remove(self.folder)
        self.is_ended = True

    def wait(self) -> None:
        self.terminate()


@pytest.fixture
def tiny(plan, tmp_path, monkeypatch) -> Any:
    """Works a plan of such commands, as `tiny(pieces, ...)`, and gives what ran together."""
    monkeypatch.setattr(plan.subprocess, "Popen", Command)
    monkeypatch.setattr(plan.records, "FOLDER", tmp_path / "records")
    for kind in ("run", "finetune"):
        monkeypatch.setitem(plan.records._MADE, kind, lambda piece, folder: {})
    Command.at_work.clear()
    Command.together.clear()

    def work(pieces: list[Any], *more: str) -> list[list[str]]:
        monkeypatch.setattr(plan.pieces, "pieces", lambda: iter(pieces))
        runs = tmp_path / "runs"
        plan.main(["--text", "x", "--minutes", "1", "--output_folder", str(runs), *more])
        return [[Path(each).name for each in folders] for folders in Command.together]

    return work


def test_commands_that_write_into_one_folder_do_not_run_together(plan, tiny, tmp_path) -> None:
    Piece = plan.pieces.Piece
    models = [Piece("s", name, "run") for name in ("a", "b")]
    tasks = [Piece("s", f"a-{n}", "finetune --task x", ("a",)) for n in range(3)]
    together = tiny([models[0], *tasks, models[1]])
    assert ["a", "a"] not in together
    assert ["a", "b"] in together
    assert len(together) == 5
    assert all(map(plan.records.is_kept, [*models, *tasks]))
    again = Piece("s", "a", "run --steps 2")
    assert not plan.records.is_kept(again)  # another command than that of the record


def test_a_task_whose_model_is_missing_is_told_before_any_work(plan, tiny, tmp_path) -> None:
    Piece = plan.pieces.Piece
    task = "finetune FOLDER/m/checkpoint --task x"
    both = [Piece("s", "m", "run"), Piece("s", "m-x", task, ("m",))]
    with pytest.raises(ValueError, match="m-x needs m, which is left: do it first, by --only m"):
        tiny(both, "--only", "m-x")
    plan.records.keep("m", plan.records.record(both[0], tmp_path))
    (tmp_path / "runs/m/steps").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"m-x needs .*/m/checkpoint, which is missing though"):
        tiny(both)
    assert not Command.together
    (tmp_path / "runs/m/checkpoint").mkdir(parents=True)
    assert tiny(both) == [["m"]]


def test_a_record_that_cannot_be_made_ends_the_work(plan, tiny, monkeypatch) -> None:
    def broken(piece: Any, folder: Path) -> dict:
        raise FileNotFoundError(folder)

    monkeypatch.setitem(plan.records._MADE, "run", broken)
    monkeypatch.setattr(plan.threading, "excepthook", lambda error: None)
    with pytest.raises(ValueError, match="a piece failed"):
        tiny([plan.pieces.Piece("s", "a", "run")])


def test_a_signal_ends_the_commands_and_is_no_failure(plan, tiny, capsys) -> None:
    class Endless(Command):
        polls = 0

        def poll(self) -> int | None:
            self.polls += 1
            assert self.polls < 20
            os.kill(os.getpid(), signal.SIGTERM)
            return None

    plan.subprocess.Popen = Endless  # which the fixture puts back
    before = signal.getsignal(signal.SIGTERM)
    tiny([plan.pieces.Piece("s", name, "run") for name in ("a", "b", "c")])
    assert signal.getsignal(signal.SIGTERM) is before
    assert "stopped a: the same command goes on" in capsys.readouterr().out
    assert not Command.at_work
    assert not plan.records.is_kept(plan.pieces.Piece("s", "a", "run"))


@pytest.mark.slow
def test_a_plan_is_worked_once_and_what_fails_ends_it(plan, tmp_path, monkeypatch, capsys) -> None:
    Piece = plan.pieces.Piece
    kept, model = "FOLDER/tiny/steps/step-1", "FOLDER/tiny/checkpoint"
    steps = "FOLDER/tiny-step-1 FOLDER/tiny"
    tiny = [
        Piece("s", "tiny", f"{TINY} --keep-at 1"),
        Piece("s", "tiny-planted", TASK, ("tiny",)),
        Piece("s", "tiny-step-1", f"measure {kept} TEXT {MEASURED}", ("tiny",)),
        Piece("s", "ages", f"acquisition {steps} --step 1 --step 4", ("tiny-step-1", "tiny")),
        Piece("s", "pair", TASK.replace("finetune", f"committee {model}") + " --seed 2", ("tiny",)),
    ]
    monkeypatch.setattr(plan.records, "FOLDER", tmp_path / "records")
    monkeypatch.setattr(plan.pieces, "pieces", lambda: iter(tiny))
    text = tmp_path / "text.txt"
    words = "one two three four five six seven eight nine ten".split()
    text.write_text("\n".join(" ".join(words[i % 7 :] + words[: i % 5]) for i in range(200)))
    asked = ["--text", str(text), "--minutes", "9", "--output_folder", str(tmp_path / "runs")]
    plan.main(asked)
    run, task, step, ages, pair = (plan.records.read(piece.name) for piece in tiny)
    assert run["command"] == f"hf-apt {tiny[0].command}"
    assert step["training"] is None
    assert len(step["depths"]) == len(ages["ages"]) == 2
    assert ages["steps"] == [1, 4]
    assert [len(curve) for curve in pair["curves"].values()] == [2, 2, 2]
    assert len(run["depths"]) == 2
    assert 0 <= run["depths"][1]["mean_apt"]["pooled"]["value"] <= 1
    assert len(task["models"]["pretrained"]["finetuned mean"]) == 2
    capsys.readouterr()
    plan.main(asked)
    assert capsys.readouterr().out.count("done") == len(tiny)
    tiny.append(Piece("s", "broken", "run planted --steps 0"))
    with pytest.raises(ValueError, match="a piece failed"):
        plan.main(asked)
    assert not plan.records.is_kept(tiny[-1])
