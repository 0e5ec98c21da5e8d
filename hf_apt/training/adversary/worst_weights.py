"""Gradients at the worst weights within a small ball around those of a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from hf_apt.training.adversary.passes import random_state_kept
from hf_apt.training.objective import Step, Term


class WorstWeights:
    """What `SharpnessAware` makes of a step.

    Args:
        radius: how far the weights are moved along their gradient, in the root of the sum of
            squares over all that are trained.
    """

    def __init__(self, radius: float):
        self.radius = radius

    def __call__(self, step: Step) -> tuple[Term, ...]:
        """No term."""
        return ()

    def around_step(self, model: Any, passed: Callable[[], Tensor]) -> Tensor:
        """Leave in `model` the gradients at the worst weights; its weights are as before.

        Returns the loss at its own weights. Gradients that were there before are lost.
        """
        with random_state_kept(model):
            loss = passed()
        weights = [each for each in model.parameters() if each.grad is not None]
        own = [each.detach().clone() for each in weights]
        self._move(weights)
        model.zero_grad()
        try:
            passed()
        finally:
            with torch.no_grad():
                for weight, before in zip(weights, own, strict=True):
                    weight.copy_(before)
        return loss

    @torch.no_grad()
    def _move(self, weights: list[Tensor]) -> None:
        slopes = [each.grad for each in weights if each.grad is not None]
        size = torch.stack([each.float().square().sum() for each in slopes]).sum().sqrt()
        share = self.radius / size.masked_fill(size == 0, 1.0)
        for weight, slope in zip(weights, slopes, strict=True):
            weight.add_(slope * share)
