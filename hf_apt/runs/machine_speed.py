"""How many FLOPs a second this machine does on models of a given shape: two seconds of trial.

One block of the run's own width (after its convolutions, where it has any) and its head are run
forward and backward, and forward alone, on random states: matrix products with all that is between
them. What else a run does is in `OVERHEAD`. Source: ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from hf_apt.depths.sweep import streamed_argmax
from hf_apt.models.devices import process_state, trains_in_bfloat16
from hf_apt.models.fresh import sized_model
from hf_apt.runs.planning.phase_cost import PhaseCost
from hf_apt.training.costs.model_costs import BACKWARD, ModelCosts

OVERHEAD: Mapping[str, float] = {
    **{"pretraining": 1.05, "heads": 1.4, "measuring": 0.8},
    **{"jacobian": 1.0, "translator": 1.6},
}
"""Time that a phase took over what its FLOPs take at the speed of the trial: Trainer, optimiser,
masking, evaluations. Measured on one core in float32 by `python -m tests.benchmarks expecting`, at
three sizes (64, 128, 768 units): 0.97 to 1.14, 1.06 to 1.94, 0.75 to 0.82. Of heads the last is
that of 64 units, where a step is little more than calls. Of lenses at 64, 128 and 256 units 0.78 to
1.13 and 1.22 to 2.07, the last again that of 64. Measuring takes less, as equal rows at the
embeddings are asked once."""

SPREAD = (0.7, 1.5)
"""Least and most time that is expected, over the estimate."""

_MAX_WIDTH = 1024
_MAX_LENGTH = 512
_MAX_DECODER = 1 << 25
"""What is wider, longer or has more tokens is tried at this size: speed grows no more."""
_MAX_FLOPS = {"cpu": 4e9}
_MAX_FLOPS_ELSEWHERE = 1e12
"""FLOPs of one repetition, at most."""


@dataclass(frozen=True, kw_only=True)
class Speed:
    """FLOPs a second of each kind of `Work`."""

    trunk_training: float
    """Speed of the trunk forward and backward, in the precision of training."""

    head_training: float
    """Speed of the head forward and backward, in the precision of training."""

    trunk_reading: float
    """Speed of the trunk forward, in float32."""

    head_reading: float
    """Speed of the head forward, up to the choice of the largest logit, in float32."""


def machine_speed(
    model: ModelCosts,
    *,
    batch_size: int,
    seconds: float = 2.0,
    clock: Callable[[], float] = time.perf_counter,
) -> Speed:
    """The speed on this process's device at `batch_size` sequences; a fourth of `seconds` a kind.

    A kind is tried once at least, and in part where the run's sizes would take long.
    """
    trial = _Trial(model, batch_size, clock, seconds / 4)
    with trial.autocast():
        training = trial.rate(trial.train_trunk), trial.rate(trial.train_head)
    reading = trial.rate(trial.read_trunk), trial.rate(trial.read_head)
    return Speed(
        trunk_training=training[0],
        head_training=training[1],
        trunk_reading=reading[0],
        head_reading=reading[1],
    )


def expected_seconds(cost: PhaseCost, speed: Speed) -> float:
    """The time that a phase takes at that speed, with overhead; within `SPREAD` of it, we expect.

    `OVERHEAD` was measured in float32 on the CPU: on graphics cards a run of small batches waits
    for the processor, and takes longer.
    """
    kinds = zip(astuple(cost.work), astuple(speed), strict=True)
    seconds = sum(flops / rate for flops, rate in kinds)
    is_of_heads = cost.name.endswith(("head", "heads"))
    name = "heads" if is_of_heads else "measuring" if cost.name == "untrained" else cost.name
    return seconds * OVERHEAD[name]


class _Trial:
    """One block and one head, of the run's sizes where these are not too large."""

    def __init__(
        self, model: ModelCosts, batch_size: int, clock: Callable[[], float], seconds: float
    ):
        self.clock, self.seconds = clock, seconds
        self.device = torch.device(str(process_state().device))
        shape = model.shape
        head_width = min(shape.hidden_size // shape.num_heads, _MAX_WIDTH)
        num_heads = min(shape.num_heads, max(_MAX_WIDTH // head_width, 1))
        width = num_heads * head_width
        self.costs = replace(
            model,
            shape=replace(shape, hidden_size=width, num_heads=num_heads, num_blocks=1),
            vocab_size=min(model.vocab_size, _MAX_DECODER // width),
            sequence_length=min(model.sequence_length, _MAX_LENGTH),
        )
        self.model: Any = sized_model(
            self.costs.shape,
            vocab_size=self.costs.vocab_size,
            num_positions=self.costs.sequence_length,
        ).to(self.device)
        most = _MAX_FLOPS.get(self.device.type, _MAX_FLOPS_ELSEWHERE)
        length = self.costs.sequence_length
        by_sequence = (1 + BACKWARD) * self.costs.trunk_flops(length)
        num_sequences = max(min(batch_size, int(most / by_sequence)), 1)
        by_position = (1 + BACKWARD) * self.costs.head_flops()
        num_modified = max(min(batch_size * length // 7, int(most / by_position)), 1)
        self.states_BTH = self._random(num_sequences, length, width)
        self.states_NH = self._random(num_modified, width)
        self.labels_N = torch.zeros(num_modified, dtype=torch.long, device=self.device)

    def autocast(self) -> torch.autocast:
        """Within the block, products are made in the precision of training."""
        enabled = trains_in_bfloat16()
        return torch.autocast(self.device.type, torch.bfloat16, enabled=enabled)

    def rate(self, work: Callable[[], float]) -> float:
        """FLOPs a second of `work`, which returns how many it did."""
        work()
        self._wait()
        flops, start = 0.0, self.clock()
        while True:
            flops += work()
            self._wait()
            elapsed = self.clock() - start
            if elapsed >= self.seconds:
                return flops / elapsed

    def train_trunk(self) -> float:
        """The FLOPs of a trial of the trunk, forward and backward."""
        states_BTH = self.model.train().bert(inputs_embeds=self.states_BTH).last_hidden_state
        states_BTH.float().sum().backward()
        return (1 + BACKWARD) * self._trunk_flops()

    def train_head(self) -> float:
        """The FLOPs of a trial of the head, forward and backward, with the loss."""
        logits_NV = self.model.train().cls(self.states_NH)
        nn.functional.cross_entropy(logits_NV.float(), self.labels_N).backward()
        return (1 + BACKWARD) * self._head_flops()

    @torch.no_grad()
    def read_trunk(self) -> float:
        """The FLOPs of a trial of the trunk, forward alone."""
        self.model.eval().bert(inputs_embeds=self.states_BTH)
        return self._trunk_flops()

    @torch.no_grad()
    def read_head(self) -> float:
        """The FLOPs of a trial of the head, forward to the most probable token."""
        head = self.model.eval().cls.predictions
        streamed_argmax(head.transform(self.states_NH), head.decoder.weight, head.decoder.bias)
        return self._head_flops()

    def _trunk_flops(self) -> float:
        num_sequences, length, _ = self.states_BTH.shape
        return num_sequences * self.costs.trunk_flops(length)

    def _head_flops(self) -> float:
        return len(self.states_NH) * self.costs.head_flops()

    def _random(self, *shape: int) -> Tensor:
        return torch.randn(*shape, device=self.device).requires_grad_()

    def _wait(self) -> None:
        if self.device.type != "cpu":
            torch.accelerator.synchronize()
