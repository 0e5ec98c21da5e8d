"""Laws of the optimiser: who steps what, by how much, and that it goes on where it stopped."""

import copy

import pytest
import torch
from small_trainers import StopAt

from hf_apt.models.fresh import new_model
from hf_apt.models.shapes import ModelShape
from hf_apt.training.muon import muon_and_adamw
from hf_apt.training.pretrain_config import PretrainConfig
from hf_apt.training.pretraining import pretrain, pretrainer

SHAPE = ModelShape(hidden_size=16, num_heads=2, num_blocks=2, dropout=0.0)
RATE = 0.01


def an_optimizer(model):
    decayed = [name for name, weight in model.named_parameters() if weight.dim() > 1]
    return muon_and_adamw(
        model, learning_rate=RATE, weight_decay=0.0, beta2=0.98, decayed=set(decayed)
    )


def set_gradients(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for weight in model.parameters():
        weight.grad = torch.randn(weight.shape, generator=generator)


def test_every_weight_is_stepped_once_and_matrices_of_blocks_by_muon(tokens):
    model = new_model(SHAPE, tokens, seed=0)
    optimizer = an_optimizer(model)
    by_muon, by_adamw = (
        {id(weight) for group in part.param_groups for weight in group["params"]}
        for part in optimizer.parts
    )
    assert not by_muon & by_adamw
    assert by_muon | by_adamw == {id(weight) for weight in model.parameters()}
    # Query, key, value, output, two of the feed-forward layer: six matrices a block.
    assert len(by_muon) == 2 * 6
    assert id(model.bert.embeddings.word_embeddings.weight) in by_adamw
    assert id(model.cls.predictions.transform.dense.weight) in by_adamw


def test_steps_of_both_have_the_size_of_adamws(tokens):
    """A first step of Muon is an orthogonal matrix of AdamW's root mean square, 0.2 of the rate."""
    model = new_model(SHAPE, tokens, seed=0)
    before = copy.deepcopy(model.state_dict())
    set_gradients(model, 1)
    an_optimizer(model).step()
    query = "bert.encoder.layer.0.attention.self.query.weight"
    step = before[query] - model.state_dict()[query]
    singular = torch.linalg.svdvals(step) / (RATE * 0.2 * 16**0.5)
    assert ((singular > 0.5) & (singular < 1.5)).all()  # Newton and Schulz, five times
    assert float(step.square().mean().sqrt()) == pytest.approx(0.2 * RATE, rel=0.3)
    bias = "bert.encoder.layer.0.attention.self.query.bias"
    adam = (before[bias] - model.state_dict()[bias]).abs()
    torch.testing.assert_close(adam, torch.full_like(adam, RATE), rtol=1e-3, atol=1e-6)


def test_a_schedule_reaches_both(tokens):
    model = new_model(SHAPE, tokens, seed=0)
    optimizer = an_optimizer(model)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5**step)
    for _ in range(2):
        set_gradients(model, 1)
        optimizer.step()
        scheduler.step()
    rates = [group["lr"] for part in optimizer.parts for group in part.param_groups]
    assert rates == pytest.approx([RATE / 4] * 3)


def test_a_loaded_state_goes_on_alike(tokens):
    model = new_model(SHAPE, tokens, seed=0)
    optimizer = an_optimizer(model)
    set_gradients(model, 1)
    optimizer.step()
    twin = copy.deepcopy(model)
    other = an_optimizer(twin)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for group in other.param_groups:
        group["lr"] = RATE / 2
    for group in optimizer.param_groups:
        group["lr"] = RATE / 2
    for both in (model, twin):
        set_gradients(both, 2)
    optimizer.step()
    other.step()
    for weight, again in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(weight, again)


def test_a_run_that_was_stopped_ends_like_one_that_was_not(tokens, tmp_path):
    config = PretrainConfig(
        num_steps=4, batch_size=4, learning_rate=0.01, save_every=2, optimizer="muon"
    )
    weights = []
    for stops_at in (None, 2):
        folder = tmp_path / str(stops_at)
        if stops_at:
            trainer = pretrainer(new_model(SHAPE, tokens, seed=1), tokens, tokens, config, folder)
            trainer.add_callback(StopAt(stops_at))
            trainer.train()
        model = new_model(SHAPE, tokens, seed=1)
        result = pretrain(pretrainer(model, tokens, tokens, config, folder))
        assert result["num_steps"] == 4
        weights.append(model.state_dict())
    torch.testing.assert_close(weights[1], weights[0])
    assert any(
        not torch.equal(weights[0][name], weight)
        for name, weight in new_model(SHAPE, tokens, seed=1).state_dict().items()
    )


def test_a_torch_without_muon_is_named(tokens, monkeypatch):
    monkeypatch.delattr(torch.optim, "Muon")
    with pytest.raises(ValueError, match="has no Muon: install torch 2.9"):
        an_optimizer(new_model(SHAPE, tokens, seed=0))
