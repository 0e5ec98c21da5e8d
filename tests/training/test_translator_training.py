"""Laws of the translator: it comes to say what the last depth says, and changes nothing else."""

from dataclasses import replace

import pytest
import torch
from linear_models import linear_model

from hf_apt.data.tokens import Tokens
from hf_apt.data.training_draws import TrainingDraws
from hf_apt.depths.head_config import HeadConfig
from hf_apt.depths.lenses.bare_states import bare_states
from hf_apt.depths.lenses.carried_head import lens_logits
from hf_apt.depths.lenses.depth_maps import DepthMaps
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.training.translator_training import train_translator

CONFIG = HeadConfig(num_steps=3, batch_size=8, seed=4)


def divergences(trunk: Trunk, maps: DepthMaps | None) -> list[float]:
    """KL(last depth || depth) over all tokens, by its definition."""
    ids = torch.arange(5, 65)[None]
    bare_DNH = torch.stack([state[0] for state in bare_states(trunk, {"input_ids": ids})])
    probabilities = lens_logits(OwnHead(trunk), bare_DNH, maps).double().softmax(dim=-1)
    last_NV = probabilities[-1]
    return [
        float((last_NV * (last_NV.log() - said_NV.log())).sum(dim=-1).mean())
        for said_NV in probabilities
    ]


def gradients(trunk: Trunk, tokens: Tokens, config: HeadConfig) -> list[torch.Tensor]:
    """Of KL(last depth || depth), at the masked positions of the first batch, by the identity."""
    masking = tokens.masking(seed=config.seed, rate=config.masking_rate)
    draws = TrainingDraws(tokens, masking, num_draws=config.batch_size)
    batch = draws.__getitems__(list(range(config.batch_size)))
    asked_BT = batch.pop("labels") != -100
    *inner, last_NH = (state[asked_BT].detach() for state in bare_states(trunk, batch))
    head = OwnHead(trunk)
    last_NV = head.logits(last_NH).log_softmax(dim=-1).detach()
    by_depth = []
    for state_NH in inner:
        map_HH = torch.eye(16, requires_grad=True)
        said_NV = head.logits(state_NH @ map_HH.T).log_softmax(dim=-1)
        (last_NV.exp() * (last_NV - said_NV)).sum(dim=-1).mean().backward()
        by_depth.append(map_HH.grad)
    return by_depth


def test_where_blocks_are_linear_it_comes_to_answer_as_the_last_depth(tokens) -> None:
    trunk = Trunk(linear_model().float())
    before = divergences(trunk, None)
    # All positions but special ones are asked for, most of them unmasked by the small rate.
    config = replace(CONFIG, num_steps=300, batch_size=32, learning_rate=3e-2, masking_rate=0.6)
    after = divergences(trunk, train_translator(trunk, tokens, config))
    assert all(now < 0.05 * then for now, then in zip(after[:-1], before[:-1], strict=True))
    assert after[-1] == before[-1] == 0


def test_the_first_step_follows_the_gradient_of_the_divergence(tiny_model, tokens) -> None:
    """Adam's first step is the learning rate against the sign of the gradient."""
    trunk = Trunk(tiny_model)
    with torch.no_grad():
        for weight in tiny_model.parameters():
            weight.mul_(4.0)
    config = replace(CONFIG, num_steps=1, learning_rate=1e-3)
    maps = train_translator(trunk, tokens, config)
    step = maps.weights_DHH - torch.eye(16)
    for step_HH, wanted_HH in zip(step, gradients(trunk, tokens, config), strict=False):
        is_clear_HH = wanted_HH.abs() > wanted_HH.abs().median()
        assert torch.equal(step_HH[is_clear_HH].sign(), -wanted_HH[is_clear_HH].sign())
    assert maps.weights_DHH.shape == (3, 16, 16)
    torch.testing.assert_close(step[:-1].abs().median(), torch.tensor(1e-3), rtol=1e-2, atol=0)
    assert torch.equal(step[-1], torch.zeros(16, 16))
    assert torch.equal(maps.biases_DH[-1], torch.zeros(16))


def test_it_is_the_same_each_time_and_leaves_the_model_as_it_was(tiny_model, tokens) -> None:
    tiny_model.train()
    before = {name: weight.clone() for name, weight in tiny_model.state_dict().items()}
    first, second = (train_translator(Trunk(tiny_model), tokens, CONFIG) for _ in range(2))
    assert torch.equal(first.weights_DHH, second.weights_DHH)
    assert (first.kind, first.num_positions) == ("translator", second.num_positions)
    assert first.num_positions > 0
    assert all(torch.equal(before[name], now) for name, now in tiny_model.state_dict().items())
    assert all(weight.requires_grad and weight.grad is None for weight in tiny_model.parameters())
    assert tiny_model.training


def test_training_that_diverges_is_said(tiny_model, tokens) -> None:
    with pytest.raises(ValueError, match="smaller learning_rate than 1e\\+30"):
        train_translator(Trunk(tiny_model), tokens, replace(CONFIG, learning_rate=1e30))
