"""On which text [CLS] and tokens are compared."""

from __future__ import annotations

from dataclasses import dataclass

from hf_apt.stats.config_checks import require_seed, require_whole


@dataclass(frozen=True, kw_only=True)
class ClsConfig:
    """On which text [CLS] and tokens are compared, and with how many models of random weights.

    Raises:
        ValueError: for numbers below 1, and an invalid seed.
    """

    num_twins: int = 1
    """Models of the same configuration with random weights, to compare with; 0 for none."""

    sequence_length: int = 128
    """Largest number of tokens of a text, special ones included."""

    batch_size: int = 32
    """Texts in a forward pass."""

    seed: int = 42
    """Seed of the random weights."""

    def __post_init__(self) -> None:
        require_whole(self, "batch_size")
        require_whole(self, "num_twins", least=0)
        require_whole(self, "sequence_length", least=4)
        require_seed(self)
