"""Dropout in fine-tuning: None is the checkpoint's own, and a number is the model's, recorded."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from hf_apt.data.tasks.splits import Examples
from hf_apt.data.tasks.task import Task
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.depths.feature_config import FeatureConfig
from hf_apt.models.encoders import Encoder, load_encoder
from hf_apt.records.run import Run
from hf_apt.studies.block_accuracy import measure_blocks
from hf_apt.studies.block_accuracy_config import BlockAccuracyConfig
from hf_apt.training.finetune_config import FinetuneConfig
from hf_apt.training.finetuning import finetune, finetuner, to_train
from hf_apt.training.objectives.r_drop import RDrop

CONFIG = FinetuneConfig(num_epochs=1, batch_size=8, sequence_length=16, learning_rate=1e-3)


def task() -> Task:
    words = np.random.default_rng(2).integers(0, 60, (24, 5))
    lines = tuple(" ".join(f"w{word}" for word in row) for row in words)
    examples = Examples(lines, words[:, 0] % 2)
    return Task("kinds", examples, examples, ("a", "b"), {})


@pytest.fixture
def encoder(checkpoint):
    def loaded(dropout: float | None = None) -> Encoder:
        encoder = load_encoder(str(checkpoint), label_names=("a", "b"))
        return to_train(encoder, replace(CONFIG, dropout=dropout))

    return loaded


def test_none_is_the_checkpoints_own_and_a_number_another(encoder, tmp_path):
    own = encoder().model.config.hidden_dropout_prob
    logits = finetune(encoder(), task(), CONFIG, tmp_path)
    same = finetune(encoder(), task(), replace(CONFIG, dropout=own), tmp_path)
    assert np.array_equal(same, logits)
    other = finetune(encoder(), task(), replace(CONFIG, dropout=own + 0.2), tmp_path)
    assert not np.array_equal(other, logits)


def test_without_dropout_no_random_number_moves_an_answer(encoder, tmp_path):
    trainer = finetuner(encoder(), task(), replace(CONFIG, dropout=0.0), tmp_path)
    model = trainer.model.train()
    batch = trainer.data_collator([trainer.train_dataset[row] for row in range(8)])
    with torch.no_grad():
        assert torch.equal(model(**batch).logits, model(**batch).logits)


def test_adapters_are_put_on_a_model_that_has_it(encoder, checkpoint, tmp_path):
    config = replace(CONFIG, dropout=0.4, lora_rank=2)
    adapted = to_train(load_encoder(str(checkpoint), label_names=("a", "b")), config)
    assert adapted.model.config.hidden_dropout_prob == 0.4
    logits = finetune(adapted, task(), config, tmp_path)
    again = to_train(load_encoder(str(checkpoint), label_names=("a", "b")), config)
    assert np.array_equal(finetune(again, task(), config, tmp_path), logits)


def test_r_drop_has_something_to_compare(encoder, tmp_path, recwarn):
    config = replace(CONFIG, dropout=0.3, objectives=(RDrop(weight=1.0),))
    trainer = finetuner(encoder(), task(), config, tmp_path)
    trainer.train()
    assert [each["r_drop"] for each in trainer.state.log_history if "loss" in each][0] > 0
    assert not [each for each in recwarn if "r_drop" in str(each.message)]
    with pytest.warns(UserWarning, match="r_drop compares two draws of dropout"):
        finetuner(encoder(), task(), replace(config, dropout=0.0), tmp_path)


@pytest.mark.parametrize("dropout", [-0.1, 1.0, float("nan")])
def test_no_dropout_is_refused(dropout):
    with pytest.raises(ValueError, match=r"^dropout must be "):
        FinetuneConfig(dropout=dropout)


def test_it_is_in_the_record_and_in_the_saved_model(checkpoint, tmp_path):
    rows = tmp_path / "rows.jsonl"
    lines = [{"text": f"w{row % 7} w{row % 5}", "label": row % 2} for row in range(40)]
    rows.write_text("\n".join(map(json.dumps, lines)))
    config = BlockAccuracyConfig(
        task=TaskConfig(name=str(rows), train_per_class=8, test_per_class=4),
        features=FeatureConfig(sequence_length=16),
        finetune=replace(CONFIG, dropout=0.35),
        num_seeds=1,
        confidence=None,
        untrained=True,
        cut=True,
    )
    run = Run(tmp_path / "run")
    record = measure_blocks(str(checkpoint), config, run)
    assert record["config"]["finetune"]["dropout"] == 0.35
    saved = json.loads(run.path("finetune/rows/config.json").read_text())
    assert saved["hidden_dropout_prob"] == saved["attention_probs_dropout_prob"] == 0.35
