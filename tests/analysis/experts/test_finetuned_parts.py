"""Laws of fine-tuning with one part: a planted label, untouched weights, the plain Trainer."""

import json
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import planted_experts as planted
import pytest
import torch
from torch import nn
from transformers.modeling_outputs import SequenceClassifierOutput

from hf_apt.analysis.experts.block_calls import writing_layer
from hf_apt.analysis.experts.experts_config import ExpertsConfig
from hf_apt.analysis.experts.finetuned_parts import arms_of, finetuned_answers
from hf_apt.analysis.experts.kept_parts import one_kept
from hf_apt.analysis.experts.silenced_training import only_kept_in_training
from hf_apt.data.tasks.task import open_task
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.data.tokenizer import vocabulary_tokenizer
from hf_apt.depths.trunk import Trunk
from hf_apt.models.encoders import Encoder, load_encoder
from hf_apt.training.finetune_config import FinetuneConfig
from hf_apt.training.finetuning import finetune

LABELS = ("no", "yes")


class PlantedClassifier(planted.PlantedForMaskedLM):
    """A linear classifier of the mean over tokens of what heads have said; the trunk is fixed."""

    def __init__(self, num_labels: int):
        super().__init__(planted.PlantedConfig(num_labels=num_labels))
        self.load_state_dict(planted.planted_model().state_dict())
        self.requires_grad_(False)
        self.classifier = nn.Linear(planted.VOCAB, num_labels)
        nn.init.zeros_(self.classifier.weight)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, input_ids, attention_mask=None, labels=None, **wanted: Any):  # pyright: ignore
        outputs = self.trunk(input_ids, attention_mask, **wanted)
        logits = self.classifier(outputs.last_hidden_state[:, :, planted.VOCAB :].mean(dim=1))
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)


def planted_encoder(_: int) -> Encoder:
    tokenizer = vocabulary_tokenizer([*planted.SPECIAL, *planted.WORDS])
    return Encoder(PlantedClassifier(4).eval(), tokenizer)


@pytest.fixture
def words_of_head_2(tmp_path):
    """Texts of one word each, of the four that the second head knows; the label is the word."""
    path = tmp_path / "task.jsonl"
    rows = [
        {"text": " ".join([f"w{word}"] * length), "label": f"word {word}"}
        for word in range(4, 8)
        for length in range(2, 14)
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    return open_task(TaskConfig(name=str(path), train_per_class=8, test_per_class=4))


@pytest.mark.slow
def test_a_label_that_one_head_knows_is_learnt_with_that_head_alone(words_of_head_2) -> None:
    training = FinetuneConfig(num_epochs=2, batch_size=8, learning_rate=0.1, weight_decay=0.0)
    config = ExpertsConfig(finetune=training, finetune_seeds=1, sequence_length=20)
    answers = finetuned_answers(planted_encoder, words_of_head_2, config, [0, 1])
    right = {
        (protocol, name): (labels_RX == words_of_head_2.test.labels).mean(axis=1)
        for protocol, by_arm in answers.items()
        for name, labels_RX in by_arm.items()
    }
    know = {("silenced", "1"), ("read_out", "1"), ("silenced", "whole"), ("read_out", "whole")}
    assert set(right) == know | {*(("silenced", "0"), ("read_out", "0"), ("silenced", "none"))}
    for arm, accuracy_R in right.items():
        np.testing.assert_array_equal(accuracy_R, [1.0 if arm in know else 0.25])


@pytest.fixture
def task(documents, tmp_path):
    path = tmp_path / "task.jsonl"
    rows = [{"text": text, "label": LABELS[len(text.split()) > 20]} for text in documents]
    path.write_text("\n".join(map(json.dumps, rows)))
    return open_task(TaskConfig(name=str(path), train_per_class=16, test_per_class=6))


TRAINING = FinetuneConfig(
    num_epochs=2, batch_size=8, learning_rate=1e-3, weight_decay=0.0, sequence_length=24
)


def test_nothing_of_silenced_heads_is_trained_and_nothing_else_is_spared(
    checkpoint, task, tmp_path
) -> None:
    encoder = load_encoder(str(checkpoint), label_names=task.label_names)
    before = deepcopy(encoder.model.state_dict())
    trunk = Trunk(encoder.model)
    layer = writing_layer(trunk, 2, "heads")
    with only_kept_in_training(trunk, layer, one_kept(layer, [1])):
        finetune(encoder, task, TRAINING, tmp_path)
    is_moved = {
        name: (weight != before[name]) for name, weight in encoder.model.state_dict().items()
    }
    size = layer.size
    (prefix,) = {
        name.partition("attention")[0] for name in is_moved if "1.attention.self.value" in name
    }
    for kind in ("query", "key", "value"):
        moved = is_moved[f"{prefix}attention.self.{kind}.weight"]
        assert not moved[:size].any()
        assert moved[size:].any()
    written = is_moved[f"{prefix}attention.output.dense.weight"]
    assert not written[:, :size].any()
    assert written[:, size:].any()
    other = prefix.replace("1.", "0.")
    assert is_moved[f"{other}attention.self.value.weight"][:size].any()
    assert not layer.call.module._forward_pre_hooks


@pytest.mark.slow
def test_the_whole_block_is_plain_fine_tuning(checkpoint, task, tmp_path) -> None:
    def load(seed: int) -> Encoder:
        return load_encoder(str(checkpoint), label_names=task.label_names, seed=seed)

    config = ExpertsConfig(finetune=TRAINING, finetune_seeds=2, sequence_length=24)
    answers = finetuned_answers(load, task, config, [0])
    for by_arm in answers.values():
        assert {labels_RX.shape for labels_RX in by_arm.values()} == {(2, 12)}
    for number, seed in enumerate((42, 43)):
        plain_XC = finetune(load(seed), task, replace(TRAINING, seed=seed), tmp_path)
        np.testing.assert_array_equal(answers["silenced"]["whole"][number], plain_XC.argmax(1))


def test_blocks_of_shared_weights_are_silenced_one_by_one_in_every_pass() -> None:
    """ALBERT's block is one module, called once for each block and anew in every pass."""
    from causal_families import made

    model = made("albert")
    trunk = Trunk(model)
    ids_BT = torch.arange(5, 17)[None]
    layers = [writing_layer(trunk, block, "heads") for block in (1, 3)]
    answers = []
    for layer in layers:
        with only_kept_in_training(trunk, layer, one_kept(layer, [1])), torch.no_grad():
            first, second = (model(ids_BT).logits for _ in range(2))
        assert torch.equal(first, second)
        answers.append(first)
    assert not torch.allclose(*answers, atol=1e-4)


def test_arms() -> None:
    arms = arms_of([2, 0], 4)
    assert [(arm.protocol, arm.name) for arm in arms if arm.protocol == "silenced"] == [
        *(("silenced", "whole"), ("silenced", "none"), ("silenced", "2"), ("silenced", "0"))
    ]
    assert next(arm.numbers for arm in arms if arm.name == "whole") == (0, 1, 2, 3)


def test_adapters_are_refused() -> None:
    with pytest.raises(ValueError, match="adapters of rank 4"):
        ExpertsConfig(finetune=FinetuneConfig(num_epochs=1, lora_rank=4))
