"""Which pairs of masked tokens a model is asked about, and how exactly."""

from __future__ import annotations

from dataclasses import dataclass

from hf_apt.stats.config_checks import require_seed, require_whole


@dataclass(frozen=True, kw_only=True)
class PairConfig:
    """Which pairs of masked tokens a model is asked about, and how exactly.

    Raises:
        ValueError: for distances that are not whole numbers above 0 or repeat, and numbers that are
            too small.
    """

    distances: tuple[int, ...] = (1, 2, 4, 8, 16)
    """Tokens from one masked token to the other. Of each text one pair of each distance is drawn,
    where it is long enough."""

    num_best: int = 24
    """Most probable tokens that are put in a position one by one, for an exact sum over them, and
    that joint laws are made of; the whole vocabulary if it has no more."""

    num_drawn: int = 8
    """Tokens drawn from all others, by which the sum over these is estimated; 0 leaves them out."""

    sequence_length: int = 64
    """Largest number of tokens of a text, special ones included."""

    batch_size: int = 64
    """Sequences in a forward pass."""

    seed: int = 42
    """Seed of the pairs and of the drawn tokens."""

    def __post_init__(self) -> None:
        whole = all(isinstance(each, int) and each > 0 for each in self.distances)
        if not self.distances or not whole or len(set(self.distances)) < len(self.distances):
            raise ValueError(
                f"distances are {self.distances}: give different whole numbers above 0."
            )
        require_whole(self, "num_best", least=2)
        require_whole(self, "num_drawn", least=0)
        require_whole(self, "batch_size")
        require_whole(self, "sequence_length", least=4)
        require_seed(self)
