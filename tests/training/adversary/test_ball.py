"""Norms, balls and noise against NumPy and their own laws."""

import itertools

import numpy as np
import pytest
import torch

from hf_apt.training.adversary.ball import Ball, noise

NORMS, LEVELS = ("inf", "2", "1"), ("token", "sequence", "batch")
AXES = {"token": (2,), "sequence": (1, 2), "batch": (0, 1, 2)}


def numbers(seed: int = 0) -> torch.Tensor:
    return torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(seed))


def norm_by_hand(delta: torch.Tensor, norm: str, level: str) -> np.ndarray:
    sizes = np.abs(delta.numpy().astype(np.float64))
    power = {"1": 1.0, "2": 2.0}.get(norm)
    if power is None:
        return sizes.max(axis=AXES[level], keepdims=True)
    return (sizes**power).sum(axis=AXES[level], keepdims=True) ** (1 / power)


@pytest.mark.parametrize(("norm", "level"), [*itertools.product(NORMS, LEVELS)])
def test_norms_and_what_is_kept_within_them(norm, level):
    ball = Ball(radius=0.3, norm=norm, level=level)
    delta = numbers()
    np.testing.assert_allclose(ball.norms(delta), norm_by_hand(delta, norm, level), rtol=1e-6)
    for made in (ball.inside(5 * delta), ball.on_surface(delta), 0.3 * ball.steepest(delta)):
        np.testing.assert_allclose(norm_by_hand(made, norm, level), 0.3, rtol=1e-5)
        assert float((made * delta).sum()) > 0
    small = 1e-3 * delta
    assert torch.equal(ball.inside(small), small)
    nothing = torch.zeros(2, 3, 4)
    for of_nothing in (ball.inside, ball.on_surface, ball.unit, ball.steepest):
        assert torch.equal(of_nothing(nothing), nothing)


@pytest.mark.parametrize("norm", NORMS)
def test_the_steepest_step_gains_the_dual_norm(norm):
    """No step of norm 1 gains more: w.d is at most the dual norm of w."""
    ball = Ball(radius=1.0, norm=norm, level="sequence")
    slope = numbers(1)
    dual = {"inf": slope.abs().sum((1, 2)), "1": slope.abs().amax((1, 2))}
    gained = (ball.steepest(slope) * slope).sum((1, 2))
    torch.testing.assert_close(gained, dual.get(norm, slope.square().sum((1, 2)).sqrt()))


def test_noise_depends_on_the_text_and_the_seed_alone():
    ids = torch.tensor([[2, 7, 8, 3], [2, 9, 3, 0], [2, 7, 8, 3]])
    mask = ids > 0
    state = torch.get_rng_state()
    drawn = noise(ids, mask, 5, seed=4)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(drawn[0], drawn[2])
    assert not torch.equal(drawn[0, :3], drawn[1, :3])
    assert torch.equal(drawn[1, 3], torch.zeros(5))
    assert torch.equal(noise(ids[1:2, :3], mask[1:2, :3], 5, seed=4), drawn[1:2, :3])
    left = torch.tensor([[0, 2, 9, 3]])
    assert torch.equal(noise(left, left > 0, 5, seed=4)[0, 1:], drawn[1, :3])
    assert not torch.equal(noise(ids, mask, 5, seed=5), drawn)
    assert noise(ids, mask, 5, seed=4 * 2**80).shape == (3, 4, 5)
    many = noise(torch.arange(2000)[None], torch.ones(1, 2000).bool(), 8, seed=0)
    assert float(many.mean()) == pytest.approx(0, abs=0.03)
    assert float(many.std()) == pytest.approx(1, abs=0.03)
