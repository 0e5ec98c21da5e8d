"""The ascent on linear models, whose worst perturbation is known."""

import itertools

import pytest
import torch

from hf_apt.training.adversary.ascent import normalised_ascent, steepest_ascent, with_random_signs
from hf_apt.training.adversary.ball import Ball
from hf_apt.training.adversary.divergence import symmetric_kl

WEIGHTS = torch.tensor([[[1.0, -2.0, 0.5], [0.25, 1.5, -1.0]]])
ALL = torch.ones(1, 2, dtype=torch.bool)


def squared(delta: torch.Tensor) -> torch.Tensor:
    """What a perturbation moves a linear regression by, squared."""
    return (delta * WEIGHTS).sum().square()


def started(size: float = 1e-3) -> torch.Tensor:
    return size * torch.randn(1, 2, 3, generator=torch.Generator().manual_seed(2))


def test_the_worst_of_a_linear_regression_is_the_corner_of_the_ball():
    torch.manual_seed(0)
    radius = 0.01
    worst = radius**2 * float(WEIGHTS.abs().sum()) ** 2
    settings = {"step_size": 0.1, "num_steps": 1}
    delta = normalised_ascent(
        squared, started(), ALL, Ball(radius=radius), on_surface=False, **settings
    )
    assert float(squared(delta)) == pytest.approx(worst, rel=1e-5)
    sign = torch.sign((delta * WEIGHTS).sum())
    torch.testing.assert_close(delta, sign * radius * WEIGHTS.sign())
    random = [with_random_signs(delta, noise) for noise in torch.randn(200, 1, 2, 3)]
    assert all(torch.equal(each.abs(), delta.abs()) for each in random)
    mean = sum(float(squared(each)) for each in random) / len(random)
    assert mean == pytest.approx(radius**2 * float(WEIGHTS.square().sum()), rel=0.3)
    assert mean < 0.3 * worst


@pytest.mark.parametrize("norm", ["inf", "2", "1"])
def test_steepest_ascent_finds_the_dual_norm(norm):
    dual = {"inf": WEIGHTS.abs().sum(), "2": WEIGHTS.norm(), "1": WEIGHTS.abs().max()}[norm]
    ball = Ball(radius=0.01, norm=norm)
    delta = steepest_ascent(squared, started(), ALL, ball, step_size=0.02, num_steps=5)
    assert float(squared(delta)) >= 0.99 * (0.01 * float(dual)) ** 2
    assert float(ball.norms(delta)) <= 0.01 * (1 + 1e-6)


def test_from_a_start_of_nothing_nothing_is_found():
    delta = normalised_ascent(
        squared,
        torch.zeros(1, 2, 3),
        ALL,
        Ball(radius=0.01),
        step_size=0.1,
        num_steps=3,
        on_surface=False,
    )
    assert torch.equal(delta, torch.zeros(1, 2, 3))


@pytest.mark.parametrize(("at", "worst"), [(0.0, 0.0223327550), (1.0, 0.0188612419)])
def test_the_worst_of_a_binary_softmax(at, worst):
    """w = (1, -2), radius 0.1: the corners move the difference of logits by 0.3 either way."""
    weights = torch.tensor([[[1.0, -2.0]]])

    def moved(delta: torch.Tensor) -> torch.Tensor:
        odds = torch.stack([at + (delta * weights).sum(), torch.zeros(())])
        return symmetric_kl(torch.tensor([[at, 0.0]]), odds[None]).sum()

    corners = [torch.tensor([[corner]]) for corner in itertools.product((-0.1, 0.1), repeat=2)]
    values = {round(float(moved(corner)), 8) for corner in corners}
    assert max(values) == pytest.approx(worst, abs=2e-8)
    if at:
        assert any(value == pytest.approx(0.01643292, abs=2e-8) for value in values)
    for seed in range(4):
        start = 1e-3 * torch.randn(1, 1, 2, generator=torch.Generator().manual_seed(seed))
        delta = normalised_ascent(
            moved,
            start,
            ALL[:, :1],
            Ball(radius=0.1),
            step_size=1.0,
            num_steps=1,
            on_surface=False,
        )
        assert round(float(moved(delta)), 8) in values - {min(values)}


@pytest.mark.parametrize("on_surface", [False, True])
@pytest.mark.parametrize("norm", ["inf", "2", "1"])
def test_it_stays_in_the_ball_and_off_the_padding(norm, on_surface):
    mask = torch.tensor([[True, False]])
    ball = Ball(radius=0.02, norm=norm, level="token")
    delta = normalised_ascent(
        squared, started(), mask, ball, step_size=0.5, num_steps=3, on_surface=on_surface
    )
    assert torch.equal(delta[:, 1], torch.zeros(1, 3))
    assert float(ball.norms(delta).max()) <= 0.02 * (1 + 1e-6)
    if on_surface:
        assert float(ball.norms(delta)[0, 0, 0]) == pytest.approx(0.02)


def test_gradients_of_weights_are_neither_made_nor_changed():
    layer = torch.nn.Linear(3, 1)
    delta = steepest_ascent(
        lambda delta: layer(delta).square().sum(),
        started(),
        ALL,
        Ball(radius=0.1),
        step_size=0.1,
        num_steps=2,
    )
    assert layer.weight.grad is None
    assert not delta.requires_grad
    with torch.no_grad():
        again = steepest_ascent(squared, started(), ALL, Ball(radius=1), step_size=1, num_steps=1)
    assert float(again.abs().max()) == 1.0
