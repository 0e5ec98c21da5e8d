"""Laws of resumption: a run that was killed and continued is the run that was not killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from workers.pretraining import NUM_STEPS, SAVE_EVERY, logged, trainer_of

from hf_apt.data.tokens import Tokens
from hf_apt.training.pretraining import pretrain
from hf_apt.training.resume import last_checkpoint

WORKER = Path(__file__).parents[1] / "support/workers" / "pretraining.py"
KILLED_AT = 5


def folder_of(tokens: Tokens) -> str:
    return str(Path(tokens.ids.filename).parent)


@pytest.fixture(scope="module")
def uninterrupted(packed_tokens, tmp_path_factory):
    """(folder, trainer, what `pretrain` returned)."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    trainer = trainer_of(folder_of(packed_tokens), str(folder), dropout=0.1)
    return folder, trainer, pretrain(trainer)


@pytest.fixture(scope="module")
def killed(packed_tokens, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("killed")
    arguments = {"tokens": folder_of(packed_tokens), "folder": str(folder), "at_step": KILLED_AT}
    done = subprocess.run(
        [sys.executable, str(WORKER), json.dumps(arguments)], capture_output=True, timeout=600
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    return folder


def copied(checkpoint: Path, folder: Path, step: int) -> None:
    """Copy `checkpoint` to `folder`, as if it were of another step."""
    copy = folder / f"checkpoint-{step}"
    shutil.copytree(checkpoint, copy)
    state = json.loads((copy / "trainer_state.json").read_text())
    (copy / "trainer_state.json").write_text(json.dumps(state | {"global_step": step}))


def assert_same_run(trainer, expected) -> None:
    assert logged(trainer) == logged(expected)
    assert sum(name.endswith(".loss") for name in logged(trainer)) == NUM_STEPS
    weights, expected_weights = trainer.model.state_dict(), expected.model.state_dict()
    assert weights.keys() == expected_weights.keys()
    for name, weight in expected_weights.items():
        assert torch.equal(weights[name], weight), name


def test_a_killed_run_continues_exactly(packed_tokens, killed, uninterrupted, tmp_path):
    assert KILLED_AT % SAVE_EVERY
    folder = tmp_path / "killed"
    shutil.copytree(killed, folder)
    # A kill in the middle of writing the next checkpoint, on top of it.
    shutil.copytree(folder / f"checkpoint-{SAVE_EVERY}", folder / "checkpoint-4")
    (folder / "checkpoint-4" / "trainer_state.json").unlink()
    with pytest.warns(UserWarning, match="trainer_state.json is missing"):
        assert last_checkpoint(folder) == folder / f"checkpoint-{SAVE_EVERY}"

    steps: list[int] = []
    trainer = trainer_of(folder_of(packed_tokens), str(folder), dropout=0.1)
    trainer.model.register_forward_pre_hook(
        lambda module, _: steps.append(1) if module.training else None
    )
    result = pretrain(trainer)
    assert len(steps) == NUM_STEPS - SAVE_EVERY
    _, expected, expected_result = uninterrupted
    assert_same_run(trainer, expected)
    timeless = {"num_steps", "train_loss", "validation_loss"}
    assert {name: result[name] for name in timeless} == {
        name: expected_result[name] for name in timeless
    }


def test_a_finished_run_takes_no_further_step(packed_tokens, uninterrupted, tmp_path):
    """As after a kill between the end of training and the first file that says so."""
    finished, expected, expected_result = uninterrupted
    folder = tmp_path / "finished"
    shutil.copytree(finished, folder)
    assert last_checkpoint(folder) == folder / f"checkpoint-{NUM_STEPS}"
    trainer = trainer_of(folder_of(packed_tokens), str(folder), dropout=0.1)
    result = pretrain(trainer)
    assert_same_run(trainer, expected)
    for name in ("num_steps", "train_loss", "validation_loss"):
        assert result[name] == expected_result[name]


def test_dropout_is_drawn(packed_tokens, uninterrupted, tmp_path):
    """Else the state of random numbers would not be tested above."""
    _, trainer, _ = uninterrupted
    other = trainer_of(folder_of(packed_tokens), str(tmp_path), dropout=0.0)
    pretrain(other)
    assert logged(other)["1.loss"] != logged(trainer)["1.loss"]


def test_no_folder_and_no_checkpoint_is_none(tmp_path):
    assert last_checkpoint(tmp_path / "nowhere") is None
    assert last_checkpoint(tmp_path) is None


def test_the_newest_is_that_of_most_steps_not_of_the_alphabet(killed, tmp_path):
    for step in (3, 9, 10, 200):
        copied(killed / f"checkpoint-{SAVE_EVERY}", tmp_path, step)
    os.utime(tmp_path / "checkpoint-9")
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-200"


def test_what_is_no_checkpoint_is_passed_over(killed, tmp_path):
    shutil.copytree(killed / f"checkpoint-{SAVE_EVERY}", tmp_path / "checkpoint-3")
    shutil.copytree(tmp_path / "checkpoint-3", tmp_path / "checkpoint-best")
    shutil.copytree(tmp_path / "checkpoint-3", tmp_path / "checkpoint-4-copy")
    (tmp_path / "checkpoint-9").write_text("a file")
    (tmp_path / "checkpoint-8").mkdir()
    with pytest.warns(UserWarning, match="checkpoint-8 is not whole"):
        assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-3"


def cut(name: str, left: float) -> Callable[[Path], None]:
    def damage(checkpoint: Path) -> None:
        path = checkpoint / name
        os.truncate(path, int(path.stat().st_size * left))

    return damage


def removed(name: str) -> Callable[[Path], None]:
    return lambda checkpoint: (checkpoint / name).unlink()


def of_processes(*processes: int) -> Callable[[Path], None]:
    """As if several processes had written it, of which only these came to an end."""

    def damage(checkpoint: Path) -> None:
        for process in processes:
            shutil.copy(checkpoint / "rng_state.pth", checkpoint / f"rng_state_{process}.pth")
        (checkpoint / "rng_state.pth").unlink()

    return damage


def slow_process(checkpoint: Path) -> None:
    of_processes(0, 1)(checkpoint)
    cut("rng_state_1.pth", 0.9)(checkpoint)


INDEX = "model.safetensors.index.json"


def flipped(name: str) -> Callable[[Path], None]:
    """One bit of a tensor changed, in the middle of the file."""

    def damage(checkpoint: Path) -> None:
        with zipfile.ZipFile(checkpoint / name) as saved:
            largest = max(saved.infolist(), key=lambda member: member.file_size)
        content = bytearray((checkpoint / name).read_bytes())
        content[largest.header_offset + len(largest.filename) + 30 + largest.file_size // 2] ^= 1
        (checkpoint / name).write_bytes(content)

    return damage


def of_step(checkpoint: Path, step: int) -> None:
    state = json.loads((checkpoint / "trainer_state.json").read_text())
    (checkpoint / "trainer_state.json").write_text(json.dumps(state | {"global_step": step}))


def in_parts(checkpoint: Path, more: list[str]) -> None:
    """As if the weights were in several files, of which only the first is there."""
    os.replace(checkpoint / "model.safetensors", checkpoint / "part-1.safetensors")
    names = ["part-1.safetensors", *more]
    index = {"weight_map": {f"w{number}": name for number, name in enumerate(names)}}
    (checkpoint / INDEX).write_text(json.dumps(index))


def changed_last_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


DAMAGE: dict[str, Callable[[Path], None]] = {
    "nothing but a folder": lambda path: [file.unlink() for file in path.iterdir()] and None,
    "no state": removed("trainer_state.json"),
    "state empty": cut("trainer_state.json", 0.0),
    "state cut in half": cut("trainer_state.json", 0.5),
    "state without its end": cut("trainer_state.json", 0.995),
    "state of zeros": lambda path: (path / "trainer_state.json").write_bytes(bytes(900)) and None,
    "state no text": lambda path: (path / "trainer_state.json").write_bytes(b"\xff\xfe") and None,
    "another process had not begun": of_processes(0),
    "another process had not ended": slow_process,
    "one of three had not begun": of_processes(0, 2),
    "optimizer cut short": cut("optimizer.pt", 0.99),
    "optimizer empty": cut("optimizer.pt", 0.0),
    "schedule cut short": cut("scheduler.pt", 0.5),
    "random numbers cut short": cut("rng_state.pth", 0.5),
    "no optimizer": removed("optimizer.pt"),
    "no schedule": removed("scheduler.pt"),
    "no random numbers": removed("rng_state.pth"),
    "no weights": removed("model.safetensors"),
    "weights cut short": cut("model.safetensors", 0.5),
    "weights without their end": cut("model.safetensors", 0.999),
    "weights empty": cut("model.safetensors", 0.0),
    "weights changed": lambda path: changed_last_byte(path / "model.safetensors"),
    "configuration cut in half": cut("config.json", 0.5),
    "configuration a list": lambda path: (path / "config.json").write_text("[]") and None,
    "checksums empty": lambda path: (path / "SHA256SUMS").write_text("") and None,
    "optimizer changed": flipped("optimizer.pt"),
    "schedule changed": flipped("scheduler.pt"),
    "state of another step": lambda path: of_step(path, 5),
    "state without a step": lambda path: (path / "trainer_state.json").write_text("{}") and None,
    "state a list": lambda path: (path / "trainer_state.json").write_text("[]") and None,
    "a part of the weights missing": lambda path: in_parts(path, ["part-2.safetensors"]),
    "an index of nothing": lambda path: (path / INDEX).write_text("[]") and None,
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_checkpoint_that_was_cut_off_is_passed_over(kind, killed, tmp_path):
    for step in (3, 6):
        copied(killed / f"checkpoint-{SAVE_EVERY}", tmp_path, step)
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-6"
    DAMAGE[kind](tmp_path / "checkpoint-6")
    with pytest.warns(UserWarning, match="checkpoint-6 is not whole") as told:
        assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-3"
    assert len(told) == 1
    DAMAGE[kind](tmp_path / "checkpoint-3")
    with pytest.warns(UserWarning, match="checkpoint-3 is not whole"):
        assert last_checkpoint(tmp_path) is None


@pytest.mark.parametrize("num_processes", [2, 3, 12])
def test_a_whole_checkpoint_of_several_processes_is_taken(num_processes, killed, tmp_path):
    shutil.copytree(killed / f"checkpoint-{SAVE_EVERY}", tmp_path / "checkpoint-3")
    of_processes(*range(num_processes))(tmp_path / "checkpoint-3")
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-3"


def test_weights_in_parts_and_those_that_fsdp_shards_are_whole(killed, tmp_path):
    for step in (3, 6):
        copied(killed / f"checkpoint-{SAVE_EVERY}", tmp_path, step)
    in_parts(tmp_path / "checkpoint-6", [])
    (tmp_path / "checkpoint-6" / "SHA256SUMS").unlink()
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-6"
    # Saved whole by FSDP, `optimizer.bin` and `pytorch_model_fsdp.bin`; in parts, two folders.
    for names in (("optimizer.bin", "pytorch_model_fsdp.bin"), ("optimizer_0", "model_fsdp_0")):
        shutil.rmtree(tmp_path / "checkpoint-6")
        copied(killed / f"checkpoint-{SAVE_EVERY}", tmp_path, 6)
        checkpoint = tmp_path / "checkpoint-6"
        (checkpoint / "model.safetensors").unlink()
        (checkpoint / "SHA256SUMS").unlink()
        if names[0].endswith(".bin"):
            os.replace(checkpoint / "optimizer.pt", checkpoint / names[0])
            shutil.copy(checkpoint / names[0], checkpoint / names[1])
        else:
            (checkpoint / "optimizer.pt").unlink()
            (checkpoint / names[0]).mkdir()
            (checkpoint / f"pytorch_{names[1]}").mkdir()
        assert last_checkpoint(tmp_path) == checkpoint
