"""Laws of checksums: what `sha256sum` would say of a checkpoint's weights."""

import shutil
import subprocess
from pathlib import Path

import pytest
from transformers import TrainerControl, TrainerState, TrainingArguments

from hf_apt.training.checksums import NAME, WriteChecksums, changed_file, write_checksums


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "model-1.safetensors").write_bytes(b"abc")
    (tmp_path / "model-2.safetensors").write_bytes(b"")
    (tmp_path / "optimizer.pt").write_bytes(b"x")
    write_checksums(tmp_path)
    return tmp_path


def test_the_file_is_that_of_sha256sum(folder):
    """The values of FIPS 180-2, B.1, and of no bytes."""
    assert (folder / NAME).read_text() == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  model-1.safetensors\n"
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  model-2.safetensors\n"
    )
    assert changed_file(folder) is None
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--check", "--quiet", NAME], cwd=folder, check=True)


def test_a_file_that_was_changed_is_named(folder):
    (folder / "model-1.safetensors").write_bytes(b"abd")
    assert changed_file(folder) == "model-1.safetensors"
    (folder / "model-1.safetensors").unlink()
    assert changed_file(folder) == "model-1.safetensors"


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"abc  model-1.safetensors", b"\n"])
def test_a_file_of_no_checksums_is_named(folder, content):
    (folder / NAME).write_bytes(content)
    assert changed_file(folder) == NAME


def test_a_file_elsewhere_is_not_read(folder):
    (folder / NAME).write_text("0" * 64 + "  ../other\n")
    assert changed_file(folder) == NAME


def test_a_checkpoint_without_weights_or_checksums_is_taken(tmp_path):
    write_checksums(tmp_path)
    assert not (tmp_path / NAME).exists()
    assert changed_file(tmp_path) is None


def test_a_checkpoint_that_is_written_anew_has_no_old_checksums(tmp_path):
    """It may be cut off before the new ones are there."""
    folder = tmp_path / "checkpoint-7"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"abc")
    write_checksums(folder)
    args = TrainingArguments(output_dir=str(tmp_path), report_to=[])
    state, control = TrainerState(global_step=7), TrainerControl()
    WriteChecksums().on_step_end(args, state, control)
    assert (folder / NAME).exists()
    WriteChecksums().on_step_end(args, state, TrainerControl(should_save=True))
    assert not (folder / NAME).exists()
    (folder / "model.safetensors").write_bytes(b"abd")
    assert changed_file(folder) is None
    WriteChecksums().on_save(args, state, control)
    assert (folder / NAME).exists()
