"""Shared-out weights are refused by the Trainer's arguments and by the launcher's switches."""

from types import SimpleNamespace

import pytest
import torch

from hf_apt.training.adversary.whole_weights import (
    is_whole,
    require_whole_model,
    require_whole_weights,
)


def test_shared_out_weights_are_refused(monkeypatch):
    whole = SimpleNamespace(fsdp=None, deepspeed=None)
    require_whole_weights(whole, "it")
    with pytest.raises(ValueError, match="it needs all weights in every process, which FSDP"):
        require_whole_weights(SimpleNamespace(fsdp=True, deepspeed=None), "it")
    with pytest.raises(ValueError, match="which DeepSpeed shares out: start"):
        require_whole_weights(SimpleNamespace(fsdp=None, deepspeed="zero.json"), "it")
    with pytest.raises(ValueError, match="it needs whole gradients in every process, which FSDP"):
        require_whole_weights(SimpleNamespace(fsdp=True, deepspeed=None), "it", "whole gradients")


@pytest.mark.parametrize(("kind", "switch"), [("FSDP", "FSDP"), ("DeepSpeed", "DEEPSPEED")])
def test_so_are_those_that_the_launcher_shares_out(kind, switch, monkeypatch):
    whole = SimpleNamespace(fsdp=None, deepspeed=None)
    monkeypatch.setenv(f"ACCELERATE_USE_{switch}", "true")
    with pytest.raises(ValueError, match=f"which {kind} shares out"):
        require_whole_weights(whole, "it")
    monkeypatch.setenv(f"ACCELERATE_USE_{switch}", "false")
    require_whole_weights(whole, "it")


def test_a_model_that_is_cut_already_is_refused():
    model = torch.nn.Linear(2, 2)
    require_whole_model(model, "it")
    assert is_whole(model.weight)
    model.bias = torch.nn.Parameter(torch.empty(0))
    with pytest.raises(ValueError, match="it needs all weights in every process, and bias of Lin"):
        require_whole_model(model, "it")
