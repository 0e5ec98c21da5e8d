"""The figures of the metric modules: from a stream of questions and answers to flat values.

Everything is Python's own, numbers and lists, so that `evaluate.save` writes it as JSON. An
undefined value is NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hf_apt.stats.apt import (
    apt,
    apt50,
    apt_standard_error,
    asked_alike,
    masked_accuracy,
    mean_apt,
)
from hf_apt.stats.clusters import (
    HEADLINE,
    Definition,
    basis_of,
    strong_matches,
    token_clusters,
)
from hf_apt.stats.confidence import confidence_bins
from hf_apt.stats.config_checks import require_whole_number
from hf_apt.stats.confusion import confusion, noise_mass
from hf_apt.stats.counts import PairCounts
from hf_apt.stats.depth_summary import cluster_figures
from hf_apt.stats.estimates import (
    Estimate,
    Slope,
    mean_estimate,
    pearson,
    plain,
    share_estimate,
    slope,
    spearman,
)
from hf_apt.stats.frequency import apt_by_frequency
from hf_apt.stats.metric_modules.array_inputs import whole_numbers
from hf_apt.stats.metric_modules.hit_stream import HitStream
from hf_apt.stats.metric_modules.streams import (
    ConfidenceStream,
    PairStream,
)
from hf_apt.stats.rarefaction import rarefied_mean_apt, rarefied_num_tokens
from hf_apt.stats.slopes.class_slope import class_slope


def apt_scores(
    stream: HitStream,
    *,
    frequencies: Any = None,
    min_support: int = 1,
    rarefied_to: int | None = None,
    per_token: bool = False,
    vocab_size: int | None = None,
) -> dict[str, Any]:
    """Mean APT, masked accuracy and APT(50), of all positions and of each treatment.

    - `mean_apt`, over `num_tokens` tokens asked at least `min_support` times; `masked_accuracy`,
      over `num_positions`; each with `…_standard_error`, in [0, 1].
    - `apt50_most_frequent_50`, `apt50_upper_half`, `apt50_support_50`, each with its standard
      error: mean APT of the 50 most frequent tokens, of the more frequent half, and of those asked
      at least 50 times. Frequency is that of `frequencies`, else how often a token was asked.
    - with `rarefied_to`, a number of positions: `rarefied_mean_apt`, in [0, 1], mean APT expected
      of so many of the positions asked, over `rarefied_num_tokens` expected tokens, whatever
      `min_support` (`hf_apt.stats.rarefaction`); NaN where a treatment has fewer. Its standard
      error is that over the text, by groups of neighbouring documents
      (`hf_apt.stats.measures.rarefied_apt`): NaN where the stream does not know the documents, as
      positions of one are not independent.
    - where the stream tells treatments apart, all of that again with `_masked`, `_replaced` or
      `_unchanged` appended; and `mean_apt_common`, of all positions and of each treatment, over the
      `num_tokens_common` tokens asked at least `min_support` times under every treatment that
      occurred: on these alone treatments can be compared.
    - with `frequencies`, the occurrences of each token id in a corpus: `apt_by_frequency`, a list
      of logarithmic bins from `low` to below `high`.
    - with `per_token`, lists over the tokens asked for, by id: `tokens`, `apt`,
      `apt_standard_error`, `support`.

    Raises ValueError if nothing was asked, for a token outside `vocab_size` or `frequencies`, and
    for a `rarefied_to` that is more positions than were asked.
    """
    require_whole_number("min_support", min_support)  # as 0/0 is no accuracy
    if rarefied_to is not None:
        require_whole_number("rarefied_to", rarefied_to)
    pairs = stream.pairs(vocab_size=vocab_size)
    hits_V, support_V = pairs.hits(), pairs.support()
    frequency_V = support_V if frequencies is None else _frequency(frequencies, support_V)
    scores = _accuracies(hits_V, support_V, frequency_V, min_support)
    if rarefied_to is not None:
        scores |= _rarefied(stream, pairs, rarefied_to)
    parts = {
        treatment: stream.pairs(treatment, vocab_size=pairs.vocab_size)
        for treatment in stream.treatments
    }
    if parts:
        supports = [part.support() for part in parts.values() if part.total]
        common_V = asked_alike(supports, min_support=min_support)
        for name, part in {"": pairs, **parts}.items():
            scores |= _common(part, common_V, f"_{name}" if name else "")
        scores["num_tokens_common"] = int(common_V.sum())
    for treatment, part in parts.items():
        figures = _accuracies(part.hits(), part.support(), frequency_V, min_support)
        if rarefied_to is not None:
            enough = rarefied_to <= part.support().sum()
            figures |= _rarefied(stream, part, rarefied_to, treatment) if enough else _UNKNOWN
        scores |= {f"{name}_{treatment}": value for name, value in figures.items()}
    apt_V = apt(hits_V, support_V)
    if frequencies is not None:
        scores["apt_by_frequency"] = [
            {"low": part.low, "high": part.high}
            | _named("mean_apt", part.mean_apt, num="num_tokens")
            for part in apt_by_frequency(apt_V, frequency_V)
        ]
    if per_token:
        tokens = np.flatnonzero(support_V)
        scores["tokens"] = tokens.tolist()
        scores["apt"] = apt_V[tokens].tolist()
        scores["apt_standard_error"] = apt_standard_error(hits_V, support_V)[tokens].tolist()
        scores["support"] = support_V[tokens].tolist()
    return scores


def token_confusion_scores(stream: PairStream, *, vocab_size: int | None = None) -> dict[str, Any]:
    """The token confusion matrix, the entries that are not 0, and its row filter.

    - `rows` (references), `columns` (predictions), `counts`: lists of integers, by row, then
      column.
    - `kept`: ids of the tokens whose right answer is their commonest answer, ties included.
    - `num_pairs` entries; `num_rows` tokens asked for; `num_kept`; `num_ties`, the kept tokens with
      another answer exactly as common.

    Raises ValueError if nothing was asked, and for a token outside `vocab_size`.
    """
    table = confusion(stream.pairs(vocab_size=vocab_size))
    entries = table.matrix.tocoo()
    return {
        "rows": entries.row.tolist(),
        "columns": entries.col.tolist(),
        "counts": entries.data.tolist(),
        "kept": np.flatnonzero(table.kept_V).tolist(),
        "num_pairs": int(table.matrix.nnz),
        "num_rows": int((np.diff(table.matrix.indptr) > 0).sum()),
        "num_kept": int(table.kept_V.sum()),
        "num_ties": table.num_ties,
    }


def token_clusters_scores(
    stream: PairStream,
    *,
    threshold: float = HEADLINE[1],
    definition: Definition = HEADLINE[0],
    vocab_size: int | None = None,
) -> dict[str, Any]:
    """The clusters of strong-match tokens: `clusters`, lists of token ids, largest first.

    With them what `hf_apt.stats.depth_summary.cluster_figures` says about their number, sizes and
    noise mass, and `share_with_strong_match`, `mean_size` and `noise_mass` each with
    `…_standard_error`, over kept tokens or clusters, None below two of them. Raises ValueError if
    nothing was asked, for a threshold outside (0, 1] or an unknown definition, and for a token
    outside `vocab_size`.
    """
    table = confusion(stream.pairs(vocab_size=vocab_size))
    clusters = token_clusters(table, threshold, definition)
    figures = cluster_figures(clusters, table)
    matches = strong_matches(table, threshold, basis_of(definition))
    errors = {
        "share_with_strong_match": share_estimate(clusters.num_matched, clusters.num_kept),
        "mean_size": mean_estimate(clusters.sizes().astype(float)),
        "noise_mass": mean_estimate(noise_mass(table, matches)),
    }
    figures |= {
        f"{name}_standard_error": plain(estimate.standard_error)
        for name, estimate in errors.items()
    }
    return {"clusters": [tokens.tolist() for tokens in clusters.members]} | figures


def confidence_scores(stream: ConfidenceStream, *, num_bins: int = 10) -> dict[str, Any]:
    """Label confidence against the mean APT of an input's tokens.

    - `pearson` and `spearman` correlation, in [-1, 1], over `num_inputs`; `mean_confidence`, and
      `accuracy` if correctness is known, in [0, 1]; each with `…_standard_error`.
    - `slope` of confidence on mean APT over all inputs and, if classes are known,
      `within_class_slope`, both centred by the means of their class; each with `…_standard_error`
      and its 95 % interval, `…_low` to `…_high`. Neither is corrected for the noise of mean APT,
      for which counts are needed (`hf_apt.stats.slopes.corrected_slope`).
    - `bins`: quantiles of mean APT, lowest first, each from `low` to `high` with the same means.

    Raises ValueError if there is no input, and for less than one bin.
    """
    require_whole_number("num_bins", num_bins)
    columns = stream.columns()
    confidence_I, mean_apt_I = columns["confidence"], columns["mean_apt"]
    correct_I = columns.get("correct")
    scores: dict[str, Any] = {"num_inputs": len(mean_apt_I)}
    scores |= _named("pearson", pearson(mean_apt_I, confidence_I))
    scores |= _named("spearman", spearman(mean_apt_I, confidence_I))
    scores |= _named("mean_confidence", mean_estimate(confidence_I))
    if correct_I is not None:
        scores |= _named("accuracy", mean_estimate(correct_I))
    scores |= _named_slope("slope", slope(mean_apt_I, confidence_I))
    if "labels" in columns:
        classes_I = columns["labels"].astype(np.int64)
        within = class_slope(mean_apt_I, confidence_I, classes_I)
        scores |= _named_slope("within_class_slope", within)
    scores["bins"] = []
    for part in confidence_bins(confidence_I, mean_apt_I, correct_I, num_bins=num_bins):
        figures = {"low": part.low, "high": part.high}
        figures |= _named("mean_confidence", part.confidence, num="num_inputs")
        if correct_I is not None:
            figures |= _named("accuracy", part.accuracy)
        scores["bins"].append(figures)
    return scores


_RAREFIED = ("rarefied_mean_apt", "rarefied_mean_apt_standard_error", "rarefied_num_tokens")
_UNKNOWN = dict.fromkeys(_RAREFIED, float("nan"))


def _rarefied(
    stream: HitStream, part: PairCounts, num_positions: int, treatment: str | None = None
) -> dict[str, float]:
    support_V = part.support()
    figures = (
        float(rarefied_mean_apt(part.hits(), support_V, num_positions)),
        stream.rarefied_error(num_positions, treatment),
        rarefied_num_tokens(support_V, num_positions),
    )
    return dict(zip(_RAREFIED, figures, strict=True))


def _common(part: PairCounts, common_V: np.ndarray, ending: str) -> dict[str, float]:
    mean = mean_apt(part.hits(), part.support(), tokens_V=common_V)
    return {
        f"mean_apt_common{ending}": mean.value,
        f"mean_apt_common_standard_error{ending}": mean.standard_error,
    }


def _accuracies(
    hits_V: np.ndarray, support_V: np.ndarray, frequency_V: np.ndarray, min_support: int
) -> dict[str, Any]:
    readings = apt50(hits_V, support_V, frequency_V)
    return (
        _named("mean_apt", mean_apt(hits_V, support_V, min_support=min_support), num="num_tokens")
        | _named("masked_accuracy", masked_accuracy(hits_V, support_V), num="num_positions")
        | _named("apt50_most_frequent_50", readings.most_frequent_50)
        | _named("apt50_upper_half", readings.upper_half)
        | _named("apt50_support_50", readings.support_50)
    )


def _named(name: str, estimate: Estimate, *, num: str | None = None) -> dict[str, Any]:
    named = {name: estimate.value, f"{name}_standard_error": estimate.standard_error}
    return named | ({num: estimate.num} if num else {})


def _named_slope(name: str, line: Slope) -> dict[str, Any]:
    named = {name: line.value, f"{name}_standard_error": line.standard_error}
    return named | {f"{name}_low": line.low, f"{name}_high": line.high}


def _frequency(frequencies: Any, support_V: np.ndarray) -> np.ndarray:
    """`frequencies`, cut or padded with zeros to the vocabulary of `support_V`."""
    given = whole_numbers("frequencies", frequencies, example="Tokens.frequency()").ravel()
    if given.size and given.min() < 0:
        raise ValueError(f"frequencies hold {given.min()}: give occurrences, 0 or more.")
    largest = int(np.flatnonzero(support_V)[-1])
    if len(given) <= largest:
        raise ValueError(
            f"{len(given)} frequencies do not reach token {largest}, which was asked for: give one "
            f"for each token id, at least {largest + 1}."
        )
    frequency_V = np.zeros(len(support_V), np.int64)
    given = given[: len(support_V)]
    frequency_V[: len(given)] = given
    return frequency_V
