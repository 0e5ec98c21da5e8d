"""Laws of a head behind a lens: counted in the same pass, with the same masks, as any decoder."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from model_families import every_family, made
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel

from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.measurement_batches import AskedBatch
from hf_apt.depths.decoded import Decoded
from hf_apt.depths.depth_pass import read
from hf_apt.depths.lenses.bare_states import bare_states
from hf_apt.depths.lenses.carried_head import CarriedHead, lens_logits
from hf_apt.depths.lenses.depth_maps import DepthMaps
from hf_apt.depths.measurement import measure
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.weights_digest import model_digest


def identity_maps(trunk: Trunk) -> DepthMaps:
    D, H = trunk.num_depths, trunk.hidden_size
    weights_DHH = torch.eye(H).expand(D, H, H).clone()
    return DepthMaps("translator", weights_DHH, torch.zeros(D, H), model_digest(trunk.model), 1)


def test_one_pass_counts_it_beside_the_own_head(tiny_model, tokens) -> None:
    trunk = Trunk(tiny_model)
    maps = identity_maps(trunk)
    other = replace(maps, weights_DHH=maps.weights_DHH.roll(3, dims=1))
    decoders = {
        "own_head": OwnHead(trunk),
        "identity": CarriedHead(trunk, maps),
        "other": CarriedHead(trunk, other),
    }
    readouts = measure(trunk, tokens, decoders, MeasureConfig(batch_size=16))
    hits = {name: readouts[name].counts.hits() for name in decoders}
    assert np.array_equal(hits["own_head"], hits["identity"])
    assert np.array_equal(hits["own_head"][-1], hits["other"][-1])
    losses, same_losses, other_losses = (
        [figures["cross_entropy"] for figures in readouts[name].figures()] for name in decoders
    )
    assert losses == same_losses
    assert losses[1] != other_losses[1]
    assert losses[-1] == other_losses[-1]


def pre_norm_gpt2() -> Any:
    """A second model whose trunk ends in a normalisation of its own, with weights that show it."""
    config = GPT2Config(n_embd=32, n_layer=3, n_head=4, vocab_size=300, n_positions=64)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(1)
        model = GPT2LMHeadModel(config)
        for weight in model.transformer.ln_f.parameters():
            torch.nn.init.normal_(weight, mean=1.0, std=0.3)
    return model.eval()


def random_maps(trunk: Trunk) -> DepthMaps:
    generator = torch.Generator().manual_seed(4)
    D, H = trunk.num_depths, trunk.hidden_size
    weights_DHH = torch.randn(D, H, H, generator=generator) / H**0.5
    biases_DH = torch.randn(D, H, generator=generator)
    return DepthMaps("jacobian", weights_DHH, biases_DH, model_digest(trunk.model), 1)


class Shown:
    """What a pass gives to a carried head, and what that answers."""

    def __init__(self, decoder: CarriedHead):
        self.decoder, self.reads_bare = decoder, decoder.reads_bare

    def __call__(self, states_DNH: Tensor) -> Tensor:
        self.states, self.answers = states_DNH, self.decoder(states_DNH)
        return self.answers


MODELS = {
    "bert": lambda: made("bert"),
    "modernbert": lambda: made("modernbert"),
    "gpt2": pre_norm_gpt2,
}


@pytest.mark.parametrize("name", MODELS)
def test_it_answers_as_the_logits_of_the_carried_bare_states(name) -> None:
    """The slow oracle: whole logits of whole states, normalised after the lens and not before."""
    trunk = Trunk(MODELS[name]())
    maps, ids = random_maps(trunk), torch.arange(5, 29).reshape(3, 8)
    asked_BT, inputs = ids % 3 == 0, {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    bare_DNH = torch.stack([state[asked_BT] for state in bare_states(trunk, inputs)])
    logits_DNV = lens_logits(OwnHead(trunk), bare_DNH, maps)
    targets_N = ids[asked_BT]
    shown = Shown(CarriedHead(trunk, maps))
    nothing_N = np.zeros(len(targets_N), np.int64)
    batch = AskedBatch(inputs, asked_BT, targets_N.numpy(), nothing_N, nothing_N)
    read(trunk, [batch], [Decoded(trunk, shown, ())])
    ids_DN, swept = shown.answers, shown.decoder.sweep(shown.states, targets_N)
    assert torch.equal(ids_DN, logits_DNV.argmax(-1))
    for sweep, logits_NV in zip(swept, logits_DNV, strict=True):
        assert torch.equal(sweep.ids_N, logits_NV.argmax(-1))
        losses_N = torch.nn.functional.cross_entropy(logits_NV, targets_N, reduction="none")
        torch.testing.assert_close(sweep.cross_entropy_N, losses_N, rtol=1e-4, atol=1e-4)
    own_N = OwnHead(trunk)(trunk.at(inputs, asked_BT))[-1]
    assert torch.equal(ids_DN[-1], own_N)


@pytest.mark.parametrize("name", MODELS)
def test_bare_states_are_those_that_are_normalised_for_the_head(name) -> None:
    trunk = Trunk(MODELS[name]())
    ids = torch.arange(5, 21).reshape(2, 8)
    asked_BT = ids % 3 == 0
    bare_DNH = trunk.at({"input_ids": ids}, asked_BT, bare=True)
    assert torch.equal(trunk.normalised(bare_DNH), trunk.at({"input_ids": ids}, asked_BT))
    expected = [state[asked_BT] for state in bare_states(trunk, {"input_ids": ids})]
    for bare_NH, expected_NH in zip(bare_DNH[:-1], expected[:-1], strict=True):
        torch.testing.assert_close(bare_NH, expected_NH)
    cut = Trunk(trunk.model, deepest=1)
    assert torch.equal(
        cut.normalised(cut.at({"input_ids": ids}, asked_BT, bare=True)),
        cut.at({"input_ids": ids}, asked_BT),
    )


def test_maps_of_another_model_are_refused() -> None:
    trunk = Trunk(made("bert"))
    with pytest.raises(ValueError, match="made for another model"):
        CarriedHead(trunk, replace(identity_maps(trunk), model="0" * 16))


@every_family
def test_the_last_depth_has_the_models_own_logits(family) -> None:
    model = made(family)
    trunk = Trunk(model)
    ids = torch.arange(5, 21).reshape(2, 8)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    bare_DNH = torch.stack([state.flatten(0, 1) for state in bare_states(trunk, inputs)])
    with torch.no_grad():
        expected_NV = model(**inputs).logits.flatten(0, 1)
    for maps in (None, identity_maps(trunk)):
        logits_DNV = lens_logits(OwnHead(trunk), bare_DNH, maps)
        torch.testing.assert_close(logits_DNV[-1], expected_NV, rtol=1e-4, atol=1e-4)
