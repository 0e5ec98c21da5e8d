"""What the first call costs in a fresh process, beside the second: users call once.

A first call also pays for the memory that it is the first to touch.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hf_apt.data.masking import Masking, mask
from hf_apt.hub.resources import resource as shipped
from hf_apt.stats.counts import DepthCounts, PairCounts

from .ratio import limit

_VOCAB_SIZE = 30_522
_ROUNDS = 5

_BARS = {
    "metric apt, 10 M pairs": 0.3,
    "10 M pairs at once": 0.3,
    "seven depths, 1.4 M positions": 0.8,
    "64,000 sequences of 128 masked": 0.8,
}
"""The most processor time that a first call may take, in seconds, on a machine that is busy."""


def run(references: np.ndarray, predictions: np.ndarray) -> bool:
    """Whether first calls on ten million pairs are as quick as they should be."""
    with tempfile.TemporaryDirectory() as folder:
        pairs = Path(folder) / "pairs.npy"
        np.save(pairs, np.stack([references, predictions]))
        return all([_judged(name, at_most, pairs) for name, at_most in _BARS.items()])


def _judged(name: str, at_most: float, pairs: Path) -> bool:
    program = [sys.executable, "-m", "tests.benchmarks.first_calls", name, str(pairs)]
    rounds = []
    for _ in range(_ROUNDS):
        done = subprocess.run(program, check=True, capture_output=True, text=True)
        rounds.append(json.loads(done.stdout.splitlines()[-1]))
    first, second, gib = (statistics.median(values) for values in zip(*rounds, strict=True))
    beside = {"second call": second, "GiB above the input": gib}
    return limit(f"{name}, first call", ours=first, at_most=at_most, beside=beside)


def _work(name: str, references: np.ndarray, predictions: np.ndarray) -> Callable[[], object]:
    """The call of that name, ready to be made."""
    if name.startswith("metric apt"):
        import evaluate

        metric = evaluate.load(str(shipped("metrics/apt")))
        return lambda: metric.compute(predictions=predictions, references=references)
    if name.startswith("seven depths"):
        num = len(references) // 7
        predictions_DN = predictions[: 7 * num].reshape(7, num)
        treatments_N = np.random.default_rng(0).choice(3, num, p=[0.8, 0.1, 0.1])
        batch = references[:num], predictions_DN, treatments_N
        return lambda: DepthCounts.empty(7, _VOCAB_SIZE).update(*batch).hits()
    if name.endswith("masked"):
        law = Masking(vocab_size=_VOCAB_SIZE, mask_id=4, special_ids=(0, 1, 2, 3, 4))
        tokens_BT = references[: 64_000 * 128].reshape(-1, 128)
        return lambda: mask(tokens_BT, np.arange(64_000), law)
    return lambda: PairCounts(_VOCAB_SIZE).update(references, predictions).total


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Processor time of a call in seconds, and how far memory rose above all before, in GiB."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    work()
    seconds = time.process_time() - start
    return seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024**2


if __name__ == "__main__":
    loaded = np.load(sys.argv[2])
    call = _work(sys.argv[1], loaded[0], loaded[1])
    (first_s, first_gib), (second_s, _) = _timed(call), _timed(call)
    print(json.dumps([first_s, second_s, first_gib]))
