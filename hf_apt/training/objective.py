"""What an objective is: a term that is added to the loss of a Trainer, of known normalisation.

`hf_apt.training.objective_trainer.WithObjectives` adds objectives to any Trainer; each has a file
of its own in `hf_apt.training.objectives`.
"""
# C classes: ids of the vocabulary for a masked LM, labels for a classifier.

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from hf_apt.stats.not_asked import NOT_ASKED

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Step:
    """What an objective is given: one batch of one process in training, after the forward pass."""

    model: Any
    """The model as the Trainer calls it, wrapped for several processes or compiled."""

    inputs: Mapping[str, Any]
    """The batch on the model's device, labels included, weights of examples not. Not to be
    changed."""

    outputs: Any
    """What the model returned for it."""

    loss: Tensor
    """The plain loss, a scalar with a gradient, in the Trainer's own normalisation."""

    num_items: Tensor
    """What the objective's `count` gives for all batches of this optimiser step together, over
    accumulation steps and processes: a scalar, at least 1."""

    loss_and_outputs: Callable[[Mapping[str, Any]], tuple[Tensor, Any]]
    """Another forward pass, on the inputs it is given: the plain loss, normalised as `loss` is, and
    outputs. It draws dropout of its own."""

    seed: int = 0
    """A number for what an objective draws by itself: alike in all batches of an optimiser step, in
    all processes and after a resumption, and another one in every step and for every seed of the
    Trainer."""

    weights: Tensor | None = None
    """A factor of each text's loss, or of each label's, where the Trainer weighs examples
    (`hf_apt.training.losses.example_weights`); `weighted_sum` takes it into account."""

    num_steps_before: int = 0
    """Optimiser steps that the training has made before this one, also before it was resumed."""

    part: int = 0
    """Number of this batch among those of the optimiser step, from 0: first by accumulation step,
    then by process."""

    num_parts: int = 1
    """Batches of the optimiser step, over accumulation steps and processes."""

    is_again: bool = False
    """Whether the same batch has been passed before in this optimiser step, as what goes around a
    step may ask for: not to be remembered twice."""


@dataclass(frozen=True, kw_only=True)
class Term:
    """One summand of the loss: weight * total / num_items, summed over the batches of a step."""

    name: str
    """Under which it is logged, in the unit of total / num_items; `<name>_weighted` is times the
    weight."""

    total: Tensor
    """A float32 scalar with a gradient: the sum over the items of this batch."""

    num_items: Tensor | None
    """Items of the whole step, as `Step.num_items` has them, so that the term does not depend on
    how the step is divided over accumulation steps and processes. None if `total` is a plain loss
    of `Step`, or a multiple or difference of such, whose normalisation it shares."""

    weight: float
    """Factor in the loss; a term of weight 0 is logged alone, without a weighted value."""


@dataclass(frozen=True, kw_only=True)
class TrainingSetup:
    """What is known of a training as its Trainer is made."""

    model: Any
    """What is trained, not wrapped; its weights may be others when training begins."""

    args: Any
    """The Trainer's `TrainingArguments`."""

    tokenizer: Any = None
    """The Trainer's `processing_class`, by which an objective reads texts of its own; None where
    the Trainer was given none."""

    train_dataset: Any = None
    """The Trainer's training data, as it was given them."""


class Objective(Protocol):
    """A frozen configuration that can be called: what is added to the loss, and how much of it.

    An implementation is a frozen dataclass, so that a run can be told from another one by its JSON:
    `name` is a field with a default that the constructor does not take.
    """

    @property
    def name(self) -> str:
        """How it is told from other objectives, and the first word of its terms."""
        ...

    @property
    def weight(self) -> float:
        """Factor of its term, at least 0; at 0 it is never called."""
        ...

    def count(self, inputs: Mapping[str, Any]) -> Tensor | int:
        """The number of items in a batch, before any forward pass; their sum is `Step.num_items`.

        It must draw no random numbers.
        """
        ...

    def __call__(self, step: Step) -> tuple[Term, ...]:
        """The objective's terms for one batch: the same names at every call."""
        ...


@runtime_checkable
class NeedsTrainer(Protocol):
    """An objective that is not for every model, or that keeps something from step to step."""

    def in_training(self, setup: TrainingSetup) -> Callable[[Step], tuple[Term, ...]]:
        """What the Trainer of a model calls in its place.

        If that is a `TrainerCallback`, the Trainer lets it know of its events. Called once, as the
        Trainer is made; its weights may be others when training begins.

        Raises ValueError for a model or a Trainer that the objective is not for.
        """
        ...


class InTrainingOnly:
    """What objectives share that a Trainer calls through what `in_training` gives, and only so."""

    name: Any
    """Name of the objective."""

    lacks: ClassVar[str]
    """What is the matter outside of a training, as in `has no texts`."""

    def __call__(self, step: Step) -> tuple[Term, ...]:
        """Nothing outside of a training: a Trainer calls what `in_training` gives.

        Args:
            step: what an objective is given.

        Returns:
            Never.

        Raises:
            ValueError: always.
        """
        raise ValueError(
            f"{self.name} {self.lacks} outside of a training: call what in_training(setup) "
            "returns, as hf_apt.WithObjectives does."
        )


@runtime_checkable
class AroundStep(Protocol):
    """What `in_training` may give for an objective that changes how gradients are computed."""

    def around_step(self, model: Any, passed: Callable[[], Tensor]) -> Tensor:
        """Leave the gradients of one batch in `model`, and return its loss for the log.

        Each call of `passed` goes forward and back once, adds the gradients of the batch to those
        in the model, and returns its loss. The terms of the first call are those that are logged.
        """
        ...


def num_asked(inputs: Mapping[str, Any]) -> Tensor:
    """The number of labels in a batch other than -100: texts, or asked positions.

    Raises ValueError if there are no labels, or none that are classes.
    """
    return (_labels(inputs) != NOT_ASKED).sum()


def asked_logits(
    outputs: Any, inputs: Mapping[str, Any]
) -> tuple[Float[Tensor, "n classes"], Bool[Tensor, " n"]]:
    """Logits in float32, one row for each label other than -100, and which rows count.

    Rows are in the order of the labels. A model may return logits at all positions of `labels`, or,
    as `Bert6ForMaskedLM` does in training, of the asked ones alone; those of the positions that pad
    `asked_positions` to a fixed number do not count. The logits of a causal LM answer the next
    position's label: it is not for these.

    Raises ValueError if there are no labels, none that are classes, or logits of another shape.
    """
    labels = _labels(inputs)
    if not isinstance(outputs, Mapping) or "logits" not in outputs:
        raise ValueError("the model returns no logits by that name: leave out return_dict=False.")
    logits = outputs["logits"].float()
    asked = labels != NOT_ASKED
    if logits.shape[:-1] == labels.shape:
        return logits[asked], asked[asked]
    places_N = inputs.get("asked_positions")
    asked_N = asked[asked] if places_N is None else asked.flatten()[places_N]
    if logits.shape[:-1] != asked_N.shape:
        raise ValueError(
            f"logits of shape {tuple(logits.shape)} do not belong to labels of shape "
            f"{tuple(labels.shape)}: there must be one row of logits for each label."
        )
    return logits, asked_N


def weighted_sum(values_N: Float[Tensor, " n"], step: Step) -> Tensor:
    """The sum of one value for each answer of a batch, each times its example's weight if it has.

    Answers are labels other than -100, in their order; in regression texts. Raises ValueError for
    another number of them where there are weights.
    """
    if step.weights is None:
        return values_N.sum()
    labels = step.inputs["labels"]
    if labels.is_floating_point():
        weights_N = step.weights.flatten()
    else:
        weights_N = of_each_label(step.weights, labels)[labels != NOT_ASKED]
    if weights_N.shape != values_N.shape:
        raise ValueError(
            f"there are {len(values_N)} answers in a batch and {len(weights_N)} weights: weights "
            "of examples are for models that answer each label once."
        )
    return (values_N * weights_N.to(values_N)).sum()


def of_each_label(weights: Tensor, labels: Tensor) -> Tensor:
    """The weight of each label, of the labels' shape: that of its text, where texts have them."""
    if weights.shape == labels.shape:
        return weights
    return weights.reshape(-1, *[1] * (labels.dim() - 1)).expand(labels.shape)


def require_weight(objective: Objective) -> None:
    """Raise ValueError unless the weight of `objective` is a number that can be a factor."""
    if not (math.isfinite(objective.weight) and objective.weight >= 0):
        raise ValueError(
            f"the weight of {objective.name} is {objective.weight}: give a finite number of at "
            "least 0, where 0 leaves the objective out."
        )


def require_objectives(objectives: Iterable[Objective]) -> None:
    """Raise ValueError for an invalid weight, and for two objectives of one name."""
    names: set[str] = set()
    for objective in objectives:
        require_weight(objective)
        if objective.name in names:
            raise ValueError(
                f"there are two objectives named {objective.name}: give it once, with the weight "
                "that it is to have."
            )
        names.add(objective.name)


def _labels(inputs: Mapping[str, Any]) -> Tensor:
    labels = inputs.get("labels")
    if labels is None:
        raise ValueError("the batch has no labels: this objective is for supervised training.")
    if labels.is_floating_point():
        raise ValueError(
            f"the labels are of type {labels.dtype}, not classes: this objective is for "
            "classification and masked language modelling."
        )
    return labels
