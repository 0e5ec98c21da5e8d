"""Feature drift in a training: the figure of a loop of one's own, and a training left as it is."""

import logging

import numpy as np
import pytest
import torch
from small_functions import sizes
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    Trainer,
    TrainingArguments,
)

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
    return Trainer(
        model=model,
        args=TrainingArguments(
            str(folder),
            use_cpu=True,
            report_to="none",
            save_strategy="no",
            learning_rate=0.05,
            per_device_train_batch_size=4,
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
    with pytest.raises(ValueError, match="not whole in this process"):
        trainer(tmp_path, frozen, FeatureDriftCallback()).train()
    with caplog.at_level(logging.WARNING):
        trainer(tmp_path, classifier(), FeatureDriftCallback(), eval_strategy="no").train()
    assert "eval_strategy is 'no'" in caplog.text
