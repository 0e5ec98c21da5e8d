"""What the module `local_smoothness` returns."""

from __future__ import annotations

from typing import Any

from hf_apt.stats.metric_modules.moved_stream import MovedStream


def smoothness_scores(stream: MovedStream) -> dict[str, Any]:
    """How far answers moved when their inputs were perturbed, over `num_inputs`.

    - `divergence`: mean KL(p || q) + KL(q || p) of answers, in nats, or the mean squared difference
      of a single output; `largest_divergence` of an input.
    - `flip_rate`: share of inputs that get another class, in [0, 1]; NaN of a single output.

    Both means with `…_standard_error`. Raises ValueError if there is no input.
    """
    figures = stream.figures()
    return {
        "num_inputs": figures.divergence.num,
        "divergence": figures.divergence.value,
        "divergence_standard_error": figures.divergence.standard_error,
        "largest_divergence": figures.largest,
        "flip_rate": figures.flip_rate.value,
        "flip_rate_standard_error": figures.flip_rate.standard_error,
    }
