"""The paper's size, and one that any processor can try."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much of it."""

    vocab_size: int = 30_522
    hidden_size: int = 768
    num_heads: int = 12
    length: int = 128
    num_sequences: int = 530_000
    """Written once; 10 M of their positions are modified at 15 %."""

    batch: int = 256
    small_batch: int = 32
    steps: int = 60
    warm_up: int = 20
    small_steps: int = 200
    measured: int = 521_000
    compared: int = 26_000
    """Sequences on which slower ways are timed."""

    rows: tuple[int, ...] = (4915, 32_768)
    square: int = 8192
    real_steps: int = 7813
    """Of 256 sequences: 40,000 sequences 50 times."""

    compile_modes: tuple[str | None, ...] = (None, "max-autotune")
    small_mode: str | None = "reduce-overhead"
    """Of small batches, which wait for launches: CUDA graphs."""

    backend: str = "inductor"

    def config(self) -> dict[str, Any]:
        """Arguments of a BERT configuration."""
        return {
            "vocab_size": self.vocab_size,
            "hidden_size": self.hidden_size,
            "num_hidden_layers": 6,
            "num_attention_heads": self.num_heads,
            "intermediate_size": 4 * self.hidden_size,
            "max_position_embeddings": self.length,
        }


PAPER = Sizes()
TINY = Sizes(
    vocab_size=1000,
    hidden_size=32,
    num_heads=2,
    length=32,
    num_sequences=300,
    batch=8,
    small_batch=4,
    steps=4,
    warm_up=2,
    small_steps=4,
    measured=100,
    compared=50,
    rows=(64,),
    square=64,
    real_steps=4,
    compile_modes=(None,),
    small_mode=None,
    backend="eager",
)
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def device_name() -> str:
    """What it is called."""
    return torch.cuda.get_device_name() if DEVICE.type == "cuda" else "processor"
