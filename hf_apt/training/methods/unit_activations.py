"""How active the units of a model are in each of some texts."""
# N texts, B texts of a batch, T positions, U units.

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from hf_apt.depths.model_calls import evaluating
from hf_apt.training.methods.unit_layers import UnitLayer


@torch.no_grad()
def unit_activations(
    model: Any, batches: Iterable[Mapping[str, Any]], layers: Sequence[UnitLayer]
) -> list[Float[np.ndarray, "texts units"]]:
    """The mean activation of each unit over the tokens of each text, padding left out.

    Of a feed-forward unit it is what it writes by, after the non-linearity and the gate; of a head
    the Euclidean norm of what it hands on. Where a block is used several times it is the mean over
    these. The model is in evaluation mode meanwhile, and no random numbers are drawn.

    Returns:
        For each of `layers` float32 of shape (texts, units), texts in the order of the batches.
    """
    now: dict[nn.Module, list[Tensor]] = {layer.writes: [] for layer in layers}

    def keep(module: nn.Module, args: tuple[Any, ...]) -> None:
        now[module].append(args[0])

    hooks = [layer.writes.register_forward_pre_hook(keep) for layer in layers]
    means: list[list[np.ndarray]] = [[] for _ in layers]
    try:
        with evaluating(model):
            for batch in batches:
                model(**batch)
                ids_BT = batch["input_ids"]
                mask_BT = batch.get("attention_mask", torch.ones_like(ids_BT)).float()
                for layer, of_layer in zip(layers, means, strict=True):
                    states = torch.stack(now[layer.writes]).float()
                    of_layer.append(_means(states, layer, mask_BT).cpu().numpy())
                    now[layer.writes].clear()
    finally:
        for hook in hooks:
            hook.remove()
    return [np.concatenate(of_layer) for of_layer in means]


def _means(states: Tensor, layer: UnitLayer, mask_BT: Tensor) -> Tensor:
    """The mean (B, U) over calls and over the tokens of each text."""
    if states.shape[-1] != layer.num_units:  # heads, each of several numbers
        states = states.unflatten(-1, (layer.num_units, -1)).norm(dim=-1)
    sums_BU = (states.mean(dim=0) * mask_BT[..., None]).sum(dim=1)
    return sums_BU / mask_BT.sum(dim=1, keepdim=True).clamp(min=1)
