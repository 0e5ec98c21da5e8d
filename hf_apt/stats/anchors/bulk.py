"""Which words of a vocabulary are its bulk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

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

        Args:
            vocab_size: number of words.

        Raises:
            ValueError: if nothing would be left, and for a word outside the vocabulary.
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

        Returns:
            A phrase without a full stop.

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
