"""The term of `BalancedContrast` in a training, with the features that it remembers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import gather_object
from safetensors.torch import load_file, save
from torch import Tensor
from transformers import TrainerCallback

from hf_apt.atomic import writing
from hf_apt.stats.counts import NOT_ASKED
from hf_apt.training.adversary.passes import unwrapped
from hf_apt.training.averages.checkpoint_file import checkpoint_file
from hf_apt.training.contrast.class_memory import ClassMemory
from hf_apt.training.contrast.contrastive_set import SetSizes, contrast_losses, contrastive_sets
from hf_apt.training.contrast.head_features import HeadFeatures
from hf_apt.training.objective import Step, Term, num_asked, weighted_sum

NAME = "balanced_contrast_memory.safetensors"
"""Name of the memory's file in a checkpoint's folder."""


class BalancedTerm(TrainerCallback):
    """The contrast of each example with a balanced set of its class.

    Args:
        config: the settings of `BalancedContrast`.
        model: a classifier.
    """

    def __init__(self, config: Any, model: Any):
        self.config = config
        self.features = HeadFeatures(unwrapped(model))
        self.num_classes = unwrapped(model).config.num_labels
        self.sizes = SetSizes(
            num_positives=config.num_positives,
            num_negatives=config.num_negatives,
            hardest=config.hardest,
            mix=config.mix,
        )
        self.memory = ClassMemory(self.num_classes, config.memory)
        self.progress = 0.0
        self._new: list[tuple[Tensor, Tensor]] = []

    def __call__(self, step: Step) -> tuple[Term, ...]:
        """The contrastive loss, summed over the labels of the batch, in nats."""
        num_asked(step.inputs)  # refuses labels that are no classes
        inputs, prototypes_CH = self.features.of(step.outputs["logits"])
        labels = step.inputs["labels"]
        is_asked = labels != NOT_ASKED
        features_NH, labels_N = inputs[is_asked], labels[is_asked]
        width = features_NH.shape[1]
        sets = contrastive_sets(
            [self.memory.of(label, width) for label in range(self.num_classes)],
            prototypes_CH,
            self.sizes,
            self.hard_share,
            step.seed,
        )
        losses_N = contrast_losses(
            features_NH, labels_N, prototypes_CH, *sets, self.config.temperature
        )
        if not step.is_again:
            self._new.append((features_NH.detach().float().cpu(), labels_N.cpu()))
        return (
            Term(
                name=self.config.name,
                total=weighted_sum(losses_N, step),
                num_items=step.num_items,
                weight=self.config.weight,
            ),
        )

    @property
    def hard_share(self) -> float:
        """The share of mixes in the sets, which grows to 1 in the course of the training."""
        return self.config.hard_share + (1 - self.config.hard_share) * self.progress

    def on_train_begin(
        self, args: Any, state: Any, control: Any, *, model: Any = None, **event: Any
    ) -> None:
        """Remember nothing, or what the checkpoint has that is resumed."""
        if model is not None:  # another one, where a Trainer makes it as it begins
            self.features.remove()
            self.features = HeadFeatures(unwrapped(model))
        arrays = _loaded(checkpoint_file(args, state, NAME)) if state.global_step else {}
        self.memory = ClassMemory.from_arrays(arrays, self.num_classes, self.config.memory)
        self._new = []

    def on_step_begin(self, args: Any, state: Any, control: Any, **event: Any) -> None:
        """Note how far the training has come."""
        self.progress = min(state.global_step / max(state.max_steps, 1), 1.0)

    def on_step_end(self, args: Any, state: Any, control: Any, **event: Any) -> None:
        """Remember the features of the step, of all processes in the order of the examples."""
        rank = PartialState().process_index
        own = [((number, rank), *each) for number, each in enumerate(self._new)]
        for _, features_NH, labels_N in sorted(gather_object(own), key=lambda each: each[0]):
            self.memory.add(features_NH, labels_N)
        self._new = []

    def on_save(self, args: Any, state: Any, control: Any, **event: Any) -> None:
        """Put the memory into the checkpoint."""
        if state.is_world_process_zero:
            arrays = self.memory.arrays() or {"nothing": torch.zeros(1)}
            with writing(checkpoint_file(args, state, NAME), "wb") as file:
                file.write(save(arrays))

    def on_train_end(self, args: Any, state: Any, control: Any, **event: Any) -> None:
        """Let go of the model, and of what the last passes caught."""
        self.features.remove()


def _loaded(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise ValueError(
            f"{path} is missing, which holds the features of earlier texts: go on from a "
            "checkpoint in the Trainer's own folder that was saved with balanced_contrast, or "
            "begin anew."
        )
    return load_file(path)
