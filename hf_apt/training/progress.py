"""The Trainer's progress bar with a name, its speed and the latest loss, and no printed lines."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from time import perf_counter
from typing import Any

import torch
from accelerate.utils import gather_object
from tqdm.auto import tqdm
from transformers import Trainer
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from hf_apt.arithmetic.matmul import float32_by, is_exact
from hf_apt.training.costs.matrix_rate import matrix_rate

_BAR = "{desc}{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{remaining}{postfix}]"
"""One line of 80 columns: the time that is left, but not what has passed, nor steps a second."""


class NamedProgress(ProgressCallback):
    """One bar for the whole training, and a line for each evaluation in between."""

    def __init__(
        self,
        name: str,
        tokens_in_step: int | None = None,
        flops: Callable[[int], float] | None = None,
    ):
        super().__init__()
        self.name = name
        self.tokens_in_step = tokens_in_step
        self.flops = flops
        self.figures: dict[str, str] = {}
        self.start = (0, 0.0)
        self.rate = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Name the bar that the Trainer opens; see how fast its devices could be."""
        super().on_train_begin(args, state, control, **kwargs)
        if self.flops:
            self.rate = _rate_of_all_devices(args)
        self.start = (state.global_step, perf_counter())
        if self.training_bar is not None:
            self.training_bar.bar_format = _BAR
            self.training_bar.set_description(self.name)

    def on_prediction_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Show no second bar."""

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Show the latest losses, and the speed since this process began, all included."""
        first_step, began = self.start
        if state.global_step > first_step:
            seconds = max(perf_counter() - began, 1e-9)
            if self.tokens_in_step:
                tokens = (state.global_step - first_step) * self.tokens_in_step
                self.figures["speed"] = f"{tqdm.format_sizeof(tokens / seconds)} tok/s"
            if self.flops:
                flops = self.flops(state.global_step) - self.flops(first_step)
                self.figures["MFU"] = f"MFU {100 * flops / seconds / self.rate:.0f} %"
        if "loss" in (logs or {}):
            self.figures["loss"] = f"loss {float(logs['loss']):.2f}"
        if self.training_bar is None:
            return
        if "eval_loss" in (logs or {}):
            loss = float(logs["eval_loss"])
            self.training_bar.write(
                f"step {state.global_step:,}: validation loss {loss:.3f}", file=sys.stderr
            )
        self.training_bar.set_postfix_str(", ".join(self.figures.values()))


def name_progress(
    trainer: Trainer,
    name: str,
    *,
    tokens_in_step: int | None = None,
    flops: Callable[[int], float] | None = None,
) -> Trainer:
    """`trainer` with a named bar in place of its own.

    It shows tokens a second where it is told how many there are in a step, over all processes; and
    the model FLOPs utilisation where it is told the model FLOPs of the first n steps, over all
    processes, as a function of n. MFU ("PaLM", Chowdhery et al. 2022, arXiv 2204.02311, appendix
    B): model FLOPs a second, without anything that is computed again, over those that the devices
    could do. Here these are not the maker's figure but `fastest_rate`, taken at the start in the
    precision of the training, all processes at the same time. The time is that of the tokens a
    second, evaluations and checkpoints included.
    """
    trainer.remove_callback(ProgressCallback)
    trainer.remove_callback(PrinterCallback)  # in its place where transformers logs errors only
    trainer.add_callback(NamedProgress(name, tokens_in_step, flops))
    return trainer


def _rate_of_all_devices(args: Any) -> float:
    """FLOPs a second in the precision of the training; each process asks for its own devices."""
    dtype = torch.bfloat16 if args.bf16 else torch.float16 if args.fp16 else torch.float32
    own = fastest_rate(args.device, dtype) * max(args.n_gpu, 1)
    return sum(gather_object([own]))


@cache
def fastest_rate(device: torch.device, dtype: torch.dtype) -> float:
    """FLOPs a second of plain products of `dtype` by the fastest library, found once in a process.

    On the processor float32 squares are multiplied as torch is set, and by oneDNN where that is
    exact; of other types and devices torch has one way. Source: ours.
    """
    rate = matrix_rate(device, dtype)
    if device.type != "cpu" or dtype != torch.float32 or not is_exact("onednn"):
        return rate
    with float32_by("onednn"):
        return max(rate, matrix_rate(device, dtype))
