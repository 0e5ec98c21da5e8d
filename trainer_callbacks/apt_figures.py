"""What one measurement says of accuracy per token: scalars, a table of depths, and tokens."""
# D depths, V vocabulary.

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from hf_apt.depths.decoded import NO_FIGURE, DecodedTotal
from hf_apt.stats.apt import asked_alike, masked_accuracy, mean_apt
from hf_apt.stats.counts import TREATMENTS, DepthCounts
from hf_apt.stats.estimates import Estimate, plain
from hf_apt.stats.measures.token_cross_entropy import TokenCrossEntropy
from trainer_callbacks.never_right import never_right_at_last


def mean_apts(total: DecodedTotal) -> list[float]:
    """Mean APT at every depth, in [0, 1]; NaN where answers are missing."""
    hits_DV, support_V = total.readout.counts.hits(), total.readout.counts.support()
    return [mean.value for mean in _at_answered(total, mean_apt, hits_DV, support_V)]


def apt_scalars(total: DecodedTotal, *, is_causal: bool) -> dict[str, float]:
    """The figures to log, without the prefix of the data; NaN where answers are missing.

    A causal model, which was asked for next tokens, has `next_token_accuracy`, any other
    `masked_accuracy`.
    """
    hits_DV, support_V = total.readout.counts.hits(), total.readout.counts.support()
    means = _at_answered(total, mean_apt, hits_DV, support_V)
    accuracies = _at_answered(total, masked_accuracy, hits_DV, support_V)
    accuracy = "next_token_accuracy" if is_causal else "masked_accuracy"
    never = never_right_at_last(total)
    return {
        "mean_apt": means[-1].value,
        "mean_apt_standard_error": means[-1].standard_error,
        "num_tokens": means[-1].num,
        accuracy: accuracies[-1].value,
        f"{accuracy}_standard_error": accuracies[-1].standard_error,
        "num_positions": accuracies[-1].num,
        "num_never_right": math.nan if never is None else len(never),
        **{f"mean_apt_depth_{depth}": mean.value for depth, mean in enumerate(means)},
        **{f"{accuracy}_depth_{depth}": share.value for depth, share in enumerate(accuracies)},
        **{
            f"{key}_depth_{depth}": figure.value
            for depth, figures in enumerate(total.figures())
            for key, figure in figures.items()
        },
    }


def depth_entries(total: DecodedTotal, *, knows_treatments: bool) -> list[dict[str, Any]]:
    """For JSON: the estimates of each depth, pooled and of each treatment that occurred.

    Treatments are told apart only if they are known. `mean_apt_common` is over the tokens that were
    asked under every treatment that occurred.
    """
    figures = total.figures()
    parts = _by_treatment(total.readout.counts, knows_treatments)
    of_common = partial(mean_apt, tokens_V=asked_alike([part[2] for part in parts]))
    estimates = {
        treatment or "pooled": {
            "mean_apt": _at_answered(total, mean_apt, hits_DV, support_V),
            "mean_apt_common": _at_answered(total, of_common, hits_DV, support_V),
            "accuracy": _at_answered(total, masked_accuracy, hits_DV, support_V),
        }
        for treatment, hits_DV, support_V in parts
    }
    return [
        {
            "depth": depth,
            **{
                treatment: {key: plain(values[depth]) for key, values in kinds.items()}
                for treatment, kinds in estimates.items()
            },
            **plain(figures[depth]),
        }
        for depth in range(total.readout.counts.num_depths)
    ]


def token_arrays(total: DecodedTotal) -> dict[str, np.ndarray]:
    """`hits` (D, V) and `support` (V,), and of a predictor of probabilities `cross_entropy` (D, V).

    The last is the sum over a token's positions in nats. Hits and cross-entropies are -1 at depths
    where answers are missing.
    """
    is_missing_D1 = (total.unanswered_D > 0)[:, None]
    counts = total.readout.counts
    arrays = {"hits": np.where(is_missing_D1, -1, counts.hits()), "support": counts.support()}
    measure = total.readout.measures.get(TokenCrossEntropy.name)
    if isinstance(measure, TokenCrossEntropy):
        sums_DV = np.where(is_missing_D1, -1, measure.sums_DV)
        arrays["cross_entropy"] = sums_DV.astype(np.float32)
    return arrays


def _by_treatment(
    counts: DepthCounts, knows_treatments: bool
) -> list[tuple[str | None, np.ndarray, np.ndarray]]:
    """Hits (D, V) and support (V,), pooled and of each treatment that occurred, if known."""
    kinds = (None, *TREATMENTS) if knows_treatments else (None,)
    entries = [(kind, counts.hits(kind), counts.support(kind)) for kind in kinds]
    return [entry for entry in entries if entry[2].any()]


def _at_answered(
    total: DecodedTotal,
    estimate: Callable[[np.ndarray, np.ndarray], Estimate],
    hits_DV: np.ndarray,
    support_V: np.ndarray,
) -> list[Estimate]:
    """The estimate at each depth; none where answers are missing."""
    answered = set(total.answered_depths)
    return [
        estimate(hits_V, support_V) if depth in answered else NO_FIGURE
        for depth, hits_V in enumerate(hits_DV)
    ]
