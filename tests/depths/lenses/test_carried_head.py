"""Laws of a head behind a lens: counted in the same pass, with the same masks, as any decoder."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from model_families import every_family, made

from hf_apt.data.measure_config import MeasureConfig
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


def test_a_trunk_with_a_normalisation_of_its_own_is_refused() -> None:
    trunk = Trunk(made("modernbert"))
    with pytest.raises(ValueError, match="ends in a normalisation of its own"):
        CarriedHead(trunk, identity_maps(trunk))


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
