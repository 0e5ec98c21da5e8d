"""A model's own head behind a lens: a decoder like any other, and the logits of few positions."""

from __future__ import annotations

import torch
from torch import Tensor

from hf_apt.depths.lenses.bare_states import normalised
from hf_apt.depths.lenses.depth_maps import DepthMaps
from hf_apt.depths.model_parts import parts_of
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.sweep import VocabularySweep
from hf_apt.depths.trunk import Trunk


class CarriedHead:
    """The own head of a model, which reads every depth after a lens has carried it to the last.

    It is given the states of `Trunk.at`. After the last block it answers as `OwnHead` does.

    Raises ValueError for maps of another model, and for a model whose trunk ends in a normalisation
    of its own: `Trunk.at` applies it, and a lens comes before it.
    """

    def __init__(self, trunk: Trunk, maps: DepthMaps):
        maps.require_model(trunk.model)
        if parts_of(trunk.model).final_norm is not None:
            raise ValueError(
                f"the trunk of {type(trunk.model).__name__} ends in a normalisation of its own, "
                f"and the {maps.kind} lens comes before it: read such a model by hf_apt.lens, or "
                "measure it without that lens."
            )
        self.maps = maps
        self.head = OwnHead(trunk)

    def __repr__(self) -> str:
        return f"CarriedHead({self.maps.kind}, {self.head.trunk})"

    @torch.no_grad()
    def __call__(self, hidden_DNH: Tensor) -> Tensor:
        """The predicted ids (D, N); of equal logits the lowest id; -1 where there is no answer."""
        return self.head(self.maps.carry(hidden_DNH))

    @torch.no_grad()
    def sweep(self, hidden_DNH: Tensor, targets_N: Tensor) -> list[VocabularySweep]:
        """For each depth the predicted ids and the cross-entropy of the targets, from one read."""
        return self.head.sweep(self.maps.carry(hidden_DNH), targets_N)


@torch.no_grad()
def lens_logits(head: OwnHead, bare_DNH: Tensor, maps: DepthMaps | None = None) -> Tensor:
    """The logits (D, N, V) of bare states (D, N, H): carried by `maps`, normalised, read by `head`.

    Without `maps` the states are read where they are. For few positions: all logits at once.
    """
    carried_DNH = bare_DNH if maps is None else maps.carry(bare_DNH)
    return torch.stack([head.logits(normalised(head.trunk, each)) for each in carried_DNH])
