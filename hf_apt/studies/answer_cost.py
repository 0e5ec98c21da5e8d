"""What an answer of a classifier or a committee costs: parameters, operations, time."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from hf_apt.models.committee.combination import combined
from hf_apt.models.committee.modeling_committee import SoftCommittee, logits_of

Inputs = dict[str, Tensor]


@dataclass(frozen=True)
class Latency:
    """Time from token ids to logits, median of repetitions, in milliseconds."""

    batch_size: int
    """Number of texts in the batch."""

    in_sequence_ms: float
    """Time with the members one after the other."""

    in_parallel_ms: float
    """Time with the members side by side, in threads on a processor, in streams on a GPU; NaN if
    that is not possible, as for a single model."""


@dataclass(frozen=True)
class Cost:
    """What a forward pass costs."""

    num_parameters: int
    """Weights in memory, each counted once."""

    flops: int
    """Floating point operations of one text in matrix products, attention and convolutions; a
    multiplication and an addition count as two."""

    sequence_length: int
    """Number of tokens in each text."""

    latencies: tuple[Latency, ...]
    """Latencies, one for each batch size."""

    num_repeats: int
    """Number of timed passes per median."""

    num_threads: int
    """Number of threads that torch computes with; members side by side share them."""

    device: str
    """Type of the device it ran on: `cpu` or `cuda`."""


def cost(
    model: nn.Module,
    sequence_length: int,
    *,
    batch_sizes: Sequence[int] = (1, 32),
    num_repeats: int = 20,
    num_warmups: int = 3,
) -> Cost:
    """What a classifier or a committee costs where it is, on texts of `sequence_length` tokens.

    Raises ValueError for a length, a batch or a number of repetitions below 1.
    """
    for number in (sequence_length, num_repeats, *batch_sizes):
        if number < 1:
            raise ValueError(
                f"lengths, batches and repetitions must be at least 1, got {number}: there is "
                "nothing to measure."
            )
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    try:
        return Cost(
            num_parameters=sum(weight.numel() for weight in model.parameters()),
            flops=flops(model, _inputs(model, 1, sequence_length)),
            sequence_length=sequence_length,
            latencies=tuple(
                _latency(model, _inputs(model, size, sequence_length), num_repeats, num_warmups)
                for size in batch_sizes
            ),
            num_repeats=num_repeats,
            num_threads=torch.get_num_threads(),
            device=device.type,
        )
    finally:
        model.train(was_training)


def flops(model: nn.Module, inputs: Inputs) -> int:
    """Floating point operations of one forward pass in products, attention and convolutions."""
    counter = FlopCounterMode(display=False)
    # As matrix products: torch does not count the fused attention of processors.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
        model(**inputs)
    return counter.get_total_flops()


@contextmanager
def in_parallel(committee: SoftCommittee) -> Iterator[Callable[[Inputs], Tensor]]:
    """Within the block, a function from inputs to logits that runs the members side by side.

    On a processor each has a thread and its share of torch's threads. On a GPU each has a stream;
    one thread launches the work of all.
    """
    members = list(committee.members)
    if committee.device.type == "cuda":
        streams = [torch.cuda.Stream(committee.device) for _ in members]
        yield lambda inputs: _combined(committee, _in_streams(members, streams, inputs))
        return
    num_threads = torch.get_num_threads()
    share = max(num_threads // len(members), 1)
    try:
        with ThreadPoolExecutor(
            len(members), initializer=torch.set_num_threads, initargs=(share,)
        ) as pool:
            yield lambda inputs: _combined(
                committee, list(pool.map(lambda member: _answer(member, inputs), members))
            )
    finally:
        torch.set_num_threads(num_threads)


def _combined(committee: SoftCommittee, logits: list[Tensor]) -> Tensor:
    return combined(torch.stack(logits), committee.config.combination)


def _in_streams(
    members: list[nn.Module], streams: list[torch.cuda.Stream], inputs: Inputs
) -> list[Tensor]:
    current = torch.cuda.current_stream()
    logits = []
    for member, stream in zip(members, streams, strict=True):
        stream.wait_stream(current)
        with torch.cuda.stream(stream):
            logits.append(_answer(member, inputs))
    for stream in streams:
        current.wait_stream(stream)
    return logits


def _answer(member: nn.Module, inputs: Inputs) -> Tensor:
    with torch.inference_mode():  # a thread has a mode of its own
        return logits_of(member, {**inputs})


def _latency(model: nn.Module, inputs: Inputs, num_repeats: int, num_warmups: int) -> Latency:
    def in_sequence(given: Inputs) -> Any:
        with torch.inference_mode():
            return model(**given).logits

    parallel_ms = math.nan
    if isinstance(model, SoftCommittee) and len(model.members) > 1:
        with in_parallel(model) as side_by_side:
            parallel_ms = _median_ms(side_by_side, inputs, num_repeats, num_warmups)
    return Latency(
        batch_size=len(inputs["input_ids"]),
        in_sequence_ms=_median_ms(in_sequence, inputs, num_repeats, num_warmups),
        in_parallel_ms=parallel_ms,
    )


def _median_ms(
    call: Callable[[Inputs], Any], inputs: Inputs, num_repeats: int, num_warmups: int
) -> float:
    times = []
    for number in range(num_warmups + num_repeats):
        begin = time.perf_counter()
        call(inputs)
        if inputs["input_ids"].is_cuda:
            torch.cuda.synchronize()
        if number >= num_warmups:
            times.append(time.perf_counter() - begin)
    return 1000 * statistics.median(times)


def _inputs(model: Any, batch_size: int, sequence_length: int) -> Inputs:
    """A batch of full length; which tokens they are changes nothing."""
    device = next(model.parameters()).device
    ids = torch.ones(batch_size, sequence_length, dtype=torch.long, device=device)
    return {"input_ids": ids * min(4, model.config.vocab_size - 1), "attention_mask": ids}
