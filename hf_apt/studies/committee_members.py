"""Members of a committee: checkpoints made into classifiers of one task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jaxtyping import Float
from numpy import ndarray

from hf_apt.data.tasks.task import Task
from hf_apt.data.tokenizer import fingerprint, load_tokenizer
from hf_apt.models.checkpoint_config import require_length
from hf_apt.models.encoders import Encoder, is_classifier, load_encoder
from hf_apt.models.lora import num_trained
from hf_apt.records.checkpoints import checkpoint_path
from hf_apt.records.fingerprints import recorded_identity
from hf_apt.training.finetune_config import FinetuneConfig
from hf_apt.training.finetuning import classify, finetune, to_train


@dataclass(frozen=True)
class MemberPlan:
    """What a member is to be made of."""

    checkpoint: str
    """A pre-trained model, or a classifier of the task's labels."""

    seed: int
    """Seed of the member's classifier, its adapters, and its order of texts."""

    is_trained: bool
    """Whether the checkpoint is fine-tuned; otherwise it is used as it is."""


@dataclass(frozen=True)
class Member:
    """A classifier of the task, and what it does with the test texts."""

    plan: MemberPlan
    """What the member was made of."""

    encoder: Encoder
    """The classifier; with adapters, if these were trained."""

    logits_IC: Float[ndarray, "inputs classes"]
    """Test logits of the member."""

    num_trained: int
    """Number of parameters that fine-tuning changed."""

    identity: dict[str, Any]
    """The fingerprints of its checkpoint when it was read."""

    def figures(self, task: Task) -> dict[str, Any]:
        """What the record says of it; the accuracy's standard error is the binomial one."""
        num_texts = len(task.test)
        accuracy = float((self.logits_IC.argmax(axis=1) == task.test.labels).mean())
        return {
            "checkpoint": self.plan.checkpoint,
            **self.identity,
            "model_type": self.encoder.model.config.model_type,
            "seed": self.plan.seed if self.plan.is_trained else None,
            "finetuned_here": self.plan.is_trained,
            "num_trained_parameters": self.num_trained,
            "accuracy": {
                "value": accuracy,
                "standard_error": (accuracy * (1 - accuracy) / num_texts) ** 0.5,
                "num": num_texts,
            },
        }


def plan_members(
    checkpoints: Sequence[str], num_seeds: int, label_names: Sequence[str], config: FinetuneConfig
) -> list[MemberPlan]:
    """One member for each checkpoint, or `num_seeds` of a single one; seeds count up.

    A checkpoint whose configuration names an architecture for classification, and the task's
    labels, is used as it is.

    Raises ValueError where there is no checkpoint, or one of another vocabulary, for other labels
    or with fewer positions than the texts have tokens; for several seeds of several checkpoints or
    of a classifier; and where training is called for and `config` has no epochs.
    """
    if not checkpoints:
        raise ValueError("a committee has at least one member, got none.")
    if num_seeds < 1 or (num_seeds > 1 and len(checkpoints) > 1):
        raise ValueError(
            f"{num_seeds} seeds make {num_seeds} classifiers of one checkpoint, got "
            f"{len(checkpoints)} checkpoints."
        )
    for name in checkpoints:
        require_length(name, config.sequence_length)
    names = [*checkpoints] * num_seeds
    plans = [
        MemberPlan(name, config.seed + place, not is_classifier(name, label_names))
        for place, name in enumerate(names)
    ]
    for plan in plans:
        if plan.is_trained and config.num_epochs < 1:
            raise ValueError(
                f"{plan.checkpoint!r} is not a classifier yet: fine-tuning it takes at least one "
                "epoch."
            )
    if num_seeds > 1 and not plans[0].is_trained:
        raise ValueError(
            f"{checkpoints[0]!r} is a classifier already: {num_seeds} seeds would all be this one."
        )
    _require_one_vocabulary(checkpoints)
    return plans


def make_member(plan: MemberPlan, task: Task, config: FinetuneConfig, scratch: Path) -> Member:
    """The member that `plan` says, fine-tuned on the task's training texts if it is to be."""
    config = replace(config, seed=plan.seed)
    encoder = load_encoder(plan.checkpoint, label_names=task.label_names, seed=plan.seed)
    identity = recorded_identity(plan.checkpoint)
    if not plan.is_trained:
        return Member(plan, encoder, classify(encoder, task, config, scratch), 0, identity)
    encoder = to_train(encoder, config)
    number = num_trained(encoder.model)
    return Member(plan, encoder, finetune(encoder, task, config, scratch), number, identity)


def _require_one_vocabulary(checkpoints: Sequence[str]) -> None:
    vocabularies = {
        name: fingerprint(load_tokenizer(checkpoint_path(name))) for name in checkpoints
    }
    first = checkpoints[0]
    for name, own in vocabularies.items():
        if own != vocabularies[first]:
            raise ValueError(
                f"the tokenizers of {first!r} and {name!r} have different vocabularies: the "
                "members of a committee read the same token ids."
            )
