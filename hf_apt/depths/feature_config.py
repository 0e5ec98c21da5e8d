"""How texts become vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Pooling = Literal["cls", "mean", "max", "flatten"]
"""`cls`: the state at the first token. `mean`, `max`: of the states at all tokens of the text,
special ones included, padding never. `flatten`: the states at all positions side by side, zero
where the text has ended: `sequence_length` times as wide as the others."""


POOLINGS: tuple[Pooling, ...] = get_args(Pooling)


@dataclass(frozen=True, kw_only=True)
class FeatureConfig:
    """How texts become vectors."""

    sequence_length: int = 128
    """Tokens of a text that are read, special ones included."""

    batch_size: int = 32
    """Texts in a forward pass; changes nothing but speed."""

    poolings: tuple[Pooling, ...] = ("cls", "mean", "max")
    """How the states of a text become one vector."""
