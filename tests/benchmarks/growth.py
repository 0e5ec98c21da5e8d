"""Whether anything grows faster than it has to: time and memory against tokens, vocabulary, depth.

`python -m tests.benchmarks.growth --markdown` prints the table. The expected exponents:

- Measuring asks each depth for its most probable token at 15 % of the tokens: time is linear in
  tokens, in the vocabulary (the head's product) and in depth. Memory is that of a batch and of the
  counts: at most linear in tokens and in depth, and not dependent on the vocabulary, as logits come
  in chunks and counts hold the pairs that occurred.
- Counting sorts runs of two million pairs and merges distinct ones: linear in tokens. For the same
  pairs, their ids spread over a larger vocabulary, it is constant but for arrays of V numbers, and
  for keys of 8 bytes in place of 4 from 46,341 tokens on. (Of text with more words there are more
  distinct pairs.) At each depth there is a table of its own. Memory is that of the distinct pairs
  and of one run.
- The sweep of clusters passes over the distinct pairs and over arrays of V numbers, 15 times: at
  most linear in tokens and in the vocabulary, and done for each depth in turn.
"""

import sys
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from transformers import BertConfig, BertForMaskedLM

from hf_apt.data.measure_config import MeasureConfig
from hf_apt.depths.measurement import measure
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.stats.clusters import DEFINITIONS, THRESHOLDS, token_clusters
from hf_apt.stats.confusion import confusion
from hf_apt.stats.counts import DepthCounts, PairCounts

from .curve import Curve, markdown, measured
from .text import answered_pairs, written_tokens, zipf_sequences

_BATCH = 4915
_VOCAB_SIZE = 30_522
_TOKENS = (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)
_VOCAB_SIZES = (1024, 4096, 16_384, 46_340, 46_341, 92_682, 131_072, 262_144)
"""Up to 46,340 tokens a pair is a key of 4 bytes, beyond of 8: the exponents are of the latter."""
_DEPTHS = (2, 4, 8, 12, 24, 48)

Work = Callable[[], object]


def run() -> bool:
    """Whether nothing grows faster than expected, with a JSON line for each curve."""
    passed = []
    for curve in curves():
        print(curve.line(), flush=True)
        passed.append(curve.passed())
    return all(passed)


def curves() -> Iterator[Curve]:
    """All of them, one after the other."""
    yield from _measuring()
    yield from _counting()
    yield from _clustering()


def _measuring() -> Iterator[Curve]:
    tokens, vocab_sizes = (8192, 32_768, 131_072, 524_288), tuple(4**n for n in range(5, 10))
    yield measured(
        "measuring",
        "tokens",
        {num: partial(_measure, num_tokens=num, vocab_size=1024, num_blocks=2) for num in tokens},
        expected=(1, 1),
    )
    yield measured(
        "measuring",
        "vocabulary",
        {
            size: partial(_measure, num_tokens=4096, vocab_size=size, num_blocks=2)
            for size in vocab_sizes
        },
        expected=(1, 0),
    )
    yield measured(
        "measuring",
        "blocks",
        {
            num: partial(_measure, num_tokens=8192, vocab_size=1024, num_blocks=num)
            for num in _DEPTHS
        },
        expected=(1, 1),
    )


def _measure(*, num_tokens: int, vocab_size: int, num_blocks: int) -> Work:
    config = BertConfig(
        vocab_size=vocab_size,
        hidden_size=64,
        num_hidden_layers=num_blocks,
        num_attention_heads=2,
        intermediate_size=256,
    )
    trunk = Trunk(BertForMaskedLM(config).eval()).prepare()
    decoders = {"own_head": OwnHead(trunk)}
    ids_BT = zipf_sequences(num_tokens // 128, vocab_size)

    def work() -> None:
        with written_tokens(ids_BT, vocab_size) as tokens:
            measure(trunk, tokens, decoders, MeasureConfig(batch_size=32))["own_head"].counts.hits()

    return work


def _counting() -> Iterator[Curve]:
    references, predictions = answered_pairs(_TOKENS[-1], _VOCAB_SIZE)
    yield measured(
        "counting",
        "tokens",
        {num: partial(_count, references[:num], predictions[:num], _VOCAB_SIZE) for num in _TOKENS},
        expected=(1, 1),
    )
    pairs = answered_pairs(6_000_000, 1024)
    yield measured(
        "counting",
        "vocabulary",
        {size: partial(_count_spread, pairs, size) for size in _VOCAB_SIZES},
        expected=(0, 0),
    )
    yield measured(
        "counting",
        "depths",
        {
            num: partial(_count, references[:200_000], predictions[:200_000], _VOCAB_SIZE, num)
            for num in _DEPTHS
        },
        expected=(1, 1),
    )


def _count_spread(pairs: tuple[np.ndarray, np.ndarray], vocab_size: int) -> Work:
    """The same pairs of ids below 1,024, spread over the vocabulary."""
    references_N, predictions_N = (ids_N * (vocab_size // 1024) for ids_N in pairs)
    return _count(references_N, predictions_N, vocab_size)


def _count(
    references_N: np.ndarray, predictions_N: np.ndarray, vocab_size: int, num_depths: int = 1
) -> Work:
    """In batches, as a measurement does, to the confusion of every depth."""
    treatments_N = np.arange(len(references_N)) % 3
    predictions_DN = np.broadcast_to(predictions_N, (num_depths, len(predictions_N)))

    def work() -> None:
        counts = DepthCounts.empty(num_depths, vocab_size)
        for start in range(0, len(references_N), _BATCH):
            part = slice(start, start + _BATCH)
            counts.update(references_N[part], predictions_DN[:, part], treatments_N[part])
        for depth in range(num_depths):
            confusion(counts.at(depth))

    return work


def _clustering() -> Iterator[Curve]:
    references, predictions = answered_pairs(_TOKENS[-1], _VOCAB_SIZE)
    yield measured(
        "clusters",
        "tokens",
        {num: partial(_sweep, references[:num], predictions[:num], _VOCAB_SIZE) for num in _TOKENS},
        expected=(1, 1),
    )
    yield measured(
        "clusters",
        "vocabulary",
        {size: partial(_sweep_anew, size) for size in _VOCAB_SIZES},
        expected=(1, 1),
    )
    yield measured(
        "clusters",
        "depths",
        {
            num: partial(_sweep, references[:100_000], predictions[:100_000], _VOCAB_SIZE, num)
            for num in _DEPTHS
        },
        expected=(1, 0),
    )


def _sweep_anew(vocab_size: int) -> Work:
    return _sweep(*answered_pairs(1_000_000, vocab_size), vocab_size)


def _sweep(
    references_N: np.ndarray, predictions_N: np.ndarray, vocab_size: int, num_depths: int = 1
) -> Work:
    table = confusion(PairCounts(vocab_size).update(references_N, predictions_N))

    def work() -> None:
        for _ in range(num_depths):
            for threshold in THRESHOLDS:
                for definition in DEFINITIONS:
                    token_clusters(table, threshold, definition)

    return work


def main(arguments: list[str]) -> int:
    """Print the lines, or with `--markdown` the table; exit status 1 if something grows faster."""
    torch.set_num_threads(1)
    if arguments != ["--markdown"]:
        return 0 if run() else 1
    found = list(curves())
    print(markdown(found))
    return 0 if all(curve.passed() for curve in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
