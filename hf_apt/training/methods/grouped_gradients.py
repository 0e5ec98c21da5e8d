"""Gradients of units that are active alike are averaged: fewer free directions for few examples.

Yoo et al. 2018, "Efficient K-Shot Learning with Regularized Deep Networks", arXiv 1710.02277.
Ours, from the paper's idea, for the units of transformers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

from hf_apt.stats.config_checks import (
    require_one_of,
    require_seed,
    require_whole,
    require_whole_number,
)
from hf_apt.training.methods.unit_kinds import Units

if TYPE_CHECKING:
    from transformers import TrainerCallback

Groups = Literal["activation", "random"]
"""By what units are grouped."""


@dataclass(frozen=True, kw_only=True)
class GroupedGradients:
    """Units of a block are grouped by activation, and a group's gradients averaged in every step.

    A unit's gradient g becomes (1 - strength) * g + strength * its group's mean, after clipping and
    before the optimiser. A unit is an intermediate neuron of a feed-forward part, with its row of
    the first matrix, its bias and its column of the second matrix; or an attention head, with its
    rows of queries, keys and values and its columns of the output. Grouped are the units of one
    block by k-means on their mean activation in each training text.

    Raises:
        ValueError: for settings out of range.
    """

    name: str = field(default="grouped_gradients", init=False)
    """`grouped_gradients`, under which it is logged."""

    num_groups: int | tuple[int, ...]
    """Groups in each block, for each kind of unit: one number, or one for each block and kind, as
    in `8/16/16`. With as many as there are units, or more, each is a group of its own."""

    strength: float = 1.0
    """Share of the group's mean in a gradient, in [0, 1]; with 0 nothing is changed."""

    units: Units = "feed_forward"
    """Units that are grouped: `feed_forward`, `heads` or `both`."""

    groups: Groups = "activation"
    """How they are grouped: by `activation`, or at `random` into groups of the same sizes."""

    regroup_every: int = 0
    """Steps after which units are grouped anew; 0 for the groups of the first step."""

    match_norm: bool = False
    """Scale the gradients of the grouped weights in each block to the norm before averaging."""

    num_texts: int = 256
    """Training texts in which activations are read, from the first on."""

    seed: int = 0
    """Seed of k-means and of random groups."""

    def __post_init__(self) -> None:
        for number in self.num_groups if isinstance(self.num_groups, tuple) else (self.num_groups,):
            require_whole_number("num_groups", number)
        require_whole(self, "num_texts")
        require_whole(self, "regroup_every", least=0)
        require_one_of(self, "units", get_args(Units))
        require_one_of(self, "groups", get_args(Groups))
        require_seed(self)
        if not 0 <= self.strength <= 1:
            raise ValueError(
                f"the strength of {self.name} is {self.strength}: give a number from 0, which "
                "leaves gradients as they are, to 1, which gives a group one gradient."
            )

    def callback(self) -> TrainerCallback:
        """What groups and averages.

        Returns:
            The callback that groups units as a training begins, and averages in each step. It
            raises ValueError there for a model whose units cannot be told, adapters, rows that
            cannot be read by number, and gradients that are cut over processes.
        """
        from hf_apt.training.methods.grouped_gradients_callback import GroupedGradientsCallback

        return GroupedGradientsCallback(self)
