"""Corrections of a fine-tuned classifier: what is held out, what is learnt, what it gains."""

import json
from dataclasses import replace

import numpy as np
import pytest

from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.studies.uneven_labels import corrected_macro_f1, held_out
from hf_apt.training.finetune_config import FinetuneConfig
from hf_apt.training.objectives.rademacher import Rademacher

TRAINING = FinetuneConfig(num_epochs=4, batch_size=8, learning_rate=3e-3, sequence_length=16)


@pytest.fixture
def task(tmp_path) -> TaskConfig:
    """Two classes, each of ten words of its own."""
    rng = np.random.default_rng(0)
    rows = [
        {
            "text": " ".join(f"w{10 * (at % 2) + word}" for word in rng.integers(0, 10, 8)),
            "label": "ab"[at % 2],
        }
        for at in range(120)
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return TaskConfig(name=str(tmp_path / "rows.jsonl"), train_per_class=40, test_per_class=10)


def test_of_every_class_the_last_texts_are_held_out():
    labels = np.array([0] * 10 + [1] * 2 + [2] * 1 + [3] * 4)
    chosen = held_out(labels, 0.2)
    assert np.flatnonzero(chosen).tolist() == [8, 9, 11, 16]
    assert np.bincount(labels[held_out(labels, 0.5)], minlength=4).tolist() == [5, 1, 0, 2]
    assert held_out(labels, 1.0).sum() == 9 + 1 + 0 + 3, "one is left to learn from"


def test_uneven_classes_are_corrected(checkpoint, task):
    result = corrected_macro_f1(str(checkpoint), replace(task, imbalance=10), TRAINING)
    assert list(result["macro_f1"]) == ["as it is", "adjusted", "thresholds"]
    assert all(0 <= value <= 1 for value in result["macro_f1"].values())
    # 40 and 4 texts, of which 8 and 1 are held out.
    assert (result["num_learnt"], result["smallest_class"]) == (35, 3)
    assert (result["num_wrong_learnt"], result["seconds_a_step"] > 0) == (0, True)


def test_wrong_labels_are_left_out(checkpoint, task):
    noisy = replace(task, label_noise=0.2)
    plain, cleaned, oracle = (
        corrected_macro_f1(str(checkpoint), noisy, TRAINING, left_out=left_out)
        for left_out in ("nothing", "suspects", "wrong")
    )
    assert plain["num_learnt"] == 64
    assert 8 <= plain["num_wrong_learnt"] <= 16, "16 of 80 are wrong"
    assert oracle["num_learnt"] == 64 - plain["num_wrong_learnt"] < 64
    assert oracle["num_wrong_learnt"] == 0
    assert cleaned["num_wrong_learnt"] < plain["num_wrong_learnt"] / 2
    assert cleaned["num_learnt"] > 45


def test_what_an_objective_reads_is_no_test(checkpoint, task):
    read = Rademacher(weight=1, texts=f"task:{task.name}:test_per_class=1")
    with pytest.raises(ValueError, match="objectives of this training read"):
        corrected_macro_f1(str(checkpoint), task, replace(TRAINING, objectives=(read,)))
