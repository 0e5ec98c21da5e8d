"""How the terms of a bound on transfer are measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from hf_apt.stats.config_checks import require_one_of, require_seed, require_whole

BoundPooling = Literal["mean", "cls"]


@dataclass(frozen=True, kw_only=True)
class BoundConfig:
    """How the terms of a bound on transfer are measured.

    Raises:
        ValueError: for numbers below their least, an unknown pooling or an invalid seed.
    """

    num_texts: int = 256
    """Texts of the task, and as many of pre-training. Complexities of another number do not
    compare."""

    pooling: BoundPooling = "mean"
    """A text's feature: the `mean` of its tokens' states, or the state of its first, `cls`."""

    sequence_length: int = 64
    """Tokens of a text that are read, special ones included."""

    num_draws: int = 1000
    """Random choices of signs for the Rademacher complexity."""

    num_twins: int = 1
    """Models of the same shape with random weights to measure beside."""

    num_sequences: int = 256
    """Sequences of training and of held-out text on which the loss of pre-training is compared."""

    batch_size: int = 32
    """Texts in a forward pass; changes nothing but speed."""

    seed: int = 2509
    """Seed of signs, folds and masks."""

    def __post_init__(self) -> None:
        require_whole(self, "num_texts", least=10)
        require_one_of(self, "pooling", get_args(BoundPooling))
        require_whole(self, "sequence_length", least=4)
        require_whole(self, "num_draws", least=2)
        require_whole(self, "num_twins", least=0)
        require_whole(self, "num_sequences", "batch_size")
        require_seed(self)
