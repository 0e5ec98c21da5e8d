"""The term of `GraphPairs` in a training: linked texts alike, others not."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hf_apt.data.whole_texts.encoded_texts import EncodedTexts
from hf_apt.training.objective import Step, Term, TrainingSetup
from hf_apt.training.representation.depth_states import (
    DepthStates,
    pooled_states,
    still_of,
)
from hf_apt.training.representation.graph_source import linked_texts_of
from hf_apt.training.representation.pair_groups import DropoutPairs, PairGroups
from hf_apt.training.representation.text_groups import groups_of
from hf_apt.training.representation.text_source import encoded_for


class GraphPairsTerm:
    """The loss on the pooled last states of groups of texts, a mean over the groups of a step.

    Args:
        config: the settings of `GraphPairs`.
        setup: the training.

    Raises:
        ValueError: as `GraphPairs.in_training` does.
    """

    def __init__(self, config: Any, setup: TrainingSetup):
        self.config = config
        seed = setup.args.seed
        found = linked_texts_of(config, seed=seed)
        self.graph = found.graph
        """Which texts are linked."""
        self.groups: PairGroups | DropoutPairs
        """What is read in which step; pairs of dropout are as many texts."""
        if config.graph == "dropout":
            size = max(config.num_anchors * 3 // 2, 2)  # one is told from no other
            self.groups = DropoutPairs(len(found.texts), group_size=size, seed=seed)
        else:
            self.groups = PairGroups(found.graph, num_anchors=config.num_anchors, seed=seed)
        self.texts: EncodedTexts = encoded_for(
            *(setup, found.texts),
            sequence_length=config.sequence_length or None,
            name=config.name,
        )
        """The texts as token ids."""
        self._states: DepthStates | None = DepthStates(setup.model)

    def __call__(self, step: Step) -> tuple[Term, ...]:
        """The losses of those groups that one batch of a step reads, added up."""
        config, total = self.config, torch.zeros((), device=step.loss.device)
        for number in groups_of(step, config.num_groups):
            total = total + self.group_loss(step.model, number, step.loss.device)
        num_groups = torch.tensor(config.num_groups, device=step.loss.device)
        return (Term(name=config.name, total=total, num_items=num_groups, weight=config.weight),)

    def group_loss(self, model: Any, number: int, device: torch.device) -> Tensor:
        """The loss of one group of texts."""
        group = self.groups.group(number)
        batch = self.texts.batch(group.nodes.tolist())
        self._states = still_of(self._states, model)
        states_MTH = self._states(batch.inputs(device))
        present_MT = batch.present_BT.bool().to(device)
        vectors_MH = pooled_states(states_MTH, present_MT, self.config.pooling)
        linked, unlinked = (
            torch.from_numpy(pairs).to(device) for pairs in (group.linked, group.unlinked)
        )
        return self.config.group_loss(vectors_MH, linked, unlinked)
