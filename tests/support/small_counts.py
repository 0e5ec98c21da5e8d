"""Small tables of counts: how they are drawn, made and read without the code that made them."""

import numpy as np
import oracles
from hypothesis import strategies as st

from hf_apt.stats.counts import PairCounts

VOCAB = 9
# The two sides of the step from int32 to int64 keys: 46,340 ** 2 is the last square below 2 ** 31.
LAST_INT32, FIRST_INT64 = 46_340, 46_341

token = st.integers(0, VOCAB - 1)
pairs_of = st.lists(st.tuples(token, token), max_size=40)


def columns(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    array = np.array(pairs, np.int64).reshape(-1, 2)
    return array[:, 0], array[:, 1]


def table_of(pairs: PairCounts) -> oracles.Table:
    """The counts as a dictionary, unpacked in Python integers."""
    return {
        divmod(key, pairs.vocab_size): count
        for key, count in zip(pairs.keys.tolist(), pairs.counts.tolist(), strict=True)
    }


def random_batch(num: int, num_depths: int = 3, seed: int = 0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    return (
        rng.integers(0, VOCAB, num),
        rng.integers(0, VOCAB, (num_depths, num)),
        rng.integers(0, 3, num),
    )
