"""The perturbation that moves a model's answers most, sought by its gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from hf_apt.training.adversary.ball import Ball

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from torch import Tensor

Moved = Callable[["Float[Tensor, 'b t e']"], "Tensor"]
"""A perturbation to how far answers are moved by it: a scalar with a gradient."""


def normalised_ascent(
    moved: Moved,
    start_BTE: Float[Tensor, "b t e"],
    mask_BT: Bool[Tensor, "b t"],
    ball: Ball,
    *,
    step_size: float,
    num_steps: int,
    on_surface: bool,
) -> Float[Tensor, "b t e"]:
    """The perturbation after `num_steps` steps along the gradient divided by its norm.

    Jiang et al. 2020, arXiv 1911.03437, algorithm 1. Gradients of weights are neither computed nor
    changed. At a start of 0 the gradient is 0, and nothing is found.

    Args:
        moved: how far a perturbation moves the answers.
        start_BTE: where the ascent begins.
        mask_BT: which tokens are perturbed; at others, such as padding, the perturbation is 0.
        ball: the norm by which the gradient is divided, and what holds the perturbation.
        step_size: norm of a step, in the unit of the word embeddings.
        num_steps: the number of steps, each a pass forward and back.
        on_surface: scale the perturbation to the ball's radius after each step; else bring it into
            the ball.
    """
    keep = ball.on_surface if on_surface else ball.inside
    return _climbed(
        moved,
        start_BTE,
        mask_BT,
        num_steps,
        lambda delta, slope: keep(delta + step_size * ball.unit(slope)),
    )


def steepest_ascent(
    moved: Moved,
    start_BTE: Float[Tensor, "b t e"],
    mask_BT: Bool[Tensor, "b t"],
    ball: Ball,
    *,
    step_size: float,
    num_steps: int,
) -> Float[Tensor, "b t e"]:
    """The perturbation in `ball` after `num_steps` steps of steepest ascent.

    Projected gradient ascent: Madry et al. 2018, arXiv 1706.06083. Arguments are those of
    `normalised_ascent`.
    """
    return _climbed(
        moved,
        start_BTE,
        mask_BT,
        num_steps,
        lambda delta, slope: ball.inside(delta + step_size * ball.steepest(slope)),
    )


def with_random_signs(
    delta_BTE: Float[Tensor, "b t e"], noise_BTE: Float[Tensor, "b t e"]
) -> Float[Tensor, "b t e"]:
    """`delta_BTE` with the signs of `noise_BTE`: equal in every norm, and in no direction."""
    return delta_BTE.abs() * noise_BTE.sign()


def _climbed(
    moved: Moved,
    start_BTE: Tensor,
    mask_BT: Tensor,
    num_steps: int,
    step: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    mask_BT1 = mask_BT[..., None]
    delta_BTE = start_BTE.detach() * mask_BT1
    for _ in range(num_steps):
        delta_BTE.requires_grad_()
        with torch.enable_grad():
            (slope_BTE,) = torch.autograd.grad(moved(delta_BTE), delta_BTE)
        delta_BTE = step(delta_BTE.detach(), slope_BTE.float() * mask_BT1)
    return delta_BTE.detach()
