"""Feature drift in a training: the figure of a loop of one's own, and a training left as it is."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from small_functions import sizes
from torch.utils.data import IterableDataset
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    Trainer,
    TrainingArguments,
)
from workers import feature_drift

from trainer_callbacks import FeatureDriftCallback

ROWS = [
    {"input_ids": [2, 5 + n, 6 + n % 3, 3], "attention_mask": [1] * 4, "labels": n % 3}
    for n in range(8)
]


def classifier() -> BertForSequenceClassification:
    torch.manual_seed(0)
    return BertForSequenceClassification(BertConfig(**sizes(65), num_labels=3))


def trainer(folder, model, *callbacks, **options) -> Trainer:
    arguments = {"eval_strategy": "steps", "eval_steps": 2, "max_steps": 4, "logging_steps": 1}
    arguments |= {"per_device_train_batch_size": 4}
    return Trainer(
        model=model,
        args=TrainingArguments(
            str(folder),
            use_cpu=True,
            report_to="none",
            save_strategy="no",
            learning_rate=0.05,
            **{**arguments, **options},
        ),
        train_dataset=ROWS,
        eval_dataset=ROWS[:4],
        callbacks=list(callbacks),
    )


def gradients(model, num: int) -> np.ndarray:
    """The gradient of each logit of the first texts, by plain autograd."""
    rows = []
    for row in ROWS[:num]:
        logits = model.eval()(input_ids=torch.tensor([row["input_ids"]])).logits[0]
        for logit in logits:
            parts = torch.autograd.grad(logit, list(model.parameters()), retain_graph=True)
            rows.append(torch.cat([part.reshape(-1) for part in parts]).numpy())
    return np.stack(rows)


def test_the_figure_is_that_of_plain_gradients(tmp_path) -> None:
    model = classifier()
    before = gradients(model, 2)
    run = trainer(tmp_path, model, FeatureDriftCallback(num_texts=2))
    run.train()
    moved = np.linalg.norm(gradients(model, 2) - before, axis=1) / np.linalg.norm(before, axis=1)
    logged = [each for each in run.state.log_history if "eval_feature_drift" in each]
    assert [each["step"] for each in logged] == [2, 4]
    assert 0 < logged[0]["eval_feature_drift"]
    np.testing.assert_allclose(logged[-1]["eval_feature_drift"], moved.mean(), rtol=1e-4)
    assert run.evaluate()["eval_feature_drift"] == pytest.approx(moved.mean(), rel=1e-4)


def test_the_training_is_the_one_without(tmp_path) -> None:
    plain, watched = classifier(), classifier()
    trainer(tmp_path, plain).train()
    trainer(tmp_path, watched, FeatureDriftCallback(every=1)).train()
    for one, other in zip(plain.parameters(), watched.parameters(), strict=True):
        assert torch.equal(one, other)


def test_steps_of_its_own_and_frozen_weights(tmp_path) -> None:
    model = classifier()
    for parameter in model.bert.parameters():
        parameter.requires_grad_(False)
    run = trainer(tmp_path, model, FeatureDriftCallback(at_steps=(3,)), eval_strategy="no")
    run.train()
    logged = [each for each in run.state.log_history if "eval_feature_drift" in each]
    assert [each["step"] for each in logged] == [3]
    assert logged[0]["eval_feature_drift"] < 1e-6  # a linear head on frozen states


def test_what_cannot_be_followed_is_said(tmp_path, caplog) -> None:
    with pytest.raises(ValueError, match="num_texts must be a whole number of at least 1"):
        FeatureDriftCallback(num_texts=0)
    language = BertForMaskedLM(BertConfig(**sizes(65)))
    rows = [row | {"labels": row["input_ids"]} for row in ROWS]
    run = trainer(tmp_path, language, FeatureDriftCallback())
    run.train_dataset = run.eval_dataset = rows
    with pytest.raises(ValueError, match="a logit for each class"):
        run.train()
    frozen = classifier()
    for parameter in frozen.parameters():
        parameter.requires_grad_(False)
    with pytest.raises(ValueError, match="no weight of BertForSequenceClassification"):
        trainer(tmp_path, frozen, FeatureDriftCallback()).train()
    with caplog.at_level(logging.WARNING):
        trainer(tmp_path, classifier(), FeatureDriftCallback(), eval_strategy="no").train()
    assert "eval_strategy is 'no'" in caplog.text


def test_each_evaluation_set_has_the_figure_of_its_own_texts(tmp_path) -> None:
    """A set that is handed over later has none: its texts were not seen at the start."""
    sets = {"one": ROWS[:2], "two": ROWS[4:6]}
    run = trainer(tmp_path, classifier(), FeatureDriftCallback(num_texts=2), max_steps=2)
    run.eval_dataset = sets
    run.train()
    logged = {
        name: v for each in run.state.log_history for name, v in each.items() if "drift" in name
    }
    assert set(logged) == {"eval_one_feature_drift", "eval_two_feature_drift"}
    for name, data in sets.items():
        alone = trainer(tmp_path, classifier(), FeatureDriftCallback(num_texts=2), max_steps=2)
        alone.eval_dataset = data
        alone.train()
        expected = next(
            each["eval_feature_drift"]
            for each in alone.state.log_history
            if "eval_feature_drift" in each
        )
        assert logged[f"eval_{name}_feature_drift"] == pytest.approx(expected)
    assert not any("drift" in name for name in run.evaluate(ROWS[6:], metric_key_prefix="late"))


class Streamed(IterableDataset):
    def __iter__(self):
        yield from ROWS


def test_streamed_data_is_refused(tmp_path) -> None:
    run = trainer(tmp_path, classifier(), FeatureDriftCallback())
    run.eval_dataset = Streamed()
    with pytest.raises(ValueError, match="an eval_dataset that is not streamed"):
        run.train()


WORKER = Path(__file__).parents[1] / "support/workers" / "feature_drift.py"


@pytest.mark.slow
def test_two_processes_log_what_one_logs_and_shards_are_refused(tmp_path) -> None:
    root, support = WORKER.parents[3], WORKER.parents[1]
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    done = subprocess.run(
        [sys.executable, *launch, str(WORKER), str(tmp_path)],
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": f"{root}{os.pathsep}{support}"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    expected = feature_drift.drift(
        feature_drift.trainer(str(tmp_path), feature_drift.classifier(), 1)
    )
    assert len(expected) == 2
    for rank in range(2):
        told = json.loads((tmp_path / f"{rank}.json").read_text())
        assert told["drift"] == pytest.approx(expected, rel=1e-4)
        assert told["refused"] == [
            "FeatureDriftCallback needs all weights in every process, and "
            "bert.embeddings.word_embeddings.weight of FSDPBertForSequenceClassification is not "
            "whole in this one: train it without fully_shard, FSDP or DeepSpeed; several processes "
            "by torchrun alone are right.",
            "FeatureDriftCallback needs all weights in every process, which FSDP shares out: start "
            "several processes by torchrun alone.",
        ]
