"""How many FLOPs a second this machine does on models of a given shape: two seconds of trial.

One block of the run's own width (after its convolutions, where it has any) and its head are run
forward and backward, and forward alone, on random states: matrix products with all that is between
them, made as the run would choose to make them. What else a run does is in `OVERHEAD`. Source:
ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from hf_apt.arithmetic.arithmetic import Arithmetic
from hf_apt.arithmetic.matmul import fastest_matmul
from hf_apt.arithmetic.precision import MeasurePrecision, Precision
from hf_apt.arithmetic.step_trial import candidates, chosen, seconds_of
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
_MAX_CHOICE_FLOPS = 5e8
"""FLOPs of one repetition of a step while it is chosen how to multiply, about."""
_FEWEST_ROWS = 16
"""Rows of its products, at least."""


_ASKED = 1 / 7
"""Share of the positions that the head is tried at."""


@dataclass(frozen=True, kw_only=True)
class Speed:
    """FLOPs a second of each kind of `Work`."""

    trunk_training: float
    """Speed of the trunk forward and backward, in the precision of training."""

    head_training: float
    """Speed of the head forward and backward, in the precision of training."""

    trunk_reading: float
    """Speed of the trunk forward, in the precision of measuring."""

    head_reading: float
    """Speed of the head forward, up to the choice of the largest logit, in float32."""

    training: Arithmetic = Arithmetic()
    """How products are made in training."""

    reading: Arithmetic = Arithmetic()
    """How the trunk's products are made in measuring."""

    is_tried: bool = False
    """Whether the precision of training was chosen by a trial of a step, on a processor."""


def machine_speed(
    model: ModelCosts,
    *,
    batch_size: int,
    training: Precision = "auto",
    is_short: bool = False,
    reading: MeasurePrecision = "fp32",
    seconds: float = 2.0,
    clock: Callable[[], float] = time.perf_counter,
) -> Speed:
    """The speed on this process's device at `batch_size` sequences; a fifth of `seconds` a kind.

    A kind is tried once at least, and in part where the run's sizes would take long. How a
    processor multiplies in training is chosen first, as the run chooses it: by the time of a step,
    of which here a block and the head are timed, and the whole is reckoned from them.

    Args:
        model: the shape of the model.
        batch_size: sequences of a step.
        training: the precision that is asked for in training.
        is_short: whether training has so few steps that the run does not try how to multiply.
        reading: the precision of the trunk in measuring.
        seconds: how long to try, about.
        clock: what tells the time, in seconds.

    Returns:
        The speed of each kind of work, and how products were made.

    Raises:
        ValueError: for bf16 on a graphics card that has none.
    """
    trial = _Trial(model, batch_size, clock, seconds / 5)
    tries = trial.device.type == "cpu" and not is_short
    way = trial.training_way(training) if tries else _untried(training, trial.device)
    with way.applied(), way.autocast(trial.device.type):
        trained = trial.rate(trial.train_trunk), trial.rate(trial.train_head)
    read = trial.reading_way(reading)
    with read.applied(), read.autocast(trial.device.type):
        trunk_reading = trial.rate(trial.read_trunk)
    return Speed(
        trunk_training=trained[0],
        head_training=trained[1],
        trunk_reading=trunk_reading,
        head_reading=trial.rate(trial.read_head),
        training=way,
        reading=read,
        is_tried=tries and training == "auto",
    )


def expected_seconds(cost: PhaseCost, speed: Speed) -> float:
    """The time that a phase takes at that speed, with overhead; within `SPREAD` of it, we expect.

    `OVERHEAD` was measured in float32 on the CPU: on graphics cards a run of small batches waits
    for the processor, and takes longer.
    """
    seconds = sum(flops / getattr(speed, kind) for kind, flops in asdict(cost.work).items())
    is_of_heads = cost.name.endswith(("head", "heads"))
    name = "heads" if is_of_heads else "measuring" if cost.name == "untrained" else cost.name
    return seconds * OVERHEAD[name]


def _untried(precision: Precision, device: torch.device) -> Arithmetic:
    """How products are made where the run tries nothing: on graphics cards, and in few steps."""
    if device.type == "cpu":
        return Arithmetic(precision="bf16" if precision == "bf16" else "fp32")
    if precision == "bf16" and not trains_in_bfloat16():
        raise ValueError(
            "precision is bf16, and this device does not multiply in bfloat16: take fp32 or auto."
        )
    is_rounded = precision != "fp32" and trains_in_bfloat16()
    return Arithmetic(precision="bf16" if is_rounded else "fp32")


def _by(work: Callable[[], float]) -> Callable[[Arithmetic], float]:
    """`work` on a processor, by the arithmetic that it is given."""

    def step(way: Arithmetic) -> float:
        with way.applied(), way.autocast("cpu"):
            return work()

    return step


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
        self.whole = model
        block = replace(shape, hidden_size=width, num_heads=num_heads, num_blocks=1)
        self.costs = ModelCosts(  # those of the block that is made here, whatever the model is
            shape=replace(block, cls_norms=(), cls_projections=(), generator=None),  # of one token
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
        num_modified = max(min(int(batch_size * length * _ASKED), int(most / by_position)), 1)
        self.states_BTH = self._random(num_sequences, length, width)
        self.states_NH = self._random(num_modified, width)
        self.labels_N = torch.zeros(num_modified, dtype=torch.long, device=self.device)

    def training_way(self, precision: Precision) -> Arithmetic:
        """How a step of the whole model is fastest on a processor, within the precision."""
        ways = candidates(precision)
        if len(ways) == 1:
            return ways[0]
        length = self.costs.sequence_length
        parts = {
            self.train_trunk: self.whole.trunk_flops(length),
            self.train_head: length * _ASKED * self.whole.head_flops(),
        }
        seconds = dict.fromkeys(ways, 0.0)
        with self._few():
            for work, whole_flops in parts.items():
                done = work()
                for way, taken in seconds_of(_by(work), ways, rounds=1).items():
                    seconds[way] += (1 + BACKWARD) * whole_flops * taken / done
        return chosen(seconds)

    def reading_way(self, precision: MeasurePrecision) -> Arithmetic:
        """How the trunk is read fastest, within the precision."""
        is_settled = precision == "fp32" and fastest_matmul() == "default"
        if self.device.type != "cpu" or is_settled:
            return Arithmetic(precision=precision)
        with self._few():
            return chosen(seconds_of(_by(self.read_trunk), candidates(precision), rounds=1))

    @contextmanager
    def _few(self) -> Iterator[None]:
        """Within the block, there are fewer states, of a part of one sequence if need be."""
        states_BTH, states_NH, labels_N = self.states_BTH, self.states_NH, self.labels_N
        share, length = _MAX_CHOICE_FLOPS / (1 + BACKWARD), states_BTH.shape[1]
        num_tokens = max(int(share * length / self.costs.trunk_flops(length)), _FEWEST_ROWS)
        num_modified = max(int(share / self.costs.head_flops()), _FEWEST_ROWS)
        few_BTH = states_BTH[: max(num_tokens // length, 1), :num_tokens]
        self.states_BTH = few_BTH.detach().requires_grad_()
        self.states_NH = states_NH[:num_modified].detach().requires_grad_()
        self.labels_N = labels_N[:num_modified]
        try:
            yield
        finally:
            self.states_BTH, self.states_NH, self.labels_N = states_BTH, states_NH, labels_N

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
