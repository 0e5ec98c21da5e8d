"""The model that is linear in its weights, and how far gradients have moved."""
# O: outputs.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import jvp
from torch.nn.attention import SDPBackend, sdpa_kernel

from hf_apt.analysis.kernels.gradients import Outputs, detached_weights, output_gradients
from hf_apt.analysis.kernels.logits_function import LogitsFunction, Row

Weights = Mapping[str, Tensor]
"""Parameters by name, as `named_parameters` calls them."""


def copied_weights(model: torch.nn.Module) -> dict[str, Tensor]:
    """A copy of the model's trained parameters, each once: the start of fine-tuning."""
    named = model.named_parameters()
    return {name: each.detach().clone() for name, each in named if each.requires_grad}


def linearised_outputs(
    function: LogitsFunction, rows: Sequence[Row], start: Weights, end: Weights
) -> Float[np.ndarray, "I O"]:
    """What the model linearised at `start` answers with the weights `end`.

    f_lin(x) = f(x; start) + <grad f(x; start), end - start>, by forward differentiation
    (`torch.func.jvp`); attention is computed by its plain formula meanwhile. Source: arXiv
    2210.05643.

    Args:
        function: the outputs.
        rows: the texts.
        start: the weights to linearise at; what they lack is the model's own.
        end: weights of the same names.

    Returns:
        Outputs in float64.

    Raises:
        ValueError: for weights that are not the model's.
    """
    own = detached_weights(function)
    _require_names(own, start, end)
    tangents = {name: (end[name] - start[name]).to(own[name]) for name in end}
    others = {**own, **{name: each.to(own[name]) for name, each in start.items()}}
    points = {name: others[name] for name in tangents}
    outputs = []
    with sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        for batch in function.batches(rows):
            value, change = jvp(  # pyright: ignore[reportAssignmentType]
                lambda weights, batch=batch: function(batch, {**others, **weights}),
                (points,),
                (tangents,),
            )
            outputs.append((value.double() + change.double()).cpu().numpy())
    return np.concatenate(outputs)


def feature_drift(
    function: Outputs, rows: Sequence[Any], start: Weights, end: Weights
) -> Float[np.ndarray, "I O"]:
    """How far gradients move: `|grad f(end) - grad f(start)| / |grad f(start)|` of each output.

    0 where features are fixed, as those of a linear model are. arXiv 2210.05643 asks for a mean
    below 2. NaN for an output with no gradient at the start.

    Args:
        function: the outputs.
        rows: the texts.
        start: the weights before; gradients are by these.
        end: the weights after, of the same names.

    Returns:
        A value for each text and output.

    Raises:
        ValueError: for weights that are not the model's.
    """
    own = detached_weights(function)
    _require_names(own, start, end)
    drifts = []
    names = list(start)
    for row in rows:
        before, after = (
            output_gradients(
                *(function, row, names),
                {**own, **{name: each.to(own[name]) for name, each in weights.items()}},
            )[1]
            for weights in (start, end)
        )
        moved_O, size_O = (
            sum(each.double().square().sum(dim=1) for each in parts).sqrt()  # pyright: ignore
            for parts in ([b - a for a, b in zip(before, after, strict=True)], before)
        )
        drifts.append((moved_O / size_O).cpu().numpy())
    return np.stack(drifts)


def _require_names(own: Weights, start: Weights, end: Weights) -> None:
    unknown = [name for name in (*start, *end) if name not in own]
    if unknown or start.keys() != end.keys():
        missing = unknown or sorted(start.keys() ^ end.keys())
        raise ValueError(
            f"the weights {missing[0]!r} are not those of the model at both ends: take both with "
            "`copied_weights` of the same model."
        )
