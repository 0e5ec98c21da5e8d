"""What a training's measurements say of every token, step after step, and what follows from it."""
# S steps, D depths, V vocabulary.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from hf_apt.stats.acquisition.apt_ages import apt_ages, forgetting, is_learnt
from hf_apt.stats.acquisition.surprisal_ages import surprisal_ages
from hf_apt.stats.apt import apt
from hf_apt.stats.estimates import Estimate, spearman


@dataclass(frozen=True)
class MeasuredSteps:
    """The same positions asked at several steps of a training."""

    steps_S: Int[np.ndarray, " steps"]
    """Steps of the training that were measured, ascending."""

    hits_SDV: Int[np.ndarray, "steps depth vocab"]
    """Right answers of each token at each step and depth; -1 where they are not known."""

    support_V: Int[np.ndarray, " vocab"]
    """Asked positions of each token, the same at every step."""

    cross_entropy_SDV: Float[np.ndarray, "steps depth vocab"] | None
    """Sums of cross-entropy over asked positions, in nats; negative if not known, None if not
    kept."""


@dataclass(frozen=True)
class Ages:
    """When each token is learnt at each depth, which are forgotten, and in what order."""

    learnt_DV: Bool[np.ndarray, "depth vocab"]
    """Tokens asked at least `min_support` times and right beyond chance in the end."""

    apt_ages_DV: Float[np.ndarray, "depth vocab"]
    """The first step from which APT stays above half its final value; NaN if not learnt."""

    surprisal_ages_DV: Float[np.ndarray, "depth vocab"] | None
    """The step at which surprisal is half-way down; None where cross-entropies were not kept, or
    of less than four steps."""

    final_apt_DV: Float[np.ndarray, "depth vocab"]
    """APT at the last step; NaN for less than `min_support` positions."""

    forgetting_DV: Float[np.ndarray, "depth vocab"]
    """The largest APT less the final one; NaN for less than `min_support` positions."""

    order_between_depths: list[list[Estimate]]
    """Spearman's correlation of the APT ages at two depths, over tokens learnt at both."""

    order_with_support: list[Estimate]
    """Spearman's correlation of APT ages with how often a token was asked, at each depth: negative
    if common tokens come first."""


def ages(measured: MeasuredSteps, *, min_support: int = 20) -> Ages:
    """All ages; tokens asked less than `min_support` times, whose APT is mostly noise, have none.

    Raises ValueError for less than two steps.
    """
    steps_S, support_V = measured.steps_S, measured.support_V
    if len(steps_S) < 2:
        raise ValueError(f"{len(steps_S)} step tells no age: measure at two steps or more.")
    enough_V = support_V >= max(min_support, 1)
    known_SD11 = (measured.hits_SDV >= 0).all(axis=2, keepdims=True)
    apt_SDV = np.where(known_SD11, apt(np.maximum(measured.hits_SDV, 0), support_V), np.nan)
    apt_SDV = np.where(enough_V, apt_SDV, np.nan)
    learnt_DV = is_learnt(apt_SDV[-1], support_V, min_support=min_support)
    ages_DV = np.where(learnt_DV, apt_ages(apt_SDV, steps_S), np.nan)
    num_depths = ages_DV.shape[0]
    return Ages(
        learnt_DV=learnt_DV,
        apt_ages_DV=ages_DV,
        surprisal_ages_DV=_surprisal_ages(measured, enough_V),
        final_apt_DV=apt_SDV[-1],
        forgetting_DV=forgetting(apt_SDV),
        order_between_depths=[
            [rank_agreement(ages_DV[one], ages_DV[other]) for other in range(num_depths)]
            for one in range(num_depths)
        ],
        order_with_support=[rank_agreement(ages_V, support_V) for ages_V in ages_DV],
    )


def rank_agreement(one_V: np.ndarray, other_V: np.ndarray) -> Estimate:
    """Spearman's correlation over the tokens for which neither is NaN; NaN below three of them."""
    both_V = ~(np.isnan(one_V) | np.isnan(other_V))
    if both_V.sum() < 3:
        return Estimate(float("nan"), float("nan"), int(both_V.sum()))
    return spearman(one_V[both_V].astype(float), other_V[both_V].astype(float))


def _surprisal_ages(measured: MeasuredSteps, enough_V: np.ndarray) -> np.ndarray | None:
    sums_SDV = measured.cross_entropy_SDV
    if sums_SDV is None or (measured.steps_S > 0).sum() < 4:
        return None
    ages_DV = np.full(sums_SDV.shape[1:], np.nan)
    tokens = np.flatnonzero(enough_V)
    for depth in range(len(ages_DV)):
        sums_ST = sums_SDV[:, depth, tokens].astype(np.float64)
        means_ST = np.where(sums_ST < 0, np.nan, sums_ST / measured.support_V[tokens])
        ages_DV[depth, tokens] = surprisal_ages(means_ST, measured.steps_S, len(enough_V))
    return ages_DV
