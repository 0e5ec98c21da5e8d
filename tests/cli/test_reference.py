"""`hf-apt reference`: the answer, and what it refuses."""

import numpy as np
import pytest
from typer.testing import CliRunner

from hf_apt.cli.app import app


def said(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["reference", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_is_my_accuracy_normal_on_the_command_line() -> None:
    text = said("--vocab-size", "4096", "--accuracy", "0.1117")
    copied = next(line for line in text.splitlines() if line.startswith("floor: copy"))
    assert copied.split()[2:] == ["0.1000", "0.1000"]
    assert "Accuracy 0.1117 is 1.1 times what the best known guess reaches" in text
    assert "8,192" in text
    assert "189,818" in text


def test_counts_of_the_callback_give_all_floors(tmp_path) -> None:
    np.savez(tmp_path / "eval-step-1.npz", support=np.array([6, 3, 1]), hits=np.zeros((1, 3)))
    text = said("--vocab-size", "3", "--support", str(tmp_path / "eval-step-1.npz"))
    unigram = next(line for line in text.splitlines() if line.startswith("floor: unigram"))
    assert unigram.split()[2:] == ["0.6000", "0.3333"]
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(("name", "problem"), [("x.npz", "no array `support`"), ("x.npy", "x.npy")])
def test_a_file_without_support_is_refused(tmp_path, name, problem) -> None:
    np.savez(tmp_path / "x.npz", hits=np.zeros(3))
    arguments = ["reference", "--vocab-size=3", f"--support={tmp_path / name}"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert problem in done.output
    assert "Traceback" not in done.output
