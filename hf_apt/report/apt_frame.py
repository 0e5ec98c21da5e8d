"""Accuracy per token at every depth as a pandas table: to sort, filter, plot and save."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Integer

from hf_apt.stats.apt import apt
from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.labels import default_depth_names

if TYPE_CHECKING:
    import pandas as pd


def apt_frame(
    counts: DepthCounts,
    *,
    vocabulary: Sequence[str] | None = None,
    depths: Sequence[str] | None = None,
    frequency_V: Integer[np.ndarray, " vocab"] | None = None,
) -> pd.DataFrame:
    """A pandas table with a row for each token that was asked for, the most often asked first.

    Args:
        counts: the counts of a run or a measurement.
        vocabulary: the text of each token id, V in number; no column of text if None.
        depths: a name for each of the D depths; "embeddings", "block 1", ... if None.
        frequency_V: occurrences of each token id in a corpus, integers of shape (V,); no such
            column if None.

    Returns:
        A frame whose index is the token id. Its columns are `token`, the text; `support`, the
        modified occurrences; `frequency`; and the APT in [0, 1] at each depth, under the name of
        the depth.

    Raises:
        ValueError: for other than one text or frequency for each token, or one name a depth.
    """
    import pandas as pd

    names = default_depth_names(counts.num_depths) if depths is None else list(depths)
    support_V = counts.support()
    for what, given, wanted in (
        ("texts in vocabulary", vocabulary, counts.vocab_size),
        ("frequencies", frequency_V, counts.vocab_size),
        ("names in depths", names, counts.num_depths),
    ):
        if given is not None and len(given) != wanted:
            raise ValueError(f"there are {len(given)} {what}, and the counts are of {wanted}.")
    ids = np.flatnonzero(support_V)
    ids = ids[np.argsort(-support_V[ids], kind="stable")]
    columns: dict[str, object] = {}
    if vocabulary is not None:
        columns["token"] = [vocabulary[token] for token in ids]
    columns["support"] = support_V[ids]
    if frequency_V is not None:
        columns["frequency"] = frequency_V[ids]
    columns |= dict(zip(names, apt(counts.hits(), support_V)[:, ids], strict=True))
    return pd.DataFrame(columns, index=pd.Index(ids, name="id"))
