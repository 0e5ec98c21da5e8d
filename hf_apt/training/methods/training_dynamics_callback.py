"""The callback that reads all training examples after each epoch."""
# N training examples.

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import distributed
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hf_apt.atomic import writing
from hf_apt.depths.model_calls import evaluating
from hf_apt.stats.dynamics.training_dynamics import DynamicsRecord
from hf_apt.training.methods.dynamics_file import FILE, read_dynamics, save_dynamics
from hf_apt.training.methods.training_rows import row_batches, some_rows

PICTURE = "data_map.png"
"""The picture's file beside it."""


class TrainingDynamicsCallback(TrainerCallback):
    """Reads all training examples after each epoch, as `TrainingDynamics` says.

    A resumed training goes on with the epochs that the file has of the steps before.

    Args:
        method: a `TrainingDynamics`.
    """

    def __init__(self, method: Any):
        self.method = method
        self.record = DynamicsRecord.empty(0)
        """What was read so far."""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Begin a record, or go on with the file's."""
        loader = event["train_dataloader"]
        num = len(some_rows(loader, None, self.method.name))
        device = event["model"].device
        _classes(next(row_batches(loader, [0], device, labels=True)), self.method.name)
        self.record = DynamicsRecord.empty(num)
        if not state.global_step:
            return
        path = _folder(args) / FILE
        if path.exists() and (before := read_dynamics(path)).probability_EN.shape[1] == num:
            self.record = before.until(state.global_step)
        else:
            warnings.warn(
                f"{path} does not have the epochs before step {state.global_step}: the record of "
                "training dynamics begins there.",
                stacklevel=2,
            )

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Read all examples, and write what was read so far; not where an epoch is broken off."""
        if state.epoch is None or not float(state.epoch).is_integer():
            return
        probability_N, is_right_N = answers_to_training_rows(
            event["model"], event["train_dataloader"], self.method.name
        )
        self.record = self.record.with_epoch(probability_N, is_right_N, state.global_step)
        if state.is_world_process_zero:
            save_dynamics(self.record, _folder(args) / FILE)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Draw, if asked for."""
        if self.method.picture and state.is_world_process_zero and len(self.record.step_E):
            from hf_apt.stats.pictures.data_map import data_map

            with writing(_folder(args) / PICTURE, "wb") as file:
                data_map(self.record).savefig(file, format="png", dpi=150)


def _folder(args: TrainingArguments) -> Path:
    return Path(str(args.output_dir))


@torch.no_grad()
def answers_to_training_rows(model: Any, loader: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The probability of each training row's label, float32 (N,), and whether it is the largest.

    NaN and False for a label of -100. Without dropout, in the precision of the Trainer, and
    without drawing random numbers; several processes divide the rows among them.

    Raises ValueError for rows that cannot be read by number, and for labels that are not one class
    for each row.
    """
    rows = some_rows(loader, None, name)
    world = distributed.get_world_size() if distributed.is_initialized() else 1
    rank = distributed.get_rank() if world > 1 else 0
    answers_2N = torch.zeros(2, len(rows), device=model.device)
    own = rows[rank::world]
    start = 0
    with evaluating(model):
        for batch in row_batches(loader, own, model.device, labels=True):
            labels_B = _classes(batch, name)
            part = own[start : start + len(labels_B)]
            start += len(part)
            batch.pop("labels")
            log_p_BC = model(**batch).logits.float().log_softmax(dim=-1)
            own_B = log_p_BC.gather(1, labels_B.clamp(min=0)[:, None])[:, 0].exp()
            is_asked_B = labels_B >= 0
            answers_2N[0, part] = own_B.masked_fill(~is_asked_B, float("nan"))
            answers_2N[1, part] = (is_asked_B & (log_p_BC.argmax(dim=-1) == labels_B)).float()
    if world > 1:
        distributed.all_reduce(answers_2N)
    probability_N, is_right_N = answers_2N.cpu().numpy()
    return probability_N, is_right_N > 0


def _classes(batch: dict[str, Any], name: str) -> torch.Tensor:
    labels = batch.get("labels")
    if labels is None or labels.dim() != 1 or labels.is_floating_point():
        raise ValueError(
            f"{name} is for classifiers with one class for each text, and the labels here are "
            f"{'missing' if labels is None else f'{labels.dtype} of shape {tuple(labels.shape)}'}: "
            "leave it out."
        )
    return labels
