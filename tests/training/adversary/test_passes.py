"""Passes in float32, without dropout, and with dropout replayed."""

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from workers.objectives import classifier, stacked, texts

from hf_apt.training.adversary.passes import (
    evaluating,
    in_float32,
    is_reduced,
    perturbed_pass,
    random_state_kept,
    unwrapped,
)

BATCH = stacked(texts(4))


def prepared(model):
    """`model` as a Trainer with bf16=True has it."""
    return Accelerator(mixed_precision="bf16", cpu=True).prepare_model(model)


def test_float32_is_float32_under_a_trainer_with_bfloat16(monkeypatch):
    # As in a process that has had no Trainer yet: the precision of the first one stays.
    monkeypatch.setattr(AcceleratorState, "_shared_state", {})
    exact = classifier()(**BATCH).logits
    model = prepared(classifier())
    assert is_reduced(model)
    rounded = model(**BATCH).logits
    assert not torch.equal(rounded, exact)
    with in_float32(model):
        assert torch.equal(model(**BATCH).logits, exact)
    assert torch.equal(model(**BATCH).logits, rounded)
    plain = classifier()
    assert not is_reduced(plain)
    with torch.autocast("cpu", torch.bfloat16):
        assert is_reduced(plain)
        assert not torch.equal(plain(**BATCH).logits, exact)
        with in_float32(plain):
            assert torch.equal(plain(**BATCH).logits, exact)
    with in_float32(plain):
        assert torch.equal(plain(**BATCH).logits, exact)


def test_evaluating_leaves_each_module_as_it_was():
    model = classifier(0.5).train()
    model.bert.pooler.eval()
    before = [each.training for each in model.modules()]
    with evaluating(model):
        assert torch.equal(model(**BATCH).logits, model(**BATCH).logits)
    assert [each.training for each in model.modules()] == before


def test_dropout_is_replayed():
    model = classifier(0.5).train()
    torch.manual_seed(1)
    with random_state_kept(model):
        first = model(**BATCH).logits
    second, third = model(**BATCH).logits, model(**BATCH).logits
    assert torch.equal(first, second)
    assert not torch.equal(second, third)


def test_a_perturbed_pass():
    model = classifier().eval()
    assert unwrapped(model) is model
    own = model(**BATCH).logits
    assert torch.equal(perturbed_pass(model, BATCH, None).logits, own)
    assert torch.equal(perturbed_pass(model, BATCH, torch.zeros(4, 8, 16)).logits, own)
    assert not torch.equal(perturbed_pass(model, BATCH, torch.ones(4, 8, 16)).logits, own)
