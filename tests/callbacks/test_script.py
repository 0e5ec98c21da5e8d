"""A public training script, as it is and with the three lines that docs/trainer.md adds to it."""

import json
import logging
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

SCRIPTS = Path(__file__).parents[1] / "support/scripts"
PAGE = Path(__file__).parents[2] / "docs" / "trainer.md"
DIFF = (SCRIPTS / "run_mlm.diff").read_text(encoding="utf-8")


class Runs:
    """Runs the script in a folder of its own, with the same corpus and tokenizer each time."""

    def __init__(self, folder: Path, tokenizer: Any, documents: list[str]):
        self.folder = folder
        tokenizer.save_pretrained(folder / "tokenizer")
        (folder / "train.txt").write_text("\n".join(documents[:80]))
        (folder / "validation.txt").write_text("\n".join(documents[80:]))

    def run(self, script: Path, name: str, **arguments: object) -> Path:
        output = self.folder / name
        asked = {
            "tokenizer_name": self.folder / "tokenizer",
            "config_overrides": "hidden_size=16,num_hidden_layers=2,num_attention_heads=2,"
            "intermediate_size=32,max_position_embeddings=32",
            "train_file": self.folder / "train.txt",
            "validation_file": self.folder / "validation.txt",
            "max_seq_length": 24,
            "output_dir": output,
            "do_train": True,
            "do_eval": True,
            "max_steps": 6,
            "eval_strategy": "steps",
            "eval_steps": 2,
            "logging_steps": 1,
            "learning_rate": 0.01,
            "per_device_train_batch_size": 8,
            "per_device_eval_batch_size": 8,
            "use_cpu": True,
            "disable_tqdm": True,
            "report_to": "none",
        } | arguments
        words = [word for name, value in asked.items() for word in (f"--{name}", str(value))]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", [str(script), *words])
            runpy.run_path(str(script), run_name="__main__")
        return output


@pytest.fixture(scope="module")
def runs(tokenizer, documents, tmp_path_factory) -> Runs:
    return Runs(tmp_path_factory.mktemp("script"), tokenizer, documents)


@pytest.fixture(scope="module")
def unmodified(runs) -> Path:
    return runs.run(SCRIPTS / "run_mlm.py", "unmodified")


@pytest.fixture
def patched(tmp_path) -> Path:
    """The script after the diff, applied by git as anyone would."""
    shutil.copy(SCRIPTS / "run_mlm.py", tmp_path)
    subprocess.run(
        ["git", "apply", "-"], input=DIFF, cwd=tmp_path, text=True, check=True, capture_output=True
    )
    return tmp_path / "run_mlm.py"


def losses(output: Path) -> list[tuple[int, str, float]]:
    history = json.loads((output / "trainer_state.json").read_text())["log_history"]
    return [
        (entry["step"], name, entry[name])
        for entry in history
        for name in ("loss", "grad_norm", "eval_loss")
        if name in entry
    ]


def test_three_lines_are_added_and_none_is_changed():
    changes = [line for line in DIFF.splitlines() if re.match(r"[+-](?![+-])", line)]
    assert len(changes) == 3
    assert all(line.startswith("+") for line in changes)
    before = (SCRIPTS / "run_mlm.py").read_text()
    assert "trainer_callbacks" not in before
    assert not re.search(r"^\s*(from|import) hf_apt", before, re.M)


def test_the_documentation_shows_this_diff():
    shown = re.findall(r"^```diff\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert shown == [DIFF]


def test_the_script_runs_as_it_is(unmodified):
    assert (unmodified / "model.safetensors").exists()
    assert "perplexity" in json.loads((unmodified / "eval_results.json").read_text())
    assert not (unmodified / "apt").exists()


def test_the_three_lines_measure_and_change_nothing(runs, unmodified, patched, caplog):
    with caplog.at_level(logging.INFO):
        output = runs.run(patched, "measured", metric_for_best_model="eval_mean_apt")
    results = json.loads((output / "eval_results.json").read_text())
    assert 0 <= results["eval_mean_apt"] <= 1
    said = re.findall(r"mean APT after the last block: (0\.\d{3})", caplog.text)
    assert said == [f"{results['eval_mean_apt']:.3f}"]
    ours = {"mean_apt", "mean_apt_standard_error", "num_tokens", "masked_accuracy"}
    ours |= {"num_clusters", "noise_mass"}
    added = {name.removeprefix("eval_") for name in results} - {
        *("loss", "runtime", "samples_per_second", "steps_per_second", "model_preparation_time"),
        *("epoch", "perplexity"),
    }
    assert added <= ours
    assert added >= {"mean_apt", "num_clusters"}
    steps = [f"eval-step-{step:08}" for step in (2, 4, 6)]
    for folder in ("apt", "confusion"):
        names = sorted(path.name for path in (output / folder).glob("eval*"))
        assert names == [f"{step}.{kind}" for step in steps for kind in ("json", "npz", "png")]

    assert len(losses(unmodified)) == 6 * 2 + 3
    assert losses(output) == losses(unmodified)
    weights, expected = (load_file(f / "model.safetensors") for f in (output, unmodified))
    assert weights.keys() == expected.keys()
    assert all(np.array_equal(weights[name], expected[name]) for name in expected)
