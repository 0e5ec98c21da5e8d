"""What a masked language model would need as a masked diffusion model, from its rate curve."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def diffusion_bound(rates: Sequence[float], losses: Sequence[float]) -> float:
    """An upper bound on the negative log-likelihood of the text, in nats a token.

    It is the mean over all masking rates, from 0 to 1, of the mean cross-entropy at the masked
    positions: what masked diffusion with a linear schedule trains for (Sahoo et al., arXiv
    2406.07524). `losses` are these cross-entropies at `rates`, ascending and ending in 1; between
    them they are taken to be linear, and below the first to be that of the first.

    Raises ValueError unless the rates ascend and end in 1, and there is a loss for each.

    >>> round(diffusion_bound([0.5, 1.0], [2.0, 4.0]), 6)
    2.5
    """
    if len(rates) != len(losses) or not len(rates) or rates[-1] != 1:
        raise ValueError(f"the rates must end in 1, with a loss for each, got {tuple(rates)}.")
    if (np.diff(rates) <= 0).any() or rates[0] <= 0:
        raise ValueError(f"rates must ascend from above 0, got {tuple(rates)}.")
    return float(np.trapezoid([losses[0], *losses], [0.0, *rates]))
