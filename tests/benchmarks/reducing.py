"""Counts of two processes added up sparsely, against an all-reduce of dense matrices."""

import statistics
import time
from multiprocessing import get_context

import torch
import torch.distributed as dist
from torch._C._distributed_c10d import TCPStore

from hf_apt.stats.counts import DepthCounts

from .ratio import report, setting_of
from .text import answered_pairs

_VOCAB_SIZE = 8192
_PAIRS = 1_000_000
_ROUNDS = 9


def run() -> bool:
    """Whether the sparse sum takes at most a fifteenth of the dense one, at V = 8,192.

    Processor time is judged, the median of several rounds: on a busy machine the time by the clock
    is that of whatever else runs.
    """
    context = get_context("spawn")
    results = context.SimpleQueue()
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    workers = [
        context.Process(target=_worker, args=(rank, store.port, results)) for rank in range(2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    times = [results.get() for _ in workers]
    return report(
        "two processes, V 8,192: dense all-reduce / our sparse sum",
        ours=max(each["sparse"] for each in times),
        peer=max(each["dense"] for each in times),
        at_least=12.7,
        setting=f"gloo, {setting_of('torch')}, processor time",
    )


def _worker(rank: int, port: int, results) -> None:
    torch.set_num_threads(1)
    store = TCPStore("127.0.0.1", port, is_master=False)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    references, predictions = answered_pairs(_PAIRS, _VOCAB_SIZE)
    half = slice(rank, None, 2)
    dense = torch.zeros(_VOCAB_SIZE, _VOCAB_SIZE, dtype=torch.int64)

    def sparse_sum() -> None:
        counts = DepthCounts.empty(1, _VOCAB_SIZE)
        counts.pairs[0][0].update(references[half], predictions[half])
        parts: list[DepthCounts | None] = [None, None]
        dist.all_gather_object(parts, counts)
        assert sum(part.pairs[0][0].total for part in parts if part) == _PAIRS

    times: dict[str, list[float]] = {"sparse": [], "dense": []}
    for round_number in range(_ROUNDS + 1):
        for name, variant in (("sparse", sparse_sum), ("dense", lambda: dist.all_reduce(dense))):
            dist.barrier()
            start = time.process_time()
            variant()
            if round_number:  # the first round warms up
                times[name].append(time.process_time() - start)
    results.put({name: statistics.median(values) for name, values in times.items()})
    dist.destroy_process_group()
