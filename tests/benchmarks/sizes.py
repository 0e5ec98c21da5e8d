"""The sizes at which models are timed."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Size:
    """A BERT of six blocks, and how much of it is timed."""

    name: str
    vocab_size: int
    hidden_size: int
    num_heads: int
    batch_size: int
    rounds: int

    def config(self) -> dict[str, Any]:
        """Arguments of a BERT configuration."""
        return {
            "vocab_size": self.vocab_size,
            "hidden_size": self.hidden_size,
            "num_hidden_layers": 6,
            "num_attention_heads": self.num_heads,
            "intermediate_size": 4 * self.hidden_size,
        }


TINY = Size("6 x 128, V 8,192", 8192, 128, 2, batch_size=8, rounds=9)
MIDDLE = Size("6 x 256, V 8,192", 8192, 256, 4, batch_size=16, rounds=4)
BERT6 = Size("6 x 768, V 30,522", 30_522, 768, 12, batch_size=4, rounds=2)
