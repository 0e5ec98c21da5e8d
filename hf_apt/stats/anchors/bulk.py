"""Which words of a vocabulary are its bulk, and the logarithm of their partition function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from hf_apt.stats.config_checks import require_one_of, require_share, require_whole

BulkRule = Literal["all", "minus_topk", "minus_words", "tail_mass"]
"""`all` words; without the most probable ones of each context; without some words by id; or the
least probable words that together hold at most a share of the probability."""


@dataclass(frozen=True, kw_only=True)
class AnchorBulk:
    """The words over which the partition function of a context is summed.

    Raises:
        ValueError: for an unknown rule, a `top_k` below 1, a share outside (0, 1), word ids below
            0, and `minus_words` without any.
    """

    rule: BulkRule = "all"
    """`all`; `minus_topk`, without the `top_k` most probable words of each context; `minus_words`,
    without the ids in `words`; or `tail_mass`, the least probable words of each context that hold
    at most the share `tail_mass` of its probability."""

    top_k: int = 10
    """How many most probable words `minus_topk` leaves out."""

    tail_mass: float = 0.5
    """The share of the probability that `tail_mass` keeps, in (0, 1)."""

    words: tuple[int, ...] = ()
    """The ids that `minus_words` leaves out, such as those of a task's words."""

    def __post_init__(self) -> None:
        require_one_of(self, "rule", get_args(BulkRule))
        require_whole(self, "top_k")
        require_share(self, "tail_mass")
        if self.rule == "minus_words" and not self.words:
            raise ValueError("minus_words leaves out words, and none is given: take all.")
        if self.words and min(self.words) < 0:
            raise ValueError(f"words holds {min(self.words)}, and ids of words begin at 0.")

    def require_fit(self, vocab_size: int) -> None:
        """Refuse a vocabulary of which nothing would be left.

        Raises ValueError for that, and for a word outside the vocabulary.
        """
        if self.rule == "minus_topk" and self.top_k >= vocab_size:
            raise ValueError(
                f"top_k is {self.top_k}, and the vocabulary has {vocab_size} words: leave out "
                "fewer."
            )
        if self.rule == "minus_words":
            if max(self.words) >= vocab_size:
                raise ValueError(
                    f"words holds {max(self.words)}, which is no id of a vocabulary of "
                    f"{vocab_size} words."
                )
            if len(set(self.words)) == vocab_size:
                raise ValueError("words holds the whole vocabulary: leave out fewer.")

    def said(self) -> str:
        """The rule as a table says it.

        >>> AnchorBulk(rule="minus_topk", top_k=5).said()
        'all but the 5 most probable words of each context'
        """
        return {
            "all": "all words",
            "minus_topk": f"all but the {self.top_k} most probable words of each context",
            "minus_words": f"all but {len(set(self.words))} given words",
            "tail_mass": "the least probable words of each context with at most "
            f"{self.tail_mass:g} of the probability",
        }[self.rule]


def log_bulk_partition(logits_NV: Float[np.ndarray, "n vocab"], bulk: AnchorBulk) -> np.ndarray:
    """The logarithm of the sum of exp(logit) over the bulk of each row, float64 of shape (N,).

    Raises ValueError where nothing of the vocabulary is left.

    >>> logits_NV = np.log([[1.0, 2.0, 7.0]])
    >>> without_best = AnchorBulk(rule="minus_topk", top_k=1)
    >>> np.exp(log_bulk_partition(logits_NV, without_best)).round(9).tolist()
    [3.0]
    """
    bulk.require_fit(logits_NV.shape[1])
    logits_NV = np.asarray(logits_NV, np.float64)
    if bulk.rule == "minus_words":
        logits_NV = np.delete(logits_NV, sorted(set(bulk.words)), axis=1)
    elif bulk.rule == "minus_topk":
        num = logits_NV.shape[1] - bulk.top_k
        logits_NV = np.partition(logits_NV, num - 1, axis=1)[:, :num]
    if bulk.rule != "tail_mass":
        largest_N1 = logits_NV.max(axis=1, keepdims=True)
        return largest_N1[:, 0] + np.log(np.exp(logits_NV - largest_N1).sum(axis=1))
    sums_NV = np.logaddexp.accumulate(np.sort(logits_NV, axis=1), axis=1)
    num_N = (sums_NV <= sums_NV[:, -1:] + np.log(bulk.tail_mass)).sum(axis=1)
    return np.take_along_axis(sums_NV, np.maximum(num_N - 1, 0)[:, None], axis=1)[:, 0]
