"""How one training or measurement multiplies, as it is chosen, applied and recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import torch

from hf_apt.arithmetic.attention import Attention, attention_by
from hf_apt.arithmetic.matmul import Matmul, float32_by

ChosenPrecision = Literal["fp32", "bf16"]


@dataclass(frozen=True, kw_only=True)
class Arithmetic:
    """How products are made; the default is torch's own float32."""

    precision: ChosenPrecision = "fp32"
    """float32, or products in bfloat16 under autocast."""

    matmul: Matmul = "default"
    """What makes products of float32 numbers on the processor."""

    attention: Attention = "default"
    """How attention is computed."""

    @property
    def is_bfloat16(self) -> bool:
        """Whether products are made in bfloat16."""
        return self.precision == "bf16"

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within the block products and attention are made so; the precision is the caller's.

        torch's settings are what they were afterwards.
        """
        with float32_by(self.matmul), attention_by(self.attention):
            yield

    def autocast(self, device: str) -> AbstractContextManager[object]:
        """Within the block, on that type of device, products are made in the precision."""
        return torch.autocast(device, torch.bfloat16) if self.is_bfloat16 else nullcontext()

    def as_json(self) -> dict[str, str]:
        """The three choices by their names."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Any) -> Arithmetic:
        """What `as_json` has given.

        Raises ValueError for anything else.
        """
        known: dict[str, tuple[str, ...]] = {
            "precision": get_args(ChosenPrecision),
            "matmul": get_args(Matmul),
            "attention": get_args(Attention),
        }
        if not isinstance(content, Mapping) or set(content) != set(known):
            raise ValueError(f"an arithmetic has {', '.join(known)}, got {content!r}.")
        for name, names in known.items():
            if content[name] not in names:
                raise ValueError(f"{name} must be {' or '.join(names)}, got {content[name]!r}.")
        return cls(**content)
