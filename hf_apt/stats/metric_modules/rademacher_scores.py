"""What the module `rademacher_complexity` returns."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from hf_apt.stats.config_checks import require_whole_number
from hf_apt.stats.metric_modules.feature_stream import FeatureStream
from hf_apt.stats.rademacher.complexity import rademacher_complexity
from hf_apt.stats.rademacher.spread import effective_rank, mean_cosine


def rademacher_scores(
    stream: FeatureStream, radius: float = 1.0, num_draws: int | None = None, seed: int = 0
) -> dict[str, Any]:
    """The Rademacher complexity of linear functions of `num_features` features.

    - `value`, with `standard_error` over `num_draws` choices of signs, 0 where `is_exact`; `scaled`
      by the root of the number of features.
    - `lower` and `upper`, what the lengths say; `norm_share`, value by upper.
    - `effective_rank` and `mean_cosine` of the features.

    Raises ValueError where there are no features, and for numbers out of range.
    """
    rows_NE = stream.rows()
    if num_draws is not None:
        require_whole_number("num_draws", num_draws, least=2)
    require_whole_number("seed", seed, least=0)
    measured = rademacher_complexity(rows_NE, radius, num_draws, seed)
    return asdict(measured) | {
        "scaled": measured.scaled,
        "effective_rank": effective_rank(rows_NE),
        "mean_cosine": mean_cosine(rows_NE),
    }
