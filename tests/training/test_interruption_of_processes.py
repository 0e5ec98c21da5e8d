"""Laws of ending early with two processes: a lost or silent one ends the other with a sentence, and
a signal to any of them stops all, which go on to the same weights."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from safetensors.torch import load_file

from hf_apt.models.devices import patience, process_state
from hf_apt.training.resume import last_checkpoint

WORKER = Path(__file__).parents[1] / "support/workers" / "signalled.py"
CLI = ("-m", "hf_apt.cli")
SECONDS = 60
"""After which what should have ended is given up."""

SAVED = "the same command goes on from what was saved last."


@pytest.fixture(scope="module")
def text(documents, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("\n\n".join(documents))
    return path


def command(text: Path, folder: Path, *, steps: int, save_every: int) -> list[str]:
    sizes = ("--hidden-size=16", "--num-heads=2", "--num-blocks=1", "--batch-size=8")
    lengths = ("--vocab-size=100", "--sequence-length=16")
    steps_and_saves = (f"--steps={steps}", f"--save-every={save_every}")
    return ["pretrain", str(text), *sizes, *lengths, *steps_and_saves, "-o", str(folder)]


@contextmanager
def two_processes(*arguments: str, **variables: str) -> Iterator[list[subprocess.Popen]]:
    """Two processes of one run, without a launcher that would end one when the other does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
        "OMP_NUM_THREADS": "1",
    }
    processes = [
        subprocess.Popen(
            [sys.executable, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | shared | {"RANK": rank, "LOCAL_RANK": rank} | variables,
        )
        for rank in ("0", "1")
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def ended(process: subprocess.Popen) -> tuple[int, str]:
    """The exit code of a process, and what it wrote to standard error."""
    _, error = process.communicate(timeout=SECONDS)
    return process.returncode, error


def wait_for(happened: Callable[[], bool], processes: list[subprocess.Popen]) -> None:
    end = time.monotonic() + SECONDS
    while not happened():
        assert all(process.poll() is None for process in processes), ended(processes[0])
        assert time.monotonic() < end
        time.sleep(0.05)


def left_after(signum: int, victim: int, text: Path, folder: Path, **variables: str) -> str:
    """What the other process says when one has got a signal in the middle of pre-training."""
    arguments = command(text, folder, steps=10**6, save_every=20)
    with two_processes(*CLI, *arguments, **variables) as processes:
        saved = folder / "training"
        wait_for(lambda: any(saved.glob("checkpoint-*/trainer_state.json")), processes)
        processes[victim].send_signal(signum)
        begun = time.monotonic()
        code, error = ended(processes[1 - victim])
        assert time.monotonic() - begun < 40
    assert code == 1, error
    assert "Traceback" not in error
    return next(line for line in error.splitlines() if line.startswith("hf-apt: "))


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_process_ends_the_other_with_a_sentence(victim, text, tmp_path) -> None:
    sentence = left_after(signal.SIGKILL, victim, text, tmp_path / "run")
    assert sentence == f"hf-apt: another process of this run was lost; {SAVED}"


@pytest.mark.slow
def test_a_process_that_hangs_ends_the_other_when_patience_does(text, tmp_path) -> None:
    """With less patience a busy machine would not even start: one is ready before the other."""
    sentence = left_after(signal.SIGSTOP, 1, text, tmp_path / "run", HF_APT_PATIENCE="12")
    assert "has not answered for 12 seconds, as long as HF_APT_PATIENCE lets it" in sentence
    assert sentence.endswith(SAVED)


def test_patience_is_a_day_or_what_is_asked_for(monkeypatch) -> None:
    monkeypatch.delenv("HF_APT_PATIENCE", raising=False)
    assert patience() == 86400
    monkeypatch.setenv("HF_APT_PATIENCE", "5")
    assert patience() == 5


@pytest.mark.parametrize("given", ["", "0", "-5", "1.5", "an hour", "²", "9" * 20])
def test_patience_that_is_no_number_of_seconds_is_refused(given, monkeypatch) -> None:
    monkeypatch.setenv("HF_APT_PATIENCE", given)
    for asked in (patience, process_state.__wrapped__):
        with pytest.raises(ValueError, match="HF_APT_PATIENCE must be a whole number of seconds"):
            asked()


@pytest.fixture(scope="module")
def uninterrupted(text, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted") / "run"
    trained(text, folder)
    return folder


def trained(text: Path, folder: Path) -> None:
    with two_processes(*CLI, *command(text, folder, steps=24, save_every=9)) as processes:
        for code, error in map(ended, processes):
            assert code == 0, error
            assert "find_unused_parameters" not in error  # of which each step would be searched


@pytest.mark.slow
@pytest.mark.parametrize("ranks", ["1", "0,1"])
def test_a_signal_stops_all_and_they_go_on_to_the_same_weights(
    ranks, text, uninterrupted, tmp_path
) -> None:
    """It comes in step 13; the processes ask one another after step 20."""
    folder = tmp_path / "run"
    arguments = command(text, folder, steps=24, save_every=9)
    with two_processes(str(WORKER), ranks, "13", *arguments) as processes:
        for code, error in map(ended, processes):
            assert code == 143, error
            assert error.splitlines()[-1] == (
                "hf-apt: stopped by SIGTERM; the same command goes on from here."
            )
    assert last_checkpoint(folder / "training") == folder / "training/checkpoint-20"
    trained(text, folder)
    weights = load_file(folder / "checkpoint/model.safetensors")
    expected = load_file(uninterrupted / "checkpoint/model.safetensors")
    assert weights.keys() == expected.keys()
    assert all((weights[name] == weight).all() for name, weight in expected.items())
