"""A gradient of units whose groups' means replace it, in part or whole."""
# U units, K weights of a unit in any shape, G groups.

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hf_apt.training.methods.unit_layers import UnitLayer


def averaged(
    gradient_UK: Float[Tensor, "units ..."], groups_U: Int[Tensor, " units"], strength: float
) -> Float[Tensor, "units ..."]:
    """(1 - strength) times the gradient plus `strength` times the mean over each unit's group.

    An orthogonal projection at strength 1: its norm is never larger. A unit that is alone in its
    group keeps its gradient to the bit.
    """
    num_G = torch.bincount(groups_U)
    sums_GK = gradient_UK.new_zeros((len(num_G), *gradient_UK.shape[1:]))
    sums_GK.index_add_(0, groups_U, gradient_UK)
    means_GK = sums_GK / num_G.view(-1, *[1] * (gradient_UK.dim() - 1))
    return torch.lerp(gradient_UK, means_GK[groups_U], strength)


@torch.no_grad()
def average_gradients(
    layer: UnitLayer, groups_U: Int[Tensor, " units"], strength: float, *, match_norm: bool
) -> None:
    """Average the gradients of all weights of `layer` within groups, in place.

    Weights without a gradient are left out. Where `match_norm` all are scaled by one factor, so
    that their norm is what it was; where the means are zero they stay so.
    """
    gradients = [(weight, weight.parameter.grad) for weight in layer.weights]
    held = [(weight, gradient) for weight, gradient in gradients if gradient is not None]
    before = _norm([gradient for _, gradient in held])
    for weight, gradient in held:
        gradient_UK = weight.of_units(gradient)
        gradient_UK.copy_(averaged(gradient_UK, groups_U, strength))
    if match_norm and held:
        after = _norm([gradient for _, gradient in held])
        factor = torch.where(after > 0, before / after, torch.ones_like(after))
        for _, gradient in held:
            gradient.mul_(factor)


def _norm(gradients: Sequence[Tensor]) -> Tensor:
    """The Euclidean norm of all of them together."""
    return torch.stack([each.float().norm() for each in gradients] or [torch.tensor(0.0)]).norm()
