"""Laws of silencing: what is left is what a model with the others' weights set to 0 gives."""

from copy import deepcopy
from typing import Any

import pytest
import torch
from causal_families import made

from hf_apt.analysis.experts.block_calls import writing_layer
from hf_apt.analysis.experts.kept_parts import (
    KeptParts,
    one_kept,
    random_directions,
    said_at,
)
from hf_apt.depths.trunk import Trunk

FAMILIES = (
    *("bert", "roberta", "distilbert", "modernbert", "deberta-v2", "gpt2"),
    "llama of grouped queries",
)


def inputs_of(model: Any, num: int = 3, length: int = 17) -> tuple[dict[str, torch.Tensor], Any]:
    generator = torch.Generator().manual_seed(1)
    ids_BT = torch.randint(5, 300, (num, length), generator=generator)
    present_BT = torch.ones_like(ids_BT)
    present_BT[1, 9:] = 0
    asked_BT = torch.rand(num, length, generator=generator) < 0.2
    return {"input_ids": ids_BT, "attention_mask": present_BT}, asked_BT & present_BT.bool()


def silenced_by_weights(model: Any, block: int, parts: str, kept: torch.Tensor) -> Any:
    other = deepcopy(model)
    with torch.no_grad():
        layer = writing_layer(Trunk(other), block, parts)  # pyright: ignore
        layer.weight().mul_(kept)
    return other


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("parts", ["heads", "feed_forward"])
@pytest.mark.parametrize("block", [1, 2, 3])
def test_a_kept_part_is_that_of_a_model_without_the_others_weights(family, parts, block) -> None:
    model = made(family)
    trunk = Trunk(model)
    layer = writing_layer(trunk, block, parts)
    inputs, asked_BT = inputs_of(model)
    kept = [one_kept(layer, [part]) for part in (0, 2)] + [one_kept(layer, [])]
    states = list(KeptParts(trunk, layer).states(inputs, asked_BT, kept))
    assert torch.equal(states[0], trunk.at(inputs, asked_BT)[-1])
    for mask, state_NH in zip(kept, states[1:], strict=True):
        other = silenced_by_weights(model, block, parts, mask)
        expected_NH = Trunk(other).at(inputs, asked_BT)[-1]
        torch.testing.assert_close(state_NH, expected_NH, rtol=1e-4, atol=1e-5)
        assert not torch.equal(state_NH, states[0])


@pytest.mark.parametrize("family", [*FAMILIES, "albert"])
def test_all_parts_kept_is_the_model_and_blocks_below_are_not_computed_again(family) -> None:
    model = made(family)
    trunk = Trunk(model)
    inputs, asked_BT = inputs_of(model)
    for block in (1, 3):
        layer = writing_layer(trunk, block, "heads")
        kept_parts = KeptParts(trunk, layer)
        assert kept_parts.num_blocks_again == 4 - block
        everything = one_kept(layer, range(4))
        whole_NH, again_NH = kept_parts.states(inputs, asked_BT, [everything])
        assert torch.equal(again_NH, whole_NH)


def test_blocks_below_are_not_called() -> None:
    trunk = Trunk(made("bert"))
    layer = writing_layer(trunk, 3, "heads")
    kept_parts = KeptParts(trunk, layer)
    inputs, asked_BT = inputs_of(trunk.model)
    calls = []
    for number, block in enumerate(trunk.model.bert.encoder.layer):  # pyright: ignore
        block.attention.register_forward_hook(lambda *_, number=number: calls.append(number))
    list(kept_parts.states(inputs, asked_BT, [one_kept(layer, [u]) for u in range(4)]))
    assert calls == [0, 1, 2, 2, 2, 2, 2]


def test_in_shared_weights_only_the_asked_block_is_silenced() -> None:
    """ALBERT's block is one module: silenced everywhere it would be another answer."""
    model = made("albert")
    trunk = Trunk(model)
    inputs, asked_BT = inputs_of(model)
    layers = [writing_layer(trunk, block, "heads") for block in (1, 2, 3)]
    states = [
        list(KeptParts(trunk, layer).states(inputs, asked_BT, [one_kept(layer, [1])]))[1]
        for layer in layers
    ]
    whole = trunk.at(inputs, asked_BT)[-1]
    everywhere = Trunk(silenced_by_weights(model, 1, "heads", one_kept(layers[0], [1])))
    states += [whole, everywhere.at(inputs, asked_BT)[-1]]
    for one in range(5):
        for other in range(one):
            assert not torch.allclose(states[one], states[other], atol=1e-3)


def test_random_directions_are_a_rotation_cut_into_parts() -> None:
    layer = writing_layer(Trunk(made("bert")), 2, "heads")
    directions_UIK = random_directions(layer, 4, seed=3)
    assert directions_UIK.shape == (4, 32, 8)
    all_II = directions_UIK.permute(1, 0, 2).flatten(1)
    torch.testing.assert_close(all_II.T @ all_II, torch.eye(32), rtol=0, atol=1e-5)
    assert torch.equal(random_directions(layer, 2, seed=3), directions_UIK[:2])
    assert not torch.equal(random_directions(layer, 4, seed=4), directions_UIK)


def test_directions_of_the_axes_are_the_parts_themselves() -> None:
    trunk = Trunk(made("bert"))
    layer = writing_layer(trunk, 2, "heads")
    inputs, asked_BT = inputs_of(trunk.model)
    axes_IUK = torch.eye(32).unflatten(1, (4, 8))
    by_mask, by_axes = list(
        KeptParts(trunk, layer).states(inputs, asked_BT, [one_kept(layer, [1]), axes_IUK[:, 1]])
    )[1:]
    torch.testing.assert_close(by_mask, by_axes, rtol=1e-4, atol=1e-5)


def test_silenced_parts_say_the_mean_that_is_given() -> None:
    trunk = Trunk(made("bert"))
    layer = writing_layer(trunk, 3, "heads")
    inputs, asked_BT = inputs_of(trunk.model)
    mean_I = torch.linspace(-1, 1, 32)
    none = one_kept(layer, [])
    (_, by_mean), (_, by_zero) = (
        list(KeptParts(trunk, layer, mean).states(inputs, asked_BT, [none]))
        for mean in (mean_I, None)
    )
    other = deepcopy(trunk.model)
    with torch.no_grad():  # a constant is a bias
        its = writing_layer(Trunk(other), 3, "heads")
        its.call.module.bias += its.weight() @ mean_I  # pyright: ignore
        its.weight().zero_()
    expected = Trunk(other).at(inputs, asked_BT)[-1]
    torch.testing.assert_close(by_mean, expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(by_mean, by_zero, atol=1e-3)


@pytest.mark.parametrize("family", ["bert", "albert", "gpt2"])
@pytest.mark.parametrize("block", [1, 3])
def test_what_parts_say_is_heard_at_the_asked_positions(family, block) -> None:
    model = made(family)
    layer = writing_layer(Trunk(model), block, "heads")
    inputs, asked_BT = inputs_of(model)
    heard: list[torch.Tensor] = []
    hook = layer.call.module.register_forward_pre_hook(lambda _, args: heard.append(args[0]))
    with torch.no_grad():
        model(**inputs)
    hook.remove()
    expected_NI = heard[layer.call.number][asked_BT]
    for trunk in (Trunk(model), Trunk(model, deepest=block)):
        said_NI = said_at(trunk, layer, inputs, asked_BT)
        torch.testing.assert_close(said_NI, expected_NI, rtol=1e-4, atol=1e-5)
        said_NI = said_at(trunk, layer, inputs, torch.ones_like(asked_BT))
        assert said_NI.shape == (asked_BT.numel(), 32)
