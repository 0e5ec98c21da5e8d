"""The headline figures of a measurement, as plain JSON: counts in, numbers out.

The schema is described field by field in `summarise_depths`, and its version in
`hf_apt.records.schemas`. NaN is written as null.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from jaxtyping import Int, Integer

from hf_apt.stats.apt import (
    ASKED_OFTEN,
    apt,
    apt50,
    asked_alike,
    masked_accuracy,
    mean_apt,
    never_right,
)
from hf_apt.stats.clusters import (
    DEFINITIONS,
    THRESHOLDS,
    TokenClusters,
    basis_of,
    cluster_agreement,
    strong_matches,
)
from hf_apt.stats.confusion import Confusion, noise_mass
from hf_apt.stats.counts import TREATMENTS, DepthCounts
from hf_apt.stats.depth_figures import DepthFigures
from hf_apt.stats.estimates import Estimate, plain
from hf_apt.stats.frequency import apt_by_frequency, growth, growth_by_frequency
from hf_apt.stats.measures.rarefied_apt import RAREFIED_TO, RarefiedApt
from hf_apt.stats.measures.registry import COLUMNS
from hf_apt.stats.rarefaction import common_sizes, rarefied_mean_apt, rarefied_num_tokens
from hf_apt.stats.readout_analysis import ReadoutAnalysis

_SHOWN = 20


def summarise_depths(
    analysis: ReadoutAnalysis,
    frequency_V: Integer[np.ndarray, " vocab"],
    *,
    planted_V: Int[np.ndarray, " vocab"] | None = None,
    thresholds: tuple[float, ...] = THRESHOLDS,
) -> list[DepthFigures]:
    """One dictionary for each depth, in order.

    - `depth`: 0 = embeddings, m = after block m; other names are in `depths` of the model.
    - `mean_apt`, `masked_accuracy`: estimates (`value`, `standard_error`, `num`) for `pooled` and
      for each treatment (`masked`, `replaced`, `unchanged`).
    - `mean_apt_common`: mean APT of the tokens asked for under all three treatments, for `pooled`
      and each treatment, which can be compared: of all their tokens each asks for other ones.
    - `mean_apt_planted`: mean APT of the tokens of planted classes, without those of none; null
      where classes are not known.
    - `rarefaction`: mean APT expected at each of `common_sizes` (`num_positions`, `mean_apt`), by
      which measurements of different size are compared (`hf_apt.stats.rarefaction`); errors, over
      stretches of the text, are null where only counts were kept.
    - `rarefied_growth`: `growth` at `RAREFIED_TO` positions, its error over stretches of the text;
      null at depth 0, for fewer positions, and where only counts were kept.
    - `never_right`: tokens asked at least `min_support` times and never right: `num_tokens`, and of
      the 20 most often asked the ids `tokens` and their `support`.
    - `apt50`: the three readings, each an estimate, for `pooled` and each treatment.
    - the figures of all measures by the keys of their columns (`hf_apt.stats.measures.registry`),
      estimates; null where a measure was not made.
    - `growth`: mean APT less that of the depth before, paired by token; null at depth 0.
    - `growth_by_frequency`: what each tenth of the tokens, rarest first, adds to `growth`; null
      at depth 0.
    - `apt_by_frequency`: logarithmic bins of corpus frequency (`low`, `high`, `mean_apt`).
    - `confusion`: tokens asked for (`num_rows`), passing the row filter (`num_kept`), tied
      (`num_ties`), and distinct pairs (`num_pairs`).
    - `clusters`: one entry for each threshold and definition: number, sizes, share of kept tokens
      with a strong match, noise mass (mean over kept tokens), adjusted Rand index against the depth
      before (`agreement_previous`) and against planted classes (`agreement_planted`).

    `planted_V` gives the known class of each token, -1 for a token alone in its class.
    """
    counts, support_V = analysis.counts, analysis.support_V
    apt_DV = apt(analysis.hits_DV, support_V)
    growths = [None, *growth(apt_DV)]
    shares = [None, *growth_by_frequency(apt_DV, frequency_V).tolist()]
    measured = analysis.readout.figures()
    rarefied, rarefied_growths = _rarefied(analysis)
    depths: list[DepthFigures] = []
    previous: dict[tuple[float, str], TokenClusters] = {}
    for depth in range(counts.num_depths):
        table = analysis.table(depth)
        clusterings = {
            (threshold, definition): analysis.clusters(depth, threshold, definition)
            for threshold in thresholds
            for definition in DEFINITIONS
        }
        asked_V = support_V > 0
        figures = {
            "depth": depth,
            **_accuracies(counts, depth, frequency_V),
            "mean_apt_planted": _planted_mean(analysis.hits_DV[depth], support_V, planted_V),
            "rarefaction": rarefied[depth],
            "rarefied_growth": plain(rarefied_growths[depth]),
            "never_right": _never_right(analysis.hits_DV[depth], support_V),
            **_measured(measured[depth]),
            "growth": plain(growths[depth]),
            "growth_by_frequency": shares[depth],
            "apt_by_frequency": plain(apt_by_frequency(apt_DV[depth], frequency_V)),
            "confusion": {
                "num_rows": int(asked_V.sum()),
                "num_kept": int(table.kept_V.sum()),
                "num_ties": table.num_ties,
                "num_pairs": int(table.matrix.nnz),
            },
            "clusters": [
                cluster_figures(clusters, table)
                | {
                    "agreement_previous": _agreement(clusters, previous.get(key), asked_V),
                    "agreement_planted": _planted_agreement(clusters, planted_V, asked_V),
                }
                for key, clusters in clusterings.items()
            ],
        }
        depths.append(cast(DepthFigures, figures))  # with the keys of all measures
        previous = clusterings
    return depths


def cluster_figures(clusters: TokenClusters, table: Confusion) -> dict[str, Any]:
    """Number, sizes, share of kept tokens with a strong match and noise mass; None over nothing."""
    sizes, num_kept = clusters.sizes(), clusters.num_kept
    clustered = {int(token) for tokens in clusters.members for token in tokens}
    basis = basis_of(clusters.definition)
    noise = noise_mass(table, strong_matches(table, clusters.strong_match_threshold, basis))
    return {
        "definition": clusters.definition,
        "threshold": clusters.strong_match_threshold,
        "num_clusters": len(sizes),
        "num_tokens_in_clusters": len(clustered),
        "share_with_strong_match": clusters.num_matched / num_kept if num_kept else None,
        "mean_size": float(sizes.mean()) if len(sizes) else None,
        "median_size": float(np.median(sizes)) if len(sizes) else None,
        "max_size": int(sizes.max()) if len(sizes) else None,
        "size_histogram": {str(size): n for size, n in clusters.size_histogram().items()},
        "noise_mass": float(noise.mean()) if len(noise) else None,
    }


def _accuracies(counts: DepthCounts, depth: int, frequency_V: np.ndarray) -> dict[str, Any]:
    figures: dict[str, Any] = {
        name: {} for name in ("mean_apt", "mean_apt_common", "masked_accuracy", "apt50")
    }
    common_V = asked_alike([counts.support(name) for name in TREATMENTS])
    for name in ("pooled", *TREATMENTS):
        pairs = counts.at(depth, None if name == "pooled" else name)
        hits_V, support_V = pairs.hits(), pairs.support()
        figures["mean_apt"][name] = plain(mean_apt(hits_V, support_V))
        common = mean_apt(hits_V, support_V, tokens_V=common_V)
        figures["mean_apt_common"][name] = plain(common)
        figures["masked_accuracy"][name] = plain(masked_accuracy(hits_V, support_V))
        figures["apt50"][name] = plain(apt50(hits_V, support_V, frequency_V))
    return figures


def _rarefied(
    analysis: ReadoutAnalysis,
) -> tuple[list[list[dict[str, Any]]], list[Estimate | None]]:
    """The curve of each depth, and the rarefied growth to each depth."""
    num_depths, support_V = analysis.counts.num_depths, analysis.support_V
    sizes = common_sizes(int(support_V.sum()))
    curves: list[list[dict[str, Any]]] = [[] for _ in range(num_depths)]
    growths: list[Estimate | None] = [None] * num_depths
    measure = analysis.readout.measures.get(RarefiedApt.name)
    if isinstance(measure, RarefiedApt) and sizes:
        values_SD, errors_SD = measure.rarefied(sizes)
        if RAREFIED_TO in sizes:
            growths[1:] = measure.growth(RAREFIED_TO)
    else:
        values_SD = [rarefied_mean_apt(analysis.hits_DV, support_V, size) for size in sizes]
        errors_SD = np.full((len(sizes), num_depths), np.nan)
    for size, values_D, errors_D in zip(sizes, values_SD, errors_SD, strict=True):
        num = round(rarefied_num_tokens(support_V, size))
        for curve, value, error in zip(curves, values_D, errors_D, strict=True):
            estimate = Estimate(float(value), float(error), num)
            curve.append({"num_positions": size, "mean_apt": plain(estimate)})
    return curves, growths


def _never_right(hits_V: np.ndarray, support_V: np.ndarray) -> dict[str, Any]:
    tokens = never_right(hits_V, support_V, min_support=ASKED_OFTEN)
    shown = tokens[:_SHOWN]
    return {
        "min_support": ASKED_OFTEN,
        "num_tokens": len(tokens),
        "tokens": shown.tolist(),
        "support": support_V[shown].tolist(),
    }


def _measured(figures: dict[str, Estimate]) -> dict[str, Any]:
    return {column.key: plain(figures.get(column.key)) for column in COLUMNS}


def _agreement(
    clusters: TokenClusters, previous: TokenClusters | None, asked_V: np.ndarray
) -> float | None:
    if previous is None or clusters.definition == "row":
        return None
    return cluster_agreement(clusters.labels(), previous.labels(), asked_V)


def _planted_mean(hits_V: np.ndarray, support_V: np.ndarray, planted_V: np.ndarray | None) -> Any:
    if planted_V is None:
        return None
    return plain(mean_apt(hits_V, support_V, tokens_V=planted_V >= 0))


def _planted_agreement(
    clusters: TokenClusters, planted_V: np.ndarray | None, asked_V: np.ndarray
) -> float | None:
    if planted_V is None or clusters.definition == "row":
        return None
    # A token of no class is in a class of its own; classes and tokens must not share a label.
    alone_V = np.arange(len(planted_V)) + planted_V.max() + 1
    return cluster_agreement(
        clusters.labels(), np.where(planted_V < 0, alone_V, planted_V), asked_V
    )
