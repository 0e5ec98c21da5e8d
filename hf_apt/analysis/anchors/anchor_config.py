"""Which log-partitions an anchor vector is fitted to, and where in the text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from hf_apt.stats.anchors.bulk import AnchorBulk, BulkRule
from hf_apt.stats.config_checks import (
    require_not_negative,
    require_one_of,
    require_seed,
    require_share,
    require_whole,
)

AnchorPositions = Literal["mask", "all"]
"""At masked positions of a masked language model, or at every token of unmasked text."""


@dataclass(frozen=True, kw_only=True)
class AnchorConfig:
    """Which log-partitions an anchor vector is fitted to, and where in the text.

    Raises:
        ValueError: for an unknown rule or place, numbers below 1, and shares outside (0, 1).
    """

    positions: AnchorPositions = "mask"
    """Where a masked language model is read: at `mask`, positions that show the mask token; or at
    `all` tokens of unmasked text. A causal one is read before every next token."""

    masking_rate: float = 0.15
    """Share of a text's tokens that show the mask token."""

    bulk: BulkRule = "all"
    """Words whose partition function it is: `all`; `minus_topk`, without the most probable ones of
    each context; `minus_words`, without those of a task; or `tail_mass`, the least probable ones
    that hold a share of the probability."""

    top_k: int = 10
    """Most probable words that `minus_topk` leaves out."""

    tail_mass: float = 0.5
    """Share of the probability that `tail_mass` keeps."""

    words: tuple[str, ...] = ()
    """Words that `minus_words` leaves out, each one token of the tokenizer."""

    num_components: int = 8
    """Principal components of the states whose products a quadratic fit has; 0 for no such fit."""

    ridge: float = 0.0
    """Weight of the squared length of the anchor, beside the sum of squared errors."""

    num_twins: int = 1
    """Models of the same configuration with random weights, to compare with; 0 for none."""

    sequence_length: int = 128
    """Largest number of tokens of a text, special ones included."""

    batch_size: int = 32
    """Texts in a forward pass."""

    seed: int = 42
    """Seed of the masked positions and of the random weights."""

    def __post_init__(self) -> None:
        require_one_of(self, "positions", get_args(AnchorPositions))
        require_share(self, "masking_rate", "tail_mass")
        require_one_of(self, "bulk", get_args(BulkRule))
        require_whole(self, "top_k", "batch_size")
        require_whole(self, "num_components", "num_twins", least=0)
        require_whole(self, "sequence_length", least=3)
        require_not_negative(self, "ridge")
        require_seed(self)
        if bool(self.words) != (self.bulk == "minus_words"):
            raise ValueError(
                "words and the rule minus_words go together: give both, or neither, got "
                f"words={self.words!r} and bulk={self.bulk!r}."
            )

    def bulk_of(self, word_ids: tuple[int, ...] = ()) -> AnchorBulk:
        """The bulk of a vocabulary.

        Args:
            word_ids: ids of `words`.

        Returns:
            The rule with its settings.
        """
        return AnchorBulk(
            rule=self.bulk, top_k=self.top_k, tail_mass=self.tail_mass, words=word_ids
        )
