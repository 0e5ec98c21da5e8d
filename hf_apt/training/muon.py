"""Muon for the matrices inside the blocks, AdamW for all else, as one optimiser.

Muon (Jordan et al. 2024) steps by the orthogonal matrix nearest to a gradient's momentum. It is
meant for the matrices of hidden layers, not for embeddings, biases or normalisations. Here it is
`torch.optim.Muon`, scaled to the root mean square of AdamW's steps, so that both take one learning
rate.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import torch
from torch import nn


class MuonAndAdamW(torch.optim.Optimizer):
    """Two optimisers that step together; schedulers see the parameter groups of both."""

    def __init__(self, muon: torch.optim.Optimizer, adamw: torch.optim.Optimizer):
        self.parts = (muon, adamw)
        super().__init__([*muon.param_groups, *adamw.param_groups], {})
        self._share_groups()

    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """One step of both; returns what `closure` returned, which is called once."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self.parts:
            part.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """The states of both."""
        return {"muon": self.parts[0].state_dict(), "adamw": self.parts[1].state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned."""
        for part, name in zip(self.parts, ("muon", "adamw"), strict=True):
            part.load_state_dict(state_dict[name])
        self._share_groups()

    def _share_groups(self) -> None:
        # The very dictionaries of the two: a scheduler that sets a rate here sets it there.
        self.param_groups = [group for part in self.parts for group in part.param_groups]


def muon_and_adamw(
    model: nn.Module,
    *,
    learning_rate: float,
    weight_decay: float,
    beta2: float,
    decayed: Collection[str],
) -> MuonAndAdamW:
    """Muon for the matrices inside lists of blocks, fused AdamW for the rest of `model`.

    `decayed` names the parameters that AdamW decays; Muon decays all of its own. Raises ValueError
    where torch has no Muon (before 2.9).
    """
    if not hasattr(torch.optim, "Muon"):
        raise ValueError(
            f"torch {torch.__version__} has no Muon: install torch 2.9 or later, or choose the "
            "optimiser adamw."
        )
    trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    matrices = [name for name, weight in trained.items() if _is_inside(name) and weight.ndim == 2]
    others = [name for name in trained if name not in set(matrices)]
    muon = torch.optim.Muon(
        [trained[name] for name in matrices],
        lr=learning_rate,
        weight_decay=weight_decay,
        adjust_lr_fn="match_rms_adamw",
    )
    adamw = torch.optim.AdamW(
        [
            {
                "params": [trained[name] for name in others if (name in decayed) is is_decayed],
                "weight_decay": weight_decay if is_decayed else 0.0,
            }
            for is_decayed in (True, False)
        ],
        lr=learning_rate,
        betas=(0.9, beta2),
        fused=True,
    )
    return MuonAndAdamW(muon, adamw)


def _is_inside(name: str) -> bool:
    """Whether a parameter of that name belongs to a block: blocks are numbered."""
    return any(map(str.isdigit, name.split(".")))
