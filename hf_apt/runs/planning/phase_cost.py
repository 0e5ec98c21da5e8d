"""What one phase of a run costs: FLOPs, tokens and memory."""

from __future__ import annotations

from dataclasses import astuple, dataclass


@dataclass(frozen=True, kw_only=True)
class Work:
    """FLOPs by kind, as machines have a speed of their own for each."""

    trunk_training: float = 0
    """Through the trunk in training: forward and backward, or forward alone where it is frozen."""

    head_training: float = 0
    """Through the heads, forward and backward, from the modified positions to the vocabulary."""

    trunk_reading: float = 0
    """Through the trunk, forward in the precision of measuring."""

    head_reading: float = 0
    """Through the heads, from states to predictions, in float32."""

    @property
    def flops(self) -> float:
        """FLOPs of all kinds together."""
        return sum(astuple(self))


@dataclass(frozen=True, kw_only=True)
class PhaseCost:
    """What one phase of a run costs."""

    name: str
    """`pretraining`, `linear_head`, `mlm_head`, `heads` (both at once), `jacobian`, `translator`,
    `measuring` or `untrained`."""

    tokens: int
    """Tokens read, special ones and padding included; of pre-training, in training alone. Of heads
    as often as they are trained on, though kept states spare the trunk."""

    work: Work
    """FLOPs of the phase, over all processes."""

    memory: int
    """Bytes of tensors and counts at the peak, in one process; Python and libraries are extra."""
