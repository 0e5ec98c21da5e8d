"""Classifiers fine-tuned with one part of a block each: all others silenced, or read alone."""
# U parts, R seeds, X texts, I width of what all parts say.

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from hf_apt.analysis.experts.block_calls import WritingLayer, writing_layer
from hf_apt.analysis.experts.experts_config import ExpertsConfig
from hf_apt.analysis.experts.kept_parts import one_kept
from hf_apt.analysis.experts.part_probes import said_of_texts
from hf_apt.analysis.experts.silenced_training import PartClassifier, only_kept_in_training
from hf_apt.data.tasks.task import Task
from hf_apt.depths.trunk import Trunk
from hf_apt.models.devices import to_device
from hf_apt.models.dropout import set_dropout
from hf_apt.models.encoders import Encoder
from hf_apt.training.finetune_config import FinetuneConfig
from hf_apt.training.finetuning import finetune

Protocol = Literal["silenced", "read_out"]
"""All other parts say 0, and the model's own classifier answers; or a linear read-out of what the
part says answers."""

WHOLE, NONE = "whole", "none"
"""All parts of the block, and none of them."""


@dataclass(frozen=True)
class Arm:
    """One classifier to train."""

    protocol: Protocol
    """How the parts are kept apart."""

    name: str
    """The number of the part, from 0, as text; `whole` or `none`."""

    numbers: tuple[int, ...]
    """The parts that are kept, or read."""


Labels = Int[np.ndarray, "seed texts"]
"""The class that each seed's classifier gives each test text."""


def arms_of(numbers: Sequence[int], num_parts: int) -> list[Arm]:
    """The classifiers that are trained for each seed; a read-out of no part has nothing to read.

    >>> len(arms_of([0, 1], 2))
    7
    """
    everything = tuple(range(num_parts))
    protocols: tuple[Protocol, ...] = ("silenced", "read_out")
    made = [Arm(each, WHOLE, everything) for each in protocols] + [Arm("silenced", NONE, ())]
    return made + [Arm(each, str(one), (one,)) for each in protocols for one in numbers]


def finetuned_answers(
    load: Callable[[int], Encoder], task: Task, config: ExpertsConfig, numbers: Sequence[int]
) -> dict[Protocol, dict[str, Labels]]:
    """What classifiers answer that are fine-tuned with one part of a block each, for every seed.

    All weights are trained, as `hf_apt.training.finetuning.finetune` trains them; `whole` of
    `silenced` is that to the bit. The seed is that of fresh weights, dropout and order, the same
    for all arms.

    Args:
        load: the encoder with a fresh classifier by its seed, every time anew.
        task: texts with labels.
        config: the block, its parts, and how classifiers are trained.
        numbers: the parts that are asked one by one, from 0.

    Returns:
        The classes of the test texts by protocol, and by the name of the arm (`Arm`).

    Raises:
        ValueError: as `finetune`.
    """
    answers: dict[Protocol, dict[str, list[np.ndarray]]] = {"silenced": {}, "read_out": {}}
    arms = arms_of(numbers, _opened(load(config.finetune.seed), config)[1].num_parts)
    for number in range(config.finetune_seeds):
        seed = config.finetune.seed + number
        training = replace(config.finetune, seed=seed, sequence_length=config.sequence_length)
        spread = None
        for arm in arms:
            encoder = load(seed)
            trunk, layer = _opened(encoder, config)
            with tempfile.TemporaryDirectory() as folder:
                if arm.protocol == "silenced":
                    logits_XC = _silenced(encoder, trunk, layer, arm, task, training, Path(folder))
                else:
                    spread = spread or _spread(encoder, trunk, layer, task, config)
                    columns_J = one_kept(layer, arm.numbers).nonzero()[:, 0]
                    set_dropout(encoder.model, training.dropout)
                    reading = PartClassifier(trunk, layer, columns_J, *spread, task.num_labels)
                    reader = replace(encoder, model=cast(Any, reading))
                    as_set = replace(training, dropout=None)
                    logits_XC = finetune(reader, task, as_set, Path(folder))
            answers[arm.protocol].setdefault(arm.name, []).append(logits_XC.argmax(axis=1))
    return {
        protocol: {name: np.stack(labels) for name, labels in by_arm.items()}
        for protocol, by_arm in answers.items()
    }


def _silenced(
    encoder: Encoder,
    trunk: Trunk,
    layer: WritingLayer,
    arm: Arm,
    task: Task,
    training: FinetuneConfig,
    folder: Path,
) -> np.ndarray:
    train = partial(finetune, encoder, task, training, folder)
    if arm.name == WHOLE:
        return train()
    with only_kept_in_training(trunk, layer, one_kept(layer, arm.numbers)):
        return train()


def _opened(encoder: Encoder, config: ExpertsConfig) -> tuple[Trunk, WritingLayer]:
    to_device(encoder.model)
    trunk = Trunk(encoder.model)
    return trunk, writing_layer(trunk, config.block or trunk.num_depths - 1, config.parts)


def _spread(
    encoder: Encoder, trunk: Trunk, layer: WritingLayer, task: Task, config: ExpertsConfig
) -> tuple[Tensor, Tensor]:
    """Mean and inverse spread (I,) of what parts say of the training texts, before training."""
    said_XI = torch.from_numpy(
        said_of_texts(
            encoder,
            trunk,
            layer,
            task.train.texts,
            sequence_length=config.sequence_length,
            batch_size=config.measure.batch_size,
        )
    )
    spread_I = said_XI.std(dim=0)
    return said_XI.mean(dim=0), torch.where(spread_I > 0, 1 / spread_I, 0.0)
