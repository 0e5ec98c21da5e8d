"""A linear read-out of its own for each part of a block, or for each of some directions in it."""
# U read-outs, N positions, I width of what all parts say, K numbers of a part, C tokens seen.

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hf_apt.analysis.experts.block_calls import WritingLayer
from hf_apt.analysis.experts.experts_config import ReadOutConfig
from hf_apt.analysis.experts.kept_parts import said_at
from hf_apt.data.measurement_batches import AskedBatch
from hf_apt.depths.heads import DepthHeads
from hf_apt.depths.trunk import Trunk
from hf_apt.stats.experts.answerable import MOST_NUMBERS, answerable
from hf_apt.stats.experts.part_answers import PartAnswers


@dataclass(frozen=True)
class ReadOuts:
    """What trained read-outs answered, and what they can answer at all."""

    answers: PartAnswers
    """Their answers, a part for each read-out."""

    can_answer: list[np.ndarray] | None
    """The ids of the tokens that each read-out can answer (`answerable`); None for wide ones."""


class LinearReadOuts:
    """One linear map to the tokens seen in training for each of U groups of directions.

    Args:
        said_NI: what the parts say at the training positions, shape (N, I).
        labels_N: the true tokens there.
        directions_UIK: what each read-out reads: directions of shape (I, K).
        config: how they are trained.
        seed: seed of the order of positions.
    """

    def __init__(
        self,
        said_NI: Tensor,
        labels_N: Tensor,
        directions_UIK: Tensor,
        config: ReadOutConfig,
        *,
        seed: int,
    ):
        self._directions_UIK = directions_UIK.to(said_NI)
        features_UNK = self._projected(said_NI)
        self._mean_U1K = features_UNK.mean(dim=1, keepdim=True)
        spread_U1K = features_UNK.std(dim=1, keepdim=True)
        self._scale_U1K = torch.where(spread_U1K > 0, 1 / spread_U1K, 0.0)
        self.tokens_C, classes_N, counts_C = labels_N.unique(
            return_inverse=True, return_counts=True
        )
        num, _, size = features_UNK.shape
        self.heads = DepthHeads("linear_head", num, size, len(self.tokens_C)).to(said_NI.device)
        for decoder in self._decoders():
            torch.nn.init.zeros_(decoder.weight)  # at first each answers the commonest token
            decoder.bias.data.copy_((counts_C / counts_C.sum()).log())
        self._train(self._scaled(features_UNK), classes_N, config, seed)

    def __call__(self, said_NI: Tensor) -> Tensor:
        """The token ids (U, N) that the read-outs answer."""
        return self.tokens_C[self.heads(self._scaled(self._projected(said_NI)))]

    def can_answer(self) -> list[np.ndarray] | None:
        """The ids of the tokens that each read-out can answer; None where it reads too many."""
        if self._directions_UIK.shape[2] > MOST_NUMBERS:
            return None
        tokens_C = self.tokens_C.cpu().numpy()
        return [
            tokens_C[
                answerable(each.weight.detach().cpu().numpy(), each.bias.detach().cpu().numpy())
            ]
            for each in self._decoders()
        ]

    def _decoders(self) -> list[torch.nn.Linear]:
        return [each for each in self.heads.decoders if isinstance(each, torch.nn.Linear)]

    def _projected(self, said_NI: Tensor) -> Tensor:
        return said_NI @ self._directions_UIK

    def _scaled(self, features_UNK: Tensor) -> Tensor:
        return (features_UNK - self._mean_U1K) * self._scale_U1K

    def _train(
        self, features_UNK: Tensor, classes_N: Tensor, config: ReadOutConfig, seed: int
    ) -> None:
        generator = torch.Generator().manual_seed(seed)
        optimizer = torch.optim.Adam(self.heads.parameters(), lr=config.learning_rate)
        schedule = torch.optim.lr_scheduler.LinearLR(
            optimizer, start_factor=1.0, end_factor=0.0, total_iters=config.num_steps
        )
        num = len(classes_N)
        order = torch.empty(0, dtype=torch.long)
        for _ in range(config.num_steps):
            if len(order) < min(config.batch_size, num):
                order = torch.cat([order, torch.randperm(num, generator=generator)])
            taken, order = order[: config.batch_size], order[config.batch_size :]
            taken = taken.to(classes_N.device)
            optimizer.zero_grad()
            loss = self.heads.loss(features_UNK[:, taken], classes_N[taken], divisor=len(taken))
            loss.backward()
            optimizer.step()
            schedule.step()
        self.heads.eval()


def training_positions(
    trunk: Trunk, layer: WritingLayer, batches: Iterable[AskedBatch], most: int
) -> tuple[Tensor, Tensor]:
    """What the parts say (N, I) at the asked positions of a text, and the true tokens (N,).

    Raises ValueError where no position is asked.
    """
    said: list[Tensor] = []
    labels: list[Tensor] = []
    for batch in batches:
        said.append(said_at(trunk, layer, _on_device(trunk, batch), batch.asked_BT).float())
        labels.append(torch.from_numpy(batch.references_N.astype(np.int64)))
        if sum(map(len, labels)) >= most:
            break
    if not sum(map(len, labels)):
        raise ValueError("no position of the training text is asked for: give more text.")
    return torch.cat(said)[:most], torch.cat(labels)[:most].to(trunk.model.device)


def read_out_answers(
    trunk: Trunk,
    layer: WritingLayer,
    training: tuple[Tensor, Tensor],
    batches: Iterable[AskedBatch],
    directions: Mapping[str, Tensor],
    config: ReadOutConfig,
    *,
    seed: int,
) -> dict[str, ReadOuts]:
    """What read-outs of their own answer for each group of directions, from one pass of the trunk.

    Args:
        trunk: a trunk that ends at the layer's block, or above it.
        layer: the layer that the parts write by.
        training: as `training_positions` returns it.
        batches: what is asked.
        directions: by a name of the group, directions of shape (U, I, K).
        config: how read-outs are trained.
        seed: seed of their training.

    Returns:
        The read-outs' answers by the names of the groups.
    """
    trained = {
        name: LinearReadOuts(*training, directions_UIK, config, seed=seed)
        for name, directions_UIK in directions.items()
    }
    vocab_size = trunk.model.config.vocab_size
    answers = {
        name: PartAnswers.empty(len(directions_UIK), vocab_size)
        for name, directions_UIK in directions.items()
    }
    for batch in batches:
        said_NI = said_at(trunk, layer, _on_device(trunk, batch), batch.asked_BT).float()
        for name, read_outs in trained.items():
            answers[name].update(
                batch.references_N,
                read_outs(said_NI).cpu().numpy(),
                batch.treatments_N,
                batch.sequences_N,
            )
    return {name: ReadOuts(answers[name], trained[name].can_answer()) for name in directions}


def _on_device(trunk: Trunk, batch: AskedBatch) -> dict[str, Tensor]:
    return {name: values.to(trunk.model.device) for name, values in batch.inputs.items()}


def own_directions(layer: WritingLayer, parts: list[int]) -> Tensor:
    """The directions of the parts of these numbers, from 0: shape (U, I, K)."""
    axes_IUK = torch.eye(layer.width).unflatten(1, (layer.num_parts, layer.size))
    return axes_IUK[:, parts].permute(1, 0, 2).contiguous()
