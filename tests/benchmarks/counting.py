"""Ten million pairs counted sparsely, against torch.unique, with the peak of memory."""

import tracemalloc

import numpy as np
import torch

from hf_apt.clusters import DEFINITIONS, THRESHOLDS, token_clusters
from hf_apt.confusion import confusion
from hf_apt.counts import PairCounts

from .ratio import medians, report
from .text import zipf_ids

_VOCAB_SIZE = 30_522
_PAIRS = 10_000_000


def run() -> bool:
    """Whether counting and clustering at V = 30,522 is quick and small enough."""
    references = zipf_ids(_PAIRS, _VOCAB_SIZE, seed=1)
    wrong = zipf_ids(_PAIRS, _VOCAB_SIZE, seed=2)
    right = np.random.default_rng(3).random(_PAIRS) < 0.54
    predictions = np.where(right, references, wrong)
    batch = 4915

    def ours() -> PairCounts:
        counts = PairCounts(_VOCAB_SIZE)
        for start in range(0, _PAIRS, batch):
            part = slice(start, start + batch)
            counts.update(references[part], predictions[part])
        assert counts.total == _PAIRS
        return counts

    def unique() -> None:
        keys = torch.from_numpy(references * _VOCAB_SIZE + predictions)
        torch.unique(keys, return_counts=True)

    times = medians({"ours": ours, "unique": unique}, rounds=3)
    tracemalloc.start()
    counts = ours()
    peak = tracemalloc.get_traced_memory()[1] / 1024**3
    tracemalloc.stop()

    def sweep() -> None:
        table = confusion(counts)
        for threshold in THRESHOLDS:
            for definition in DEFINITIONS:
                token_clusters(table, threshold, definition)

    seconds = medians({"sweep": sweep}, rounds=3)["sweep"]
    return all(
        [
            report(
                "10 M pairs: torch.unique / ours",
                ours=times["ours"],
                peer=times["unique"],
                at_least=0.8,
            ),
            report("10 M pairs: 1 GiB / our peak", ours=peak, peer=1.0, at_least=1.0, unit="GiB"),
            report("cluster sweep: 5 s / ours", ours=seconds, peer=5.0, at_least=1.0),
        ]
    )
