"""All that two measurements of the same asked positions say about which model is better."""
# D depths, V vocabulary, T tokens that were asked for.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Integer

from hf_apt.stats.apt import apt, asked_alike
from hf_apt.stats.clusters import HEADLINE, token_clusters
from hf_apt.stats.confusion import confusion
from hf_apt.stats.counts import TREATMENTS, DepthCounts
from hf_apt.stats.estimates import Estimate, mean_estimate
from hf_apt.stats.frequency import apt_by_frequency
from hf_apt.stats.measures.rarefied_apt import RarefiedApt
from hf_apt.stats.measures.readout import Readout
from hf_apt.stats.paired.differences import (
    PairedDifference,
    accuracy_differences,
    mean_apt_differences,
)
from hf_apt.stats.paired.paired_answers import PairedAnswers
from hf_apt.stats.paired.sign_flips import changes


@dataclass(frozen=True)
class TokenChange:
    """A token that one model answers better than the other."""

    token: int
    """The id of the token."""

    support: int
    """Asked positions."""

    hits_a: int
    """Those that A answers right."""

    hits_b: int
    """Those that B answers right."""

    p_value: float
    """Exact two-sided p-value (`hf_apt.stats.paired.sign_flips`)."""

    adjusted: float
    """The least false-discovery rate at which the token counts as changed."""


@dataclass(frozen=True)
class PartDifference:
    """Mean of B's APT less A's over part of the tokens, its error over these tokens."""

    part: str
    """What the tokens have in common: a treatment, frequencies, or the ids of a cluster."""

    tokens: tuple[int, ...]
    """The ids of a cluster; none for other parts."""

    difference: Estimate
    """The mean and its error over tokens; `num` is their number."""


@dataclass(frozen=True)
class PairedComparison:
    """How model B differs from model A at the same asked positions.

    All but the first three is of the last depth.
    """

    mean_apt: list[PairedDifference]
    """Mean APT at each depth; of models of different depth after the last block alone."""

    accuracy: list[PairedDifference]
    """Share of the positions answered right, at the same depths."""

    named: list[PairedDifference] | None
    """Mean APT of a named set of tokens at the same depths; None where no set was named."""

    num_tested: int
    """Tokens whose gains lie in groups enough to be told from chance."""

    gained: list[TokenChange]
    """Tokens that B answers better, surest first."""

    lost: list[TokenChange]
    """Tokens that A answers better, surest first."""

    by_treatment: list[PartDifference]
    """The difference by what masking did."""

    by_frequency: list[PartDifference]
    """The difference in logarithmic bins of corpus frequency, rarest first."""

    by_cluster: list[PartDifference]
    """The difference in each cluster of tokens that A takes for one another, largest first."""


def paired_comparison(
    a: Readout,
    b: Readout,
    frequency_V: Integer[np.ndarray, " vocab"],
    *,
    rate: float = 0.05,
    named_V: Bool[np.ndarray, " vocab"] | None = None,
    num_clusters: int = 10,
) -> PairedComparison:
    """The comparison of two readouts; `rate` is the false-discovery rate of gained and lost tokens.

    Raises ValueError unless both were asked at the same positions, as told by the number of times
    that each token was asked in each group of sequences and under each treatment.
    """
    measure_a, measure_b = (readout.measures.get(RarefiedApt.name) for readout in (a, b))
    if not (isinstance(measure_a, RarefiedApt) and isinstance(measure_b, RarefiedApt)):
        raise ValueError("the right answers by stretches of text were not kept")
    pairs = PairedAnswers.of_measures(measure_a, measure_b)
    size = max(a.counts.vocab_size, b.counts.vocab_size, len(frequency_V))
    by_treatment = _by_treatment(a.counts, b.counts, size)
    support_T, hits_a_DT, hits_b_DT = pairs.by_token()
    gain_V = np.full(size, np.nan)
    gain_V[pairs.tokens] = (hits_b_DT[-1] - hits_a_DT[-1]) / support_T
    frequencies_V = np.pad(frequency_V, (0, size - len(frequency_V)))
    test = changes(pairs.gains(-1), rate)
    rows = zip(
        *(pairs.tokens.tolist(), support_T.tolist(), hits_a_DT[-1].tolist()),
        *(hits_b_DT[-1].tolist(), test.p_values_T.tolist(), test.adjusted_T.tolist()),
        strict=True,
    )
    every = [TokenChange(*row) for row in rows]
    return PairedComparison(
        mean_apt=mean_apt_differences(pairs),
        accuracy=accuracy_differences(pairs),
        named=None if named_V is None else mean_apt_differences(pairs.of_tokens(named_V)),
        num_tested=test.num_tested,
        gained=_surest_first(every, test.gained_T),
        lost=_surest_first(every, test.lost_T),
        by_treatment=by_treatment,
        by_frequency=_by_frequency(gain_V, frequencies_V),
        by_cluster=_by_cluster(a.counts, gain_V, num_clusters),
    )


def _surest_first(every: list[TokenChange], chosen_T: Bool[np.ndarray, " tokens"]):
    chosen = [every[index] for index in np.flatnonzero(chosen_T)]
    return sorted(chosen, key=lambda change: (change.p_value, -change.support, change.token))


def _by_treatment(a: DepthCounts, b: DepthCounts, size: int) -> list[PartDifference]:
    """The gain under each treatment that occurred, over the tokens that all of them asked for.

    Raises ValueError where a token was asked another number of times under a treatment.
    """
    gains, supports = {}, []
    for treatment in TREATMENTS:
        at_a, at_b = a.at(-1, treatment), b.at(-1, treatment)
        support_V = _filled(at_a.support(), size)
        if not np.array_equal(support_V, _filled(at_b.support(), size)):
            raise ValueError("they are of other asked positions")
        if support_V.any():
            apt_a_V, apt_b_V = (apt(_filled(at.hits(), size), support_V) for at in (at_a, at_b))
            gains[treatment] = apt_b_V - apt_a_V
            supports.append(support_V)
    common_V = asked_alike(supports) if supports else np.zeros(size, bool)
    return [
        PartDifference(treatment, (), mean_estimate(gain_V[common_V]))
        for treatment, gain_V in gains.items()
    ]


def _by_frequency(
    gain_V: Float[np.ndarray, " vocab"], frequency_V: Int[np.ndarray, " vocab"]
) -> list[PartDifference]:
    return [
        PartDifference(f"{round(each.low):,} to {round(each.high):,}", (), each.mean_apt)
        for each in apt_by_frequency(gain_V, frequency_V)
    ]


def _by_cluster(
    a: DepthCounts, gain_V: Float[np.ndarray, " vocab"], most: int
) -> list[PartDifference]:
    definition, threshold = HEADLINE
    clusters = token_clusters(confusion(a.at(-1)), threshold, definition)
    return [
        PartDifference("cluster", tuple(tokens.tolist()), mean_estimate(gain_V[tokens]))
        for tokens in clusters.members[:most]
    ]


def _filled(values_V: np.ndarray, size: int) -> np.ndarray:
    return np.pad(values_V, (0, size - len(values_V)))
