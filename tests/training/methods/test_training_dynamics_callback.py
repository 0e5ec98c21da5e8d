"""What is recorded of a training's examples is what the model answers, and nothing is disturbed."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from small_trainers import StopAt
from transformers import TrainerCallback
from workers.methods import training
from workers.objectives import classifier, stacked, texts

import hf_apt
from hf_apt.training.methods.dynamics_file import FILE
from hf_apt.training.methods.training_dynamics_callback import PICTURE
from hf_apt.training.resume import last_checkpoint

DYNAMICS = "training_dynamics"
WORKER = Path(__file__).parents[2] / "support/workers" / "methods.py"
PATHS = (Path(__file__).parents[3], Path(__file__).parents[2] / "support")
EPOCHS = {"max_steps": -1, "num_train_epochs": 3}


class _Answers(TrainerCallback):
    """Asks the model for every text alone, after each epoch."""

    def __init__(self):
        self.epochs = []

    def on_epoch_end(self, args, state, control, *, model, **event):
        again = classifier()
        again.load_state_dict(model.state_dict())
        probabilities = []
        for row in texts():
            logits = again.eval()(stacked([row])["input_ids"]).logits[0].tolist()
            exponentials = [math.exp(each) for each in logits]
            probabilities.append([each / sum(exponentials) for each in exponentials])
        self.epochs.append(probabilities)


def test_it_is_what_the_model_answers_after_each_epoch(tmp_path):
    trainer = training(str(tmp_path), [DYNAMICS], dropout=0.3, **EPOCHS)
    answers = _Answers()
    trainer.add_callback(answers)
    trainer.train()
    record = hf_apt.read_dynamics(tmp_path / FILE)
    assert list(record.step_E) == [3, 6, 9]
    assert record.probability_EN.shape == (3, len(texts()))
    for epoch, probabilities in enumerate(answers.epochs):
        for number, (row, of_row) in enumerate(zip(texts(), probabilities, strict=True)):
            label = row["labels"]
            if label == -100:
                assert np.isnan(record.probability_EN[epoch, number])
                assert not record.is_right_EN[epoch, number]
                continue
            assert record.probability_EN[epoch, number] == pytest.approx(of_row[label], rel=1e-4)
            assert record.is_right_EN[epoch, number] == (max(of_row) == of_row[label])


def test_the_training_is_the_plain_one_to_the_bit(tmp_path):
    plain = training(str(tmp_path / "plain"), [], dropout=0.3, **EPOCHS)
    plain.train()
    state = torch.get_rng_state()
    other = training(str(tmp_path / "other"), [DYNAMICS], dropout=0.3, **EPOCHS)
    other.train()
    assert torch.equal(torch.get_rng_state(), state)
    for name, weight in plain.model.state_dict().items():
        assert torch.equal(other.model.state_dict()[name], weight), name


def test_an_interrupted_training_has_the_record_of_a_whole_one(tmp_path):
    options = {"save_strategy": "steps", "save_steps": 1, **EPOCHS}
    whole = training(str(tmp_path / "whole"), [DYNAMICS], **options)
    whole.train()
    interrupted = training(str(tmp_path / "part"), [DYNAMICS], **options)
    interrupted.add_callback(StopAt(5))
    interrupted.train()
    resumed = training(str(tmp_path / "part"), [DYNAMICS], **options)
    checkpoint = last_checkpoint(tmp_path / "part")
    resumed.train(resume_from_checkpoint=str(checkpoint))
    expected, record = (hf_apt.read_dynamics(tmp_path / name / FILE) for name in ("whole", "part"))
    assert list(record.step_E) == [3, 6, 9]
    assert np.array_equal(record.probability_EN, expected.probability_EN, equal_nan=True)
    (tmp_path / "part" / FILE).unlink()
    again = training(str(tmp_path / "part"), [DYNAMICS], **options)
    with pytest.warns(UserWarning, match="does not have the epochs before step 5"):
        again.train(resume_from_checkpoint=str(checkpoint))
    assert list(hf_apt.read_dynamics(tmp_path / "part" / FILE).step_E) == [6, 9]


@pytest.mark.slow
def test_processes_change_nothing(tmp_path):
    training(str(tmp_path / "one"), [DYNAMICS], **EPOCHS).train()
    asked = {"folder": str(tmp_path), "methods": [DYNAMICS], **EPOCHS}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"),
            *(str(WORKER), json.dumps([asked])),
        ],
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(map(str, PATHS))},
    )
    assert done.returncode == 0, done.stderr
    one, two = (hf_apt.read_dynamics(tmp_path / name / FILE) for name in ("one", "."))
    np.testing.assert_allclose(two.probability_EN, one.probability_EN, rtol=1e-4)
    assert np.array_equal(two.is_right_EN, one.is_right_EN)


def test_a_picture_is_drawn_if_asked_for(tmp_path, quick_pictures):
    training(str(tmp_path), [DYNAMICS]).train()
    assert not (tmp_path / PICTURE).exists()
    training(str(tmp_path), [f"{DYNAMICS}:picture=true"]).train()
    assert (tmp_path / PICTURE).read_bytes().startswith(b"\x89PNG")


def test_labels_that_are_no_classes_are_refused(tmp_path):
    rows = [row | {"labels": float(row["labels"])} for row in texts(unasked=False)]
    model = classifier()
    model.config.problem_type, model.config.num_labels = "regression", 1
    model.classifier, model.num_labels = torch.nn.Linear(16, 1), 1
    trainer = training(
        str(tmp_path), [DYNAMICS], rows=rows, model=model, compute_loss_func=None, **EPOCHS
    )
    with pytest.raises(ValueError, match=r"one class for each text, .*float32 of shape \(1,\)"):
        trainer.train()
