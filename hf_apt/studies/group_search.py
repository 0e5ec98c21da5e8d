"""How many groups of units each layer is to have, by successive halving on validation accuracy.

Yoo et al. 2018, arXiv 1710.02277, train a controller by policy gradients for this. Ours draws
candidates at random and trains all of them for a little, the better half for twice as long, and so
on (Jamieson and Talwalkar 2016, "Non-stochastic Best Arm Identification", arXiv 1502.07943).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hf_apt.data.tasks.splits import Examples
from hf_apt.data.tasks.task import Task
from hf_apt.models.encoders import load_encoder
from hf_apt.training.finetune_config import FinetuneConfig
from hf_apt.training.finetuning import finetune
from hf_apt.training.methods.grouped_gradients import GroupedGradients

Candidate = tuple[int, ...]
"""A number of groups for each layer of units."""


@dataclass(frozen=True)
class Rung:
    """Candidates that were trained for equally long."""

    num_epochs: int
    """Passes over the texts that were not held out."""

    candidates: tuple[Candidate, ...]
    """The candidates, best first."""

    accuracies: tuple[float, ...]
    """Validation accuracy of each."""


def search_groups(
    checkpoint: str,
    task: Task,
    config: FinetuneConfig,
    *,
    num_layers: int,
    choices: Sequence[int] = (8, 16, 32, 64, 128),
    num_candidates: int = 8,
    validation_share: float = 0.25,
    method: GroupedGradients | None = None,
) -> tuple[GroupedGradients, list[Rung]]:
    """The grouped gradients whose numbers of groups answer held-out training texts best.

    Test texts are not looked at. The last rung has `config.num_epochs` epochs, each one before
    half as many.

    Args:
        checkpoint: folder, Hub id or shipped name of an encoder.
        task: the training texts; every fourth of a class is held out at a share of 0.25.
        config: how each candidate is trained.
        num_layers: layers of units: one for each block and kind.
        choices: numbers of groups that a layer can have.
        num_candidates: candidates of the first rung, drawn from `config.seed`.
        validation_share: share of each class's training texts that is held out.
        method: the other settings; the defaults if None.

    Returns:
        The method with the numbers of the best candidate, and all rungs.
    """
    start = method or GroupedGradients(num_groups=1)
    divided = held_out(task, validation_share)

    def accuracy(candidate: Candidate, num_epochs: int) -> float:
        grouped = replace(start, num_groups=candidate)
        training = replace(config, num_epochs=num_epochs, methods=(*config.methods, grouped))
        encoder = load_encoder(checkpoint, label_names=task.label_names, seed=config.seed)
        with tempfile.TemporaryDirectory(prefix="hf_apt-") as folder:
            logits_IC = finetune(encoder, divided, training, Path(folder))
        return float((logits_IC.argmax(axis=1) == divided.test.labels).mean())

    generator = np.random.default_rng(config.seed)
    drawn = [
        tuple(map(int, row)) for row in generator.choice(choices, (num_candidates, num_layers))
    ]
    rungs = successive_halving(list(dict.fromkeys(drawn)), config.num_epochs, accuracy)
    return replace(start, num_groups=rungs[-1].candidates[0]), rungs


def successive_halving(
    candidates: Sequence[Candidate],
    num_epochs: int,
    accuracy: Callable[[Candidate, int], float],
) -> list[Rung]:
    """The rungs: all candidates for few epochs, the better half for twice as many, to one at last.

    The last rung has `num_epochs`. Of equal accuracies the earlier candidate is taken to be better.
    """
    num_rungs = max(int(np.ceil(np.log2(len(candidates)))), 1)
    rungs: list[Rung] = []
    for rung in range(num_rungs):
        epochs = max(num_epochs // 2 ** (num_rungs - 1 - rung), 1)
        scores = [accuracy(candidate, epochs) for candidate in candidates]
        order = np.argsort([-score for score in scores], kind="stable")
        candidates = [candidates[place] for place in order]
        rungs.append(Rung(epochs, tuple(candidates), tuple(scores[place] for place in order)))
        candidates = candidates[: -(-len(candidates) // 2)]
    return rungs


def held_out(task: Task, share: float) -> Task:
    """`task` with a share of each class's training texts in place of its test texts.

    Raises ValueError where a class would be left without a text on one of the two sides.
    """
    labels = task.train.labels
    is_held = np.zeros(len(labels), bool)
    for label in range(task.num_labels):
        places = np.flatnonzero(labels == label)
        num = round(share * len(places))
        if not 0 < num < len(places):
            raise ValueError(
                f"a share of {share} of {len(places)} texts of {task.label_names[label]!r} leaves "
                "none to train with or to choose by: give more texts per class or another share."
            )
        is_held[places[-num:]] = True

    def part(mask: np.ndarray) -> Examples:
        texts = tuple(task.train.texts[place] for place in np.flatnonzero(mask))
        return Examples(texts, labels[mask])

    return replace(task, train=part(~is_held), test=part(is_held))
