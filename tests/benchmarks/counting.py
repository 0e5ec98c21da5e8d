"""Ten million pairs counted sparsely, against other ways to count them."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hf_apt.stats.counts import PairCounts

from . import first_calls
from .ratio import limit, medians, peer_package, report, setting_of
from .text import answered_pairs

_VOCAB_SIZE = 30_522
_PAIRS = 10_000_000
_BATCH = 4915


def run() -> bool:
    """Whether counting at V = 30,522 is quick and small enough."""
    references, predictions = answered_pairs(_PAIRS, _VOCAB_SIZE)

    def streamed() -> None:
        counts = PairCounts(_VOCAB_SIZE)
        for start in range(0, _PAIRS, _BATCH):
            part = slice(start, start + _BATCH)
            counts.update(references[part], predictions[part])
        assert counts.total == _PAIRS

    def at_once() -> None:
        assert PairCounts(_VOCAB_SIZE).update(references, predictions).total == _PAIRS

    peers = _peers(references, predictions)
    times = medians({"streamed": streamed, "at once": at_once, **peers}, rounds=3)
    tracemalloc.start()
    streamed()
    peak = tracemalloc.get_traced_memory()[1] / 1024**3
    tracemalloc.stop()
    return all(
        [
            report(
                "10 M pairs in batches of 4,915: torch.unique of all at once / ours",
                ours=times["streamed"],
                peer=times["torch.unique"],
                at_least=1.0,
                setting=_setting("torch.unique"),
            ),
            limit("10 M pairs, peak memory", ours=peak, at_most=0.15, unit="GiB"),
            *(
                report(
                    f"10 M pairs at once: {name} / ours",
                    ours=times["at once"],
                    peer=times[name],
                    at_least=_BARS[name],
                    setting=_setting(name),
                )
                for name in peers
            ),
            _dense(),
            _updated(),
            first_calls.run(references, predictions),
        ]
    )


_BARS = {"torch.unique": 2.8, "scipy": 1.6, "duckdb": 2.4, "polars": 9.0}
"""A tenth below the least that was seen on a quiet and on a busy machine."""


def _peers(references: np.ndarray, predictions: np.ndarray) -> dict[str, Callable[[], object]]:
    """What other packages do with the same two arrays, where they are installed."""
    from scipy.sparse import coo_array

    ones = np.ones(len(references), np.int64)

    def unique() -> object:
        keys = torch.from_numpy(references) * _VOCAB_SIZE + torch.from_numpy(predictions)
        return torch.unique(keys, return_counts=True)

    def scipy() -> object:
        shape = (_VOCAB_SIZE, _VOCAB_SIZE)
        return coo_array((ones, (references, predictions)), shape=shape).tocsr()

    peers: dict[str, Callable[[], object]] = {"torch.unique": unique, "scipy": scipy}
    if duckdb := peer_package("10 M pairs", "duckdb"):
        peers["duckdb"] = lambda: _duckdb(duckdb, references, predictions)
    if polars := peer_package("10 M pairs", "polars"):
        frame = polars.DataFrame({"r": references, "p": predictions})
        peers["polars"] = lambda: frame.group_by("r", "p").len()
    return peers


def _setting(name: str) -> str:
    threads = peer_package(name, name).thread_pool_size() if name == "polars" else 1
    return setting_of(name.removesuffix(".unique"), threads)


def _duckdb(duckdb: Any, references: np.ndarray, predictions: np.ndarray) -> object:
    connection = duckdb.connect(config={"threads": 1})
    connection.register("pairs", {"r": references, "p": predictions})
    return connection.sql("select r, p, count(*) as n from pairs group by r, p").fetchnumpy()


def _dense() -> bool:
    """scikit-learn's matrix is dense: 14 GiB at V = 30,522, where that is free, else 1 at 8,192."""
    vocab_size, num_pairs, at_least = (
        (_VOCAB_SIZE, _PAIRS, 60.0) if _free_gib() > 18 else (8192, 2_000_000, 20.0)
    )
    if vocab_size != _VOCAB_SIZE:
        print('{"benchmark": "10 M pairs: sklearn / ours", "not compared": "needs 18 GiB free"}')
    from sklearn.metrics import confusion_matrix

    references, predictions = answered_pairs(num_pairs, vocab_size)
    times = medians(
        {
            "ours": lambda: PairCounts(vocab_size).update(references, predictions).matrix(),
            "sklearn": lambda: confusion_matrix(
                references, predictions, labels=np.arange(vocab_size)
            ),
        },
        rounds=1,
    )
    return report(
        f"{num_pairs:,} pairs, V {vocab_size:,}: sklearn confusion_matrix / ours",
        ours=times["ours"],
        peer=times["sklearn"],
        at_least=at_least,
        setting=setting_of("scikit-learn"),
    )


def _updated() -> bool:
    """torchmetrics makes a dense matrix at every update: 0.5 GiB at V = 8,192, 7.5 at 30,522."""
    torchmetrics = peer_package("update of 4,915 pairs, V 8,192", "torchmetrics")
    if torchmetrics is None:
        return True
    vocab_size, num_updates = 8192, 400
    pairs = answered_pairs(num_updates * _BATCH, vocab_size)
    batches = [[ids[n * _BATCH :][:_BATCH] for ids in pairs] for n in range(num_updates)]
    classification = torchmetrics.classification
    peers = {
        "MulticlassAccuracy(average=None)": classification.MulticlassAccuracy(
            vocab_size, average=None, validate_args=False
        ),
        "MulticlassConfusionMatrix": classification.MulticlassConfusionMatrix(
            vocab_size, validate_args=False
        ),
    }
    references, predictions = map(torch.from_numpy, batches[0])

    def ours() -> None:
        counts = PairCounts(vocab_size)
        for batch in batches:
            counts.update(*batch)
        assert counts.total == num_updates * _BATCH  # sorted and merged

    def updated(metric: Any) -> Callable[[], object]:
        return lambda: metric.update(predictions, references)

    variants = {name: updated(metric) for name, metric in peers.items()}
    times = medians({"ours": ours, **variants}, rounds=3)
    return all(
        [
            report(
                f"one update of 4,915 pairs, V 8,192: torchmetrics {name} / ours",
                ours=times["ours"] / num_updates,
                peer=times[name],
                at_least=1000.0,
                setting=f"{setting_of('torchmetrics')}, validate_args=False",
            )
            for name in peers
        ]
    )


def _free_gib() -> float:
    """Memory that programs can still have, where the system says so."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) / 2**20
