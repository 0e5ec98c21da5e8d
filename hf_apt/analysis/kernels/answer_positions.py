"""Which tokens of a text its answer is read from."""
# T: tokens. H: width of a state.

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hf_apt.analysis.kernels.gradients import detached_weights
from hf_apt.analysis.kernels.logits_function import LogitsFunction, Row

_NOTHING = 1e-6
"""Slopes of at most this share of the largest are rounding."""


def trunk_of(model: Any) -> nn.Module:
    """The part of a model that hands hidden states to its head; the model itself without a head."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    trunk: Any = getattr(base, base.base_model_prefix, base)
    return trunk


def answer_positions(function: LogitsFunction, row: Row) -> list[int]:
    """The positions whose last states make the answer; where there are several, by their mean.

    With a prompt it is the mask, or the last token. A classifier is asked: the slopes of its
    outputs by the last states are 0 but at the first token in BERT, at the last one in GPT-2, and
    are the same at all tokens where a head reads their mean. Source: ours.

    Args:
        function: the outputs.
        row: the text, run alone.

    Returns:
        Positions in ascending order.

    Raises:
        ValueError: for a classifier whose outputs do not depend on the last states of its trunk, or
            that weights several tokens unequally.
    """
    if function.place != "label":
        return [row.position]
    slopes_TX = _slopes(function, row)
    size_T = slopes_TX.norm(dim=1)
    kind = type(function.model).__name__
    if not size_T.max() > 0:
        raise ValueError(
            f"the outputs of {kind} do not depend on the last states of its trunk: the kernel of "
            "the last state has nothing to read."
        )
    read = torch.nonzero(size_T > _NOTHING * size_T.max()).flatten()
    used_TX = slopes_TX[read]
    if (used_TX - used_TX.mean(dim=0)).norm() > 1e-3 * used_TX.norm():
        raise ValueError(
            f"{kind} reads {len(read)} tokens of a text, and not by their mean: the kernel of the "
            "last state is of heads that read one token, or the mean of tokens."
        )
    return read.tolist()


def _slopes(function: LogitsFunction, row: Row) -> Float[Tensor, "T X"]:
    """The slopes of all outputs by the last state of each token."""
    states: list[Tensor] = []

    def keep(_: nn.Module, __: Any, output: Any) -> None:
        states.append(output[0])

    weights = {name: each.requires_grad_() for name, each in detached_weights(function).items()}
    hook = trunk_of(function.model).register_forward_hook(keep)
    try:
        with torch.enable_grad():
            outputs_O = function(function.batch([row]), weights)[0]
            slopes = [
                torch.autograd.grad(output, states[-1], retain_graph=True, allow_unused=True)[0]
                for output in outputs_O
            ]
    finally:
        hook.remove()
    last_TH = states[-1][0]
    return torch.cat(
        [torch.zeros_like(last_TH) if each is None else each[0] for each in slopes], dim=1
    ).float()
