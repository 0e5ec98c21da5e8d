"""The term of `Rademacher` in a training, with the texts that it reads."""
# N texts of a group, H width, B choices of signs.

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from hf_apt.stats.rademacher.complexity import random_signs
from hf_apt.stats.rademacher.spread import effective_rank, mean_cosine
from hf_apt.training.adversary.passes import unwrapped
from hf_apt.training.objective import Step, Term, TrainingSetup
from hf_apt.training.representation.depth_states import DepthStates, pooled_states, still_of
from hf_apt.training.representation.text_groups import TextGroups, groups_of
from hf_apt.training.representation.text_source import encoded_for, own_texts


class RademacherTerm:
    """The Rademacher complexity of the features of groups of texts, a mean over those of a step.

    Args:
        config: the settings of `Rademacher`.
        setup: the training.

    Raises:
        ValueError: as `Rademacher.in_training` does.
    """

    def __init__(self, config: Any, setup: TrainingSetup):
        self.config = config
        texts = own_texts(config.texts, column=config.column, max_texts=config.max_texts)
        encoded = encoded_for(
            setup, texts, sequence_length=config.sequence_length, name=config.name
        )
        self.groups = TextGroups(encoded, group_size=config.num_texts, seed=setup.args.seed)
        """The texts, by groups."""
        self._asked = {"depth": config.depth, "states": config.features}
        self.states = DepthStates(setup.model, **self._asked)
        """What reads the states of the model."""

    def __call__(self, step: Step) -> tuple[Term, ...]:
        """The penalty, and length, rank and cosine of the features, summed over groups."""
        config, model = self.config, unwrapped(step.model)
        self.states = still_of(self.states, model, **self._asked)
        device = next(model.parameters()).device
        penalty, spread = torch.zeros((), device=device), np.zeros(3)
        for group in groups_of(step, config.num_groups):
            features_NH = self._features(group, device)
            penalty = penalty + self._penalty(features_NH, group)
            spread += spread_of(features_NH)
        if config.penalty == "none":
            penalty = 0.0 * penalty
        num_groups = torch.tensor(config.num_groups, device=device)
        names = ("length", "rank", "cosine")
        logged = [
            Term(
                name=f"{config.name}_{name}",
                total=torch.tensor(value, dtype=torch.float32, device=device),
                num_items=num_groups,
                weight=0.0,
            )
            for name, value in zip(names, spread.tolist(), strict=True)
        ]
        return (
            Term(name=config.name, total=penalty, num_items=num_groups, weight=config.weight),
            *logged,
        )

    def _features(self, group: int, device: torch.device) -> Float[Tensor, "n h"]:
        batch = self.groups.batch(group)
        states_BTH = self.states(batch.inputs(device))
        return pooled_states(states_BTH, batch.present_BT.bool().to(device), self.config.pooling)

    def _penalty(self, features_NH: Float[Tensor, "n h"], group: int) -> Tensor:
        if self.config.penalty == "norm":
            return norm_bound(features_NH)
        generator = np.random.default_rng([self.groups.seed, group])
        signs_BN = random_signs(generator, self.config.num_signs, len(features_NH))
        return complexity(features_NH, torch.from_numpy(signs_BN).to(features_NH))


def complexity(
    features_NH: Float[Tensor, "n h"], signs_BN: Float[Tensor, "b n"]
) -> Float[Tensor, ""]:
    """The mean over choices of signs of |sum_i s_i h_i| / n; its gradient at 0 is 0.

    With every choice of signs it is the Rademacher complexity of linear functions of length 1
    (`hf_apt.stats.rademacher.complexity`).
    """
    with torch.autocast(features_NH.device.type, enabled=False):
        sums_BH = signs_BN @ features_NH
    return torch.linalg.vector_norm(sums_BH, dim=1).mean() / len(features_NH)


def norm_bound(features_NH: Float[Tensor, "n h"]) -> Float[Tensor, ""]:
    """sqrt(mean |h|^2 / n), which bounds the complexity from above; its gradient at 0 is 0."""
    return torch.linalg.vector_norm(features_NH) / len(features_NH)


def spread_of(features_NH: Float[Tensor, "n h"]) -> Float[np.ndarray, " figures"]:
    """Root mean square length, effective rank and mean cosine of features, without gradients."""
    rows_NH = features_NH.detach().double().cpu().numpy()
    if not np.isfinite(rows_NH).all():  # a training that diverges is told by its loss
        return np.full(3, np.nan)
    length = math.sqrt(np.square(rows_NH).sum(axis=1).mean())
    return np.array([length, effective_rank(rows_NH), mean_cosine(rows_NH)])
