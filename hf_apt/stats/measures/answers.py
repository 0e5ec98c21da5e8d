"""What a decoder answers at every depth, for the asked positions of one batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer


@dataclass(frozen=True)
class Answers:
    """The answers of one decoder to one batch, on the processor."""

    references_N: Integer[np.ndarray, " n"]
    """The true ids."""

    treatments_N: Integer[np.ndarray, " n"]
    """What was done at each position: codes of `hf_apt.stats.counts.TREATMENTS`."""

    sequences_N: Integer[np.ndarray, " n"]
    """The number of the sequence that each position is in, from 0 over the whole measurement."""

    predictions_DN: Integer[np.ndarray, "depth n"]
    """The most probable ids."""

    cross_entropy_DN: Float[np.ndarray, "depth n"]
    """-log p(true id) in nats."""
