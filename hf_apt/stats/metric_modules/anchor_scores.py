"""What the module `anchor_vector` returns."""

from __future__ import annotations

import math
from typing import Any

from hf_apt.stats.metric_modules.anchor_stream import AnchorStream


def anchor_scores(stream: AnchorStream) -> dict[str, Any]:
    """How well one vector predicts the log-partition, over `num_states` states.

    - `r_squared`: share of the variance that the affine fit explains on states that it was not
      fitted on, with `r_squared_standard_error`; `mean_word_r_squared`, by the mean of the logits.
      NaN where the log-partition does not vary.
    - `mean` and `variance` of the log-partition; `error`, `mean_word_error` and `constant_error`,
      mean squared ones, in nats squared.
    - `anchor`, `intercept`, and `rank`, the directions in which states vary, of `width`.

    Raises ValueError for states of fewer than two documents.
    """
    fit = stream.fit()
    shares = fit.r_squared or {}
    nan = math.nan
    affine, mean_word = shares.get("affine"), shares.get("mean_word")
    return {
        "num_states": fit.num,
        "r_squared": affine.value if affine else nan,
        "r_squared_standard_error": affine.standard_error if affine else nan,
        "mean_word_r_squared": mean_word.value if mean_word else nan,
        "mean": fit.mean,
        "variance": fit.variance.value,
        "error": fit.errors["affine"].value,
        "mean_word_error": fit.errors["mean_word"].value,
        "constant_error": fit.errors["constant"].value,
        "rank": fit.rank,
        "width": len(fit.anchor_E),
        "intercept": fit.intercept,
        "anchor": fit.anchor_E.tolist(),
    }
