"""Weights of training texts: ones change nothing, to the bit, and a zero leaves a text out."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from hf_apt.data.tasks.splits import Examples
from hf_apt.data.tasks.task import Task
from hf_apt.models.encoders import load_encoder
from hf_apt.training.finetune_config import FinetuneConfig
from hf_apt.training.finetuning import finetune
from hf_apt.training.objectives.entropy import ConfidencePenalty

CONFIG = FinetuneConfig(num_epochs=2, batch_size=8, sequence_length=16, learning_rate=1e-3)


def task(wrong: int | None = None) -> Task:
    """Twenty texts of two classes, one of which may have the other label."""
    words = np.random.default_rng(2).integers(0, 60, (20, 5))
    labels = words[:, 0] % 2
    if wrong is not None:
        labels[wrong] = 1 - labels[wrong]
    examples = Examples(tuple(" ".join(f"w{word}" for word in row) for row in words), labels)
    return Task("kinds", examples, examples, ("a", "b"), {})


@pytest.fixture
def logits(checkpoint, tmp_path):
    def trained(weights=None, wrong=None, **changed) -> np.ndarray:
        encoder = load_encoder(str(checkpoint), label_names=("a", "b"))
        config = replace(CONFIG, **changed)
        return finetune(encoder, task(wrong), config, tmp_path, weights_I=weights)

    return trained


def test_ones_are_the_plain_trainer_to_the_bit(logits):
    plain = logits()
    state = torch.get_rng_state()
    assert np.array_equal(logits(np.ones(20)), plain)
    assert torch.equal(torch.get_rng_state(), state)


def test_ones_but_for_a_hair_are_the_plain_trainer_but_for_rounding(logits):
    weights = np.ones(20)
    weights[3] += 1e-6
    np.testing.assert_allclose(logits(weights), logits(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("objectives", [(), (ConfidencePenalty(weight=0.1),)])
def test_what_weighs_nothing_may_have_any_label(objectives, logits):
    weights = np.linspace(0.2, 2.0, 20)
    weights[7] = 0.0
    expected = logits(weights, objectives=objectives)
    assert np.array_equal(logits(weights, wrong=7, objectives=objectives), expected)
    assert not np.array_equal(logits(weights, wrong=8, objectives=objectives), expected)


@pytest.mark.parametrize("weights", [np.ones(19) * 2, -np.ones(20), np.full(20, np.nan)])
def test_weights_that_are_none_are_refused(weights, logits):
    with pytest.raises(ValueError, match=r"weights for 20 texts, .*: give each text a finite wei"):
        logits(weights)
