"""Laws of the balanced contrast in a Trainer: no weight no trace, however a step is divided."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import Trainer
from workers.objectives import NUM_STEPS, classifier, classifying, logged, trained

from hf_apt.cli.objectives import objective_of
from hf_apt.models.lora import with_adapter
from hf_apt.training.objectives.balanced_contrast import BalancedContrast
from hf_apt.training.objectives.r_drop import RDrop

WORKER = Path(__file__).parents[2] / "support/workers" / "objectives.py"
SPELLED = "balanced_contrast:weight=0.5,num_positives=4,num_negatives=6,memory=5"
CONTRAST: Any = objective_of(SPELLED)


def losses_of(trainer: Trainer) -> list[float]:
    return [each["balanced_contrast"] for each in trainer.state.log_history if "loss" in each]


def assert_close(result: dict, expected: dict) -> None:
    assert set(result) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(result[name], value, rtol=1e-5, atol=1e-5, err_msg=name)


def test_without_a_weight_it_is_the_plain_trainer_to_the_bit(tmp_path):
    def observed(objectives: tuple) -> tuple[dict, dict, torch.Tensor]:
        trainer = classifying(str(tmp_path), objectives, dropout=0.2)
        trainer.train()
        model: Any = trainer.model
        return logged(trainer), model.state_dict(), torch.get_rng_state()

    logs, weights, state = observed((BalancedContrast(weight=0.0),))
    expected_logs, expected, expected_state = observed(())
    assert logs == expected_logs
    assert torch.equal(state, expected_state)
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    moved, _, moved_state = observed((CONTRAST,))
    assert moved != expected_logs
    assert torch.equal(moved_state, expected_state), "it draws no random numbers of torch's"


def test_accumulation_changes_nothing(tmp_path):
    job = {"kind": "classifying", "folder": str(tmp_path), "objectives": [SPELLED]}
    gradients, logs = trained(**job)
    divided, divided_logs = trained(**job, accumulation_steps=4)
    assert_close(divided, gradients)
    assert_close(divided_logs, logs)
    plain, _ = trained(**job | {"objectives": []})
    assert max(np.abs(gradients[name] - plain[name]).max() for name in plain) > 1e-2


@pytest.mark.slow
def test_two_processes_change_nothing(tmp_path):
    job = {"kind": "classifying", "folder": str(tmp_path), "objectives": [SPELLED]}
    path = [str(WORKER.parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", str(WORKER), json.dumps([job | {"accumulation_steps": 2}])),
        ],
        check=True,
        timeout=240,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(path)},
    )
    gradients, _ = trained(**job)
    for rank in range(2):
        with np.load(tmp_path / f"0-{rank}.npz") as kept:
            assert_close(dict(kept), gradients)


def test_a_resumed_training_ends_as_one_without_a_break(tmp_path):
    def made() -> Any:
        return classifying(
            str(tmp_path),
            (CONTRAST,),
            dropout=0.2,
            optim="adamw_torch",
            save_strategy="steps",
            save_steps=1,
        )

    whole = made()
    whole.train()
    resumed = made()
    resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-1"))
    assert resumed.state.global_step == NUM_STEPS
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], weight), name


def test_bfloat16_is_finite_and_nearly_the_same(tmp_path):
    exact = classifying(str(tmp_path), (CONTRAST,))
    exact.train()
    rounded = classifying(str(tmp_path), (CONTRAST,), bf16=True)
    rounded.train()
    assert losses_of(rounded) == pytest.approx(losses_of(exact), rel=0.05)


def test_it_is_learnt(tmp_path):
    trainer = classifying(
        str(tmp_path),
        (CONTRAST,),
        max_steps=30,
        learning_rate=0.3,
        lr_scheduler_type="constant",
    )
    trainer.train()
    losses = losses_of(trainer)
    assert np.mean(losses[-3:]) < np.mean(losses[:3]) - 0.2


def test_it_goes_with_adapters_and_other_objectives(tmp_path):
    for objectives in ((CONTRAST, RDrop(weight=1.0)), (RDrop(weight=1.0), CONTRAST)):
        model = with_adapter(classifier(0.2), 2, seed=0)
        trainer = classifying(str(tmp_path), objectives, model=model)
        trainer.train()
        assert all(np.isfinite(losses_of(trainer)))


def test_its_settings_are_in_its_json():
    content = json.loads(json.dumps(asdict(CONTRAST)))
    assert content["name"] == "balanced_contrast"
    assert (content["weight"], content["temperature"], content["memory"]) == (0.5, 0.3, 5)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"weight": -1.0}, "weight of balanced_contrast is -1.0: give a finite number"),
        ({"temperature": 0.0}, "temperature must be a finite number above 0"),
        ({"memory": 0}, "memory must be a whole number"),
        ({"hard_share": 1.5}, r"the hard_share of balanced_contrast is 1\.5: give a number from 0"),
    ],
)
def test_settings_out_of_range_are_refused(changed, sentence):
    with pytest.raises(ValueError, match=sentence):
        BalancedContrast(**({"weight": 1.0} | changed))


def test_without_a_trainer_it_says_what_to_call():
    with pytest.raises(ValueError, match="no memory outside of a training: call what in_training"):
        CONTRAST(None)
