"""The callback of grouped gradients: groups as a training begins, averages in each step."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import distributed
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import ExportableState

from hf_apt.models.lora import is_adapted
from hf_apt.stats.units.unit_groups import activation_groups, random_groups
from hf_apt.training.adversary.whole_weights import require_whole_weights
from hf_apt.training.methods.averaging import average_gradients
from hf_apt.training.methods.optimizer_hook import require_hook
from hf_apt.training.methods.training_rows import row_batches, some_rows
from hf_apt.training.methods.unit_activations import unit_activations
from hf_apt.training.methods.unit_layers import UnitLayer, unit_layers


class GroupedGradientsCallback(TrainerCallback, ExportableState):
    """Averages gradients of units that are active alike, as `GroupedGradients` says.

    Args:
        method: a `GroupedGradients`; or the same as a dictionary, as checkpoints keep it.
    """

    def __init__(self, method: Any):
        self._settings = dict(method) if isinstance(method, Mapping) else asdict(method)
        self.method: Any = SimpleNamespace(**self._settings)
        self.groups: dict[str, list[int]] = {}
        """The group of each unit by layer, as soon as the training has begun."""
        self._layers: list[UnitLayer] = []
        self._of_units: dict[str, torch.Tensor] = {}

    def state(self) -> dict[str, Any]:
        """What checkpoints keep: the settings, and the groups."""
        return {"args": {"method": self._settings}, "attributes": {"groups": self.groups}}

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Find the units, and group them; those of a resumed training are in its checkpoint."""
        self._layers, self._of_units = [], {}
        if self.method.strength == 0:
            return
        require_hook(self.method.name)
        require_whole_weights(args, self.method.name, "whole gradients")
        model, loader = event["model"], event["train_dataloader"]
        if is_adapted(model):
            raise ValueError(self._untrained())
        first = next(row_batches(loader, some_rows(loader, 1, self.method.name), model.device))
        self._layers = unit_layers(model, first, self.method.units)
        weights = [weight.parameter for layer in self._layers for weight in layer.weights]
        if not weights:
            return
        if not any(weight.requires_grad for weight in weights):
            raise ValueError(self._untrained())
        kept = self._kept(state) if state.global_step else {}  # a training that is gone on with
        self._take(kept or self._grouped(model, loader))

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Group anew where it is time to."""
        every, step = self.method.regroup_every, state.global_step
        if self._layers and every and step and step % every == 0:
            self._take(self._grouped(event["model"], event["train_dataloader"]))

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Average the gradients of this step, which are clipped and not yet used."""
        for layer in self._layers:
            average_gradients(
                layer,
                self._of_units[layer.name],
                self.method.strength,
                match_norm=self.method.match_norm,
            )

    def _untrained(self) -> str:
        return (
            f"{self.method.name} averages the gradients of the blocks' own weights, which are not "
            "trained here: leave out adapters, or the method."
        )

    def _take(self, groups: dict[str, list[int]]) -> None:
        self.groups = groups
        self._of_units = {
            layer.name: torch.tensor(groups[layer.name], device=layer.writes.weight.device)
            for layer in self._layers
        }

    def _kept(self, state: TrainerState) -> dict[str, list[int]]:
        """The groups that the checkpoint has of these units with these settings; else nothing."""
        before: Any = state.stateful_callbacks or {}
        kept = before.get(type(self).__name__)
        settings = json.loads(json.dumps(self.state()["args"]))
        if not isinstance(kept, Mapping) or kept["args"] != settings:
            return {}
        groups = kept["attributes"]["groups"]
        wanted = {layer.name: layer.num_units for layer in self._layers}
        return groups if {name: len(each) for name, each in groups.items()} == wanted else {}

    def _grouped(self, model: Any, loader: Any) -> dict[str, list[int]]:
        """The groups by what is active now; in all processes those of the first."""
        if all(
            self._num_groups(place) >= each.num_units for place, each in enumerate(self._layers)
        ):
            warnings.warn(
                f"{self.method.name} has as many groups as there are units, at most "
                f"{max(each.num_units for each in self._layers)} in a layer: it does nothing.",
                stacklevel=2,
            )
        rows = some_rows(loader, self.method.num_texts, self.method.name)
        read = unit_activations(model, row_batches(loader, rows, model.device), self._layers)
        groups: list[Any] = [
            {
                layer.name: self._groups_of(activations_NU, place).tolist()
                for place, (layer, activations_NU) in enumerate(
                    zip(self._layers, read, strict=True)
                )
            }
        ]
        if distributed.is_available() and distributed.is_initialized():
            distributed.broadcast_object_list(groups)
        return groups[0]

    def _groups_of(
        self, activations_NU: Float[np.ndarray, "texts units"], place: int
    ) -> Int[np.ndarray, " units"]:
        num_groups = self._num_groups(place)
        groups_U = activation_groups(activations_NU, num_groups, seed=self.method.seed)
        if self.method.groups == "random":
            return random_groups(groups_U, seed=self.method.seed + place)
        return groups_U

    def _num_groups(self, place: int) -> int:
        """The number of groups of one of the layers."""
        numbers, num_layers = self.method.num_groups, len(self._layers)
        if isinstance(numbers, int):
            return numbers
        if len(numbers) != num_layers:
            raise ValueError(
                f"{self.method.name} has {len(numbers)} numbers of groups and the model "
                f"{num_layers} layers of units: give one for each, or one for all."
            )
        return numbers[place]
