"""The term of `GraphPairs` in a training: linked texts alike, others not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from hf_apt.data.whole_texts.encoded_texts import EncodedTexts
from hf_apt.training.objective import Step, Term, TrainingSetup
from hf_apt.training.representation.depth_states import (
    DepthStates,
    StatePooling,
    pooled_states,
    still_of,
)
from hf_apt.training.representation.graph_source import GraphSource
from hf_apt.training.representation.pair_groups import DropoutPairs, PairGroups
from hf_apt.training.representation.text_groups import groups_of
from hf_apt.training.representation.text_source import encoded_for

PairLoss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Vectors, which pairs of them are linked, which are not, to a scalar."""


class GraphPairsTerm:
    """The loss on the pooled last states of groups of texts, a mean over the groups of a step.

    Args:
        source: the texts and their graph.
        setup: the training.
        loss: the loss of a group.
        name: the objective's.
        weight: the objective's.
        num_anchors: anchors of a group; pairs of dropout read as many texts.
        num_groups: groups of a step.
        pooling: how the states of a text become one vector.
        sequence_length: tokens that a text is cut to; 0 for 128, or what the model takes.

    Raises:
        ValueError: for texts and graphs that the source refuses, for fewer than a group needs, and
            for a training or model that cannot read them.
    """

    def __init__(
        self,
        source: GraphSource,
        setup: TrainingSetup,
        *,
        loss: PairLoss,
        name: str,
        weight: float,
        num_anchors: int,
        num_groups: int,
        pooling: StatePooling,
        sequence_length: int,
    ):
        found = source.read()
        self.graph = found.graph
        """Which texts are linked."""
        self.groups: PairGroups | DropoutPairs
        """What is read in which step."""
        seed = setup.args.seed
        if source.kind == "dropout":
            self.groups = DropoutPairs(len(found.texts), group_size=num_anchors * 3 // 2, seed=seed)
        else:
            self.groups = PairGroups(found.graph, num_anchors=num_anchors, seed=seed)
        self.texts: EncodedTexts = encoded_for(
            setup, found.texts, sequence_length=sequence_length or None, name=name
        )
        """The texts as token ids."""
        self._loss, self._name, self._weight = loss, name, weight
        self._num_groups = num_groups
        self._pooling: StatePooling = pooling
        self._states: DepthStates | None = DepthStates(setup.model)

    def __call__(self, step: Step) -> tuple[Term, ...]:
        """The losses of those groups that one batch of a step reads, added up."""
        total = torch.zeros((), device=step.loss.device)
        for number in groups_of(step, self._num_groups):
            total = total + self.group_loss(step.model, number, step.loss.device)
        num_groups = torch.tensor(self._num_groups, device=step.loss.device)
        term = Term(name=self._name, total=total, num_items=num_groups, weight=self._weight)
        return (term,)

    def group_loss(self, model: Any, number: int, device: torch.device) -> Tensor:
        """The loss of one group of texts."""
        group = self.groups.group(number)
        batch = self.texts.batch(group.nodes.tolist())
        self._states = still_of(self._states, model)
        states_MTH = self._states(batch.inputs(device))
        present_MT = batch.present_BT.bool().to(device)
        vectors_MH = pooled_states(states_MTH, present_MT, self._pooling)
        linked, unlinked = (
            torch.from_numpy(pairs).to(device) for pairs in (group.linked, group.unlinked)
        )
        return self._loss(vectors_MH, linked, unlinked)
