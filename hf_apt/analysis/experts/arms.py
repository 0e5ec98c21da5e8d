"""Everything that is asked of the parts of a block: they themselves, and their controls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, takewhile
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hf_apt.analysis.experts.block_calls import WritingLayer, writing_layer
from hf_apt.analysis.experts.experts_config import ExpertsConfig
from hf_apt.analysis.experts.greedy_sets import GreedySets, greedy_sets, num_greedy
from hf_apt.analysis.experts.kept_parts import one_kept, random_directions
from hf_apt.analysis.experts.read_outs import (
    ReadOuts,
    own_directions,
    read_out_answers,
    training_positions,
)
from hf_apt.analysis.experts.silenced import mean_said, silenced_answers
from hf_apt.data.measurement_batches import AskedBatch
from hf_apt.depths.trunk import Trunk
from hf_apt.models.fresh import untrained_twin
from hf_apt.stats.experts.answerable import MOST_NUMBERS
from hf_apt.stats.experts.greedy_order import PartSet
from hf_apt.stats.experts.part_answers import PartAnswers

OWN, DIRECTIONS, FRESH = "own", "random directions", "fresh weights"
"""The parts themselves, equally wide random directions, and the parts before training."""

Batches = Callable[[Trunk], Iterator[AskedBatch]]
"""Makes the batches of a text for a trunk, as often as needed."""


@dataclass(frozen=True)
class Arms:
    """What was answered, by protocol and arm."""

    numbers: list[int]
    """The parts that were asked one by one, from 0."""

    silenced: dict[str, PartAnswers]
    """All other parts silenced, by the arm; `whole` is the model as it is, `none` all silenced."""

    kept: list[tuple[int, PartAnswers]]
    """How many parts were kept, and the answers of each set of so many."""

    read_out: dict[str, ReadOuts]
    """Read-outs of their own, by the arm."""

    narrow: list[tuple[int, ReadOuts]] = field(default_factory=list)
    """How many single numbers were read, and the read-outs of several sets of so many."""

    greedy: GreedySets | None = None
    """Parts kept in greedy order; None where no such order was asked for or can be judged."""


def numbers_of(layer: WritingLayer, config: ExpertsConfig) -> list[int]:
    """The parts that are asked one by one, from 0. Raises ValueError for one that is not there."""
    what = {"heads": "heads", "nodes": "nodes", "feed_forward": "feed-forward units"}[config.parts]
    for number in config.chosen:
        if not 1 <= number <= layer.num_parts:
            raise ValueError(f"the block has the {what} 1 to {layer.num_parts}, not {number}.")
    if config.chosen:
        return [number - 1 for number in config.chosen]
    if layer.num_parts < 2:
        raise ValueError(
            f"the block has {layer.num_parts} {what}, and parts are told by what others do not "
            "know: take nodes or feed-forward units."
        )
    if layer.num_parts <= config.num_parts:
        return list(range(layer.num_parts))
    drawn = np.random.default_rng(config.seed).permutation(layer.num_parts)[: config.num_parts]
    return sorted(drawn.tolist())


def sizes_of(num_parts: int) -> list[int]:
    """How many parts are kept: every number from 1 up to 16 parts, then each twice the last.

    >>> sizes_of(4), sizes_of(100)
    ([1, 2, 3], [1, 2, 4, 8, 16, 32, 64])
    """
    if num_parts <= 16:
        return list(range(1, num_parts))
    return list(takewhile(lambda size: size < num_parts, accumulate([1] * 20, lambda a, _: 2 * a)))


def ask_silenced(
    trunk: Trunk, layer: WritingLayer, held_out: Batches, numbers: list[int], config: ExpertsConfig
) -> tuple[dict[str, PartAnswers], list[tuple[int, PartAnswers]]]:
    """The answers with all but some parts silenced: each arm's, and those of growing sets.

    The sets of one random order hold each other, and there are `config.num_orders` orders.
    """
    choices: dict[str, list[Tensor]] = {
        OWN: [one_kept(layer, [number]) for number in numbers],
        "none": [one_kept(layer, [])],
    }
    if config.controls:
        choices[DIRECTIONS] = list(_directions(layer, numbers, config))
    rng = np.random.default_rng(config.seed)
    orders = [rng.permutation(layer.num_parts).tolist() for _ in range(config.num_orders)]
    sizes = sizes_of(layer.num_parts)
    for size in sizes:
        choices[f"kept {size}"] = [one_kept(layer, order[:size]) for order in orders]
    answers = silenced_answers(
        trunk, layer, held_out(trunk), choices, _mean(trunk, layer, held_out, config)
    )
    kept = [(size, answers.pop(f"kept {size}")) for size in sizes]
    ends = (0, answers["none"]), (layer.num_parts, answers["whole"])
    return answers, [ends[0], *kept, ends[1]]


def ask_greedily(
    trunk: Trunk,
    layer: WritingLayer,
    held_out: Batches,
    none: PartAnswers,
    config: ExpertsConfig,
) -> GreedySets | None:
    """The parts of a block in the order in which each one kept brings the most, if it is asked.

    `none` is what the model answers on the held-out text with no part kept.
    """
    most = num_greedy(layer.num_parts, config)
    if not most:
        return None
    mean_I = _mean(trunk, layer, held_out, config)

    def ask(sets: Sequence[PartSet]) -> PartAnswers:
        choices = {"kept": [one_kept(layer, sorted(one)) for one in sets]}
        return silenced_answers(trunk, layer, held_out(trunk), choices, mean_I)["kept"]

    return greedy_sets(ask, none, layer.num_parts, most)


def _mean(
    trunk: Trunk, layer: WritingLayer, held_out: Batches, config: ExpertsConfig
) -> Tensor | None:
    if config.silence == "zero":
        return None
    batches = held_out(trunk)
    try:
        return mean_said(trunk, layer, next(batches))
    finally:
        getattr(batches, "close", lambda: None)()


def _directions(layer: WritingLayer, numbers: list[int], config: ExpertsConfig) -> Tensor:
    return random_directions(layer, len(numbers), seed=config.seed)


def ask_all(model: Any, train: Batches, held_out: Batches, config: ExpertsConfig) -> Arms:
    """Everything that is asked of the parts of a block on a text.

    Raises ValueError, before any pass over the text, for a block or part that the model lacks.
    """
    trunk = Trunk(model)
    block = config.block or trunk.num_depths - 1
    layer = writing_layer(trunk, block, config.parts)
    numbers = numbers_of(layer, config)
    silenced, kept = ask_silenced(trunk, layer, held_out, numbers, config)
    greedy = ask_greedily(trunk, layer, held_out, silenced["none"], config)
    groups = {OWN: own_directions(layer, numbers)}
    if config.controls:
        groups[DIRECTIONS] = _directions(layer, numbers, config)
    sizes = _narrow_sizes(layer, config)
    groups |= {f"narrow {size}": _sets(layer, size, config) for size in sizes}
    read_out = _read_out(trunk, layer, train, held_out, groups, config)
    narrow = [(size, read_out.pop(f"narrow {size}")) for size in sizes]
    if config.controls:
        fresh = Trunk(untrained_twin(model, seed=config.seed).to(model.device))
        its_layer = writing_layer(fresh, block, config.parts)
        choices = {FRESH: [one_kept(its_layer, [number]) for number in numbers]}
        mean_I = _mean(fresh, its_layer, held_out, config)
        silenced |= {
            FRESH: silenced_answers(fresh, its_layer, held_out(fresh), choices, mean_I)[FRESH]
        }
        groups = {FRESH: own_directions(its_layer, numbers)}
        read_out |= _read_out(fresh, its_layer, train, held_out, groups, config)
    return Arms(numbers, silenced, kept, read_out, narrow, greedy)


def _read_out(
    trunk: Trunk,
    layer: WritingLayer,
    train: Batches,
    held_out: Batches,
    groups: dict[str, Tensor],
    config: ExpertsConfig,
) -> dict[str, ReadOuts]:
    training = training_positions(trunk, layer, train(trunk), config.read_out.num_positions)
    return read_out_answers(
        trunk, layer, training, held_out(trunk), groups, config.read_out, seed=config.seed
    )


def _narrow_sizes(layer: WritingLayer, config: ExpertsConfig) -> list[int]:
    if config.parts == "heads":
        return []
    return [size for size in (*range(1, MOST_NUMBERS + 1), 8, 32) if size <= layer.width]


def _sets(layer: WritingLayer, size: int, config: ExpertsConfig) -> Tensor:
    """Random sets of single numbers: directions of shape (orders, I, size)."""
    rng = np.random.default_rng([config.seed, size])
    axes_II = torch.eye(layer.width)
    return torch.stack(
        [
            axes_II[:, torch.from_numpy(rng.permutation(layer.width)[:size])]
            for _ in range(config.num_orders)
        ]
    )
