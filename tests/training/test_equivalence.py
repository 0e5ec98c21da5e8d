"""One law: how a batch is divided over accumulation steps and processes changes nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from workers.pretraining import BATCH_SIZE, NUM_STEPS, pretraining

from hf_apt.data.tokens import Tokens
from hf_apt.models.fresh import new_model
from hf_apt.models.shapes import ModelShape
from hf_apt.training.pretrain_config import PretrainConfig
from hf_apt.training.pretraining import pretrainer
from hf_apt.training.resume import last_checkpoint

WORKER = Path(__file__).parents[1] / "support/workers" / "pretraining.py"
NUM_PROCESSES = 2


def folder_of(tokens: Tokens) -> str:
    return str(Path(tokens.ids.filename).parent)


@pytest.fixture(scope="module")
def whole(tokens, tmp_path_factory) -> tuple[dict[str, Any], Any]:
    """Batches of 8 in one go."""
    folder = tmp_path_factory.mktemp("whole")
    result = pretraining(folder_of(tokens), str(folder), kept=str(folder / "kept.npz"))
    return result, np.load(folder / "kept.npz")


@pytest.fixture(scope="module")
def accumulated(tokens, tmp_path_factory) -> tuple[dict[str, Any], Any]:
    """Four accumulation steps of 2."""
    folder = tmp_path_factory.mktemp("accumulated")
    result = pretraining(
        folder_of(tokens), str(folder), accumulation_steps=4, kept=str(folder / "kept.npz")
    )
    return result, np.load(folder / "kept.npz")


@pytest.fixture(scope="module")
def distributed(tokens, tmp_path_factory) -> list[tuple[dict[str, Any], Any]]:
    """Two processes with two accumulation steps of 2 each."""
    folder = tmp_path_factory.mktemp("distributed")
    arguments = {
        "tokens": folder_of(tokens),
        "folder": str(folder),
        "accumulation_steps": 2,
        "kept": str(folder / "kept-{rank}.npz"),
    }
    launch = [str(WORKER.with_name("forked.py")), str(NUM_PROCESSES)]
    done = subprocess.run(
        [sys.executable, *launch, str(WORKER), json.dumps(arguments)],
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    kept = [folder / f"kept-{rank}.npz" for rank in range(NUM_PROCESSES)]
    return [(json.loads(path.with_suffix(".json").read_text()), np.load(path)) for path in kept]


def assert_same(found: tuple[dict[str, Any], Any], expected: tuple[dict[str, Any], Any]) -> None:
    """Equal losses, logged and returned, and equal gradients at every step."""
    (result, gradients), (expected_result, expected_gradients) = found, expected
    losses, expected_losses = result["losses"], expected_result["losses"]
    assert losses.keys() == expected_losses.keys()
    assert sum(name.endswith(".loss") for name in losses) == NUM_STEPS
    for name, loss in expected_losses.items():
        # An evaluation's mean over batches weighs them alike, however many were asked for in each.
        tolerance = 1e-5 if name.endswith(".loss") else 1e-2
        assert losses[name] == pytest.approx(loss, rel=tolerance), name
    assert result["train_loss"] == pytest.approx(expected_result["train_loss"], rel=1e-5)
    assert set(gradients.files) == set(expected_gradients.files)
    for name in expected_gradients.files:
        if name != "shown":
            np.testing.assert_allclose(
                gradients[name], expected_gradients[name], rtol=1e-5, atol=1e-5, err_msg=name
            )


def test_accumulation_changes_nothing(whole, accumulated):
    assert_same(accumulated, whole)


@pytest.mark.slow
def test_processes_change_nothing(whole, distributed):
    for of_process in distributed:
        assert_same(of_process, whole)


def test_the_gradients_are_of_a_size_that_could_differ(whole):
    _, gradients = whole
    norms = [np.abs(gradients[name]).max() for name in gradients.files if name != "shown"]
    assert len(norms) % NUM_STEPS == 0
    assert np.median(norms) > 1e-3


def test_the_same_examples_are_seen_in_the_same_order(whole, accumulated, distributed):
    expected = whole[1]["shown"].reshape(NUM_STEPS, BATCH_SIZE, -1)
    one_by_one = accumulated[1]["shown"]
    assert one_by_one.shape == (NUM_STEPS * 4, 2, 24)
    assert np.array_equal(one_by_one.reshape(expected.shape), expected)
    # (step, accumulation step, process, sequence): what a process sees lies next to it.
    parts = [kept["shown"].reshape(NUM_STEPS, 2, 2, 24) for _, kept in distributed]
    assert np.array_equal(np.stack(parts, axis=2).reshape(expected.shape), expected)


def test_the_parts_are_asked_for_unequal_numbers(whole):
    """Else a mean of means would do, and these tests could not fail."""
    masked = (whole[1]["shown"] == 4).sum(axis=-1).reshape(NUM_STEPS, 4, 2).sum(axis=-1)
    assert all(len(set(of_step)) > 1 for of_step in masked.tolist())


def test_the_reported_losses_are_those_logged(whole):
    result, _ = whole
    assert result["num_steps"] == NUM_STEPS
    assert result["train_loss"] == result["losses"][f"{NUM_STEPS}.loss"]
    assert result["validation_loss"] == result["losses"][f"{NUM_STEPS}.eval_loss"]
    assert result["losses"][f"{NUM_STEPS}.loss"] < result["losses"]["1.loss"]


@pytest.mark.parametrize(("num_processes", "accumulation_steps"), [("1", 3), ("3", 1), ("2", 8)])
def test_a_batch_that_cannot_be_divided_is_refused(
    num_processes, accumulation_steps, tokens, tmp_path, monkeypatch
):
    monkeypatch.setenv("WORLD_SIZE", num_processes)
    config = PretrainConfig(num_steps=1, batch_size=8, accumulation_steps=accumulation_steps)
    model = new_model(ModelShape(hidden_size=8, num_heads=1, num_blocks=1), tokens, seed=0)
    with pytest.raises(ValueError, match="a batch of 8 sequences cannot be divided into"):
        pretrainer(model, tokens, tokens, config, tmp_path)


def test_several_processes_leave_a_checkpoint_that_is_taken_for_whole(distributed):
    folder = Path(distributed[0][1].fid.name).parent
    assert (folder / f"checkpoint-{NUM_STEPS}" / "rng_state_1.pth").exists()
    assert last_checkpoint(folder) == folder / f"checkpoint-{NUM_STEPS}"
