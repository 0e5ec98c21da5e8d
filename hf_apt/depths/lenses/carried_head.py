"""A model's own head after a lens: a decoder like any other, and the logits of few positions."""

from __future__ import annotations

import torch
from torch import Tensor

from hf_apt.depths.lenses.bare_states import after_final_norm
from hf_apt.depths.lenses.depth_maps import DepthMaps
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.sweep import VocabularySweep
from hf_apt.depths.trunk import Trunk


class CarriedHead:
    """The own head of a model, which reads every depth after a lens has carried it to the last.

    It is given the states that `Trunk.at` leaves bare, as a lens comes before the normalisation of
    a trunk that ends in one; `hf_apt.measure` gives them. After the last block it answers as
    `OwnHead` does.

    Args:
        trunk: the trunk of the model.
        maps: a lens that was fitted to this model.

    Raises:
        ValueError: for maps of another model.
    """

    reads_bare = True

    def __init__(self, trunk: Trunk, maps: DepthMaps):
        maps.require_model(trunk.model)
        self.maps = maps
        self.head = OwnHead(trunk)

    def __repr__(self) -> str:
        return f"CarriedHead({self.maps.kind}, {self.head.trunk})"

    @torch.no_grad()
    def __call__(self, hidden_DNH: Tensor) -> Tensor:
        """The most probable token at each depth and position.

        Args:
            hidden_DNH: bare hidden states, shape (D, N, H).

        Returns:
            Token ids of shape (D, N); of equal logits the lowest id; -1 where there is no answer.
        """
        return self.head(self._carried(hidden_DNH))

    @torch.no_grad()
    def sweep(self, hidden_DNH: Tensor, targets_N: Tensor) -> list[VocabularySweep]:
        """For each depth the predicted ids and the cross-entropy of the targets, from one read.

        Args:
            hidden_DNH: bare hidden states, shape (D, N, H).
            targets_N: the true token id at each position, shape (N,).

        Returns:
            A result for each of the D depths; cross-entropies in nats, shape (N,).

        Raises:
            ValueError: if a target is outside the vocabulary.
        """
        return self.head.sweep(self._carried(hidden_DNH), targets_N)

    def _carried(self, bare_DNH: Tensor) -> Tensor:
        return self.head.trunk.normalised(self.maps.carry(bare_DNH))


@torch.no_grad()
def lens_logits(head: OwnHead, bare_DNH: Tensor, maps: DepthMaps | None = None) -> Tensor:
    """The logits (D, N, V) of bare states (D, N, H): carried by `maps`, normalised, read by `head`.

    Without `maps` the states are read where they are. For few positions: all logits at once.
    """
    carried_DNH = bare_DNH if maps is None else maps.carry(bare_DNH)
    return torch.stack([head.logits(after_final_norm(head.trunk, each)) for each in carried_DNH])
