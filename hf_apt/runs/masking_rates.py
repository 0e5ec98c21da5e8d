"""Accuracy against masking rate: what a masked language model knows of less and less context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hf_apt.data.masking import Masking
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.tokens import Tokens
from hf_apt.depths.decoded import Decoded
from hf_apt.depths.depth_pass import read, totals
from hf_apt.depths.measurement import (
    asked_batches,
    predicts_next_tokens,
    require_fit,
    require_mask_token,
)
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.stats.floors.rate_curve import RateCurve
from hf_apt.stats.measures.cross_entropy import CrossEntropy
from hf_apt.stats.measures.rarefied_apt import RarefiedApt
from hf_apt.stats.measures.readout import Readout

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from hf_apt.data.planted.corpus import PlantedCorpus

RATES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0)


def masking_rates(
    model: PreTrainedModel,
    tokens: Tokens,
    *,
    rates: Sequence[float] = RATES,
    config: MeasureConfig | None = None,
    only_masks: bool = False,
    planted: PlantedCorpus | None = None,
) -> RateCurve:
    """Accuracy and mean APT of a model at each masking rate and depth, by its own head.

    A pass over the text for each rate. As a rate grows, positions are added to those that are asked
    already. Of the asked positions 80 % show a mask, 10 % any token and 10 % their own, so that
    even at a rate of 1 a tenth of the text is to be seen.

    Args:
        model: a loaded masked language model.
        tokens: the text.
        rates: masking rates, each in (0, 1].
        config: sequences, seed and realisations; its own rate is not used: at it, the counts are
            those of `measure`. The defaults of `MeasureConfig` if None.
        only_masks: all asked positions show a mask: at a rate of 1 nothing is seen, and the answer
            can depend on the position and the length of the text alone.
        planted: the language that the tokens are of, which gives the exact best predictor at every
            rate.

    Returns:
        Counts and measures of every depth at each rate.

    Raises:
        ValueError: for rates outside (0, 1] or given twice, for a causal model, and for what
            `hf_apt.measure` refuses.
    """
    require_rates(rates)
    config = config or MeasureConfig()
    if predicts_next_tokens(model):
        raise ValueError("the model is causal: nothing is masked, so that it has no masking rates.")
    require_fit(model, tokens)
    require_mask_token(tokens)
    trunk = Trunk(model)
    law = tokens.masking(seed=config.seed)
    if only_masks:
        law = replace(law, masked_share=1.0, replaced_share=0.0)
    laws = [replace(law, rate=float(rate)) for rate in sorted(rates)]
    readouts = [_counted(trunk, tokens, config, law) for law in laws]
    ceilings = [planted.bayes_counts(tokens, config, law) for law in laws] if planted else []
    return RateCurve(tuple(law.rate for law in laws), only_masks, tuple(readouts), tuple(ceilings))


def require_rates(rates: Sequence[float]) -> None:
    """Raise ValueError unless `rates` are one or several different shares in (0, 1]."""
    if not rates or len(set(rates)) < len(rates):
        raise ValueError(f"rates must be one or several different shares, got {tuple(rates)}.")
    for rate in rates:
        if isinstance(rate, bool) or not 0 < rate <= 1:
            raise ValueError(f"a masking rate is above 0 and at most 1, got {rate!r}.")


def _counted(trunk: Trunk, tokens: Tokens, config: MeasureConfig, law: Masking) -> Readout:
    reader = Decoded(trunk, OwnHead(trunk), (RarefiedApt, CrossEntropy))
    label = f"Masking {law.rate:.0%}"
    read(trunk, asked_batches(tokens, config, masking=law, label=label), [reader])
    total = totals({"own_head": reader})["own_head"]
    if problem := total.problem("own_head"):
        raise ValueError(problem)
    if not total.readout.counts.at(0).total:
        raise ValueError(
            f"at a masking rate of {law.rate:g} no position of the text in {tokens.folder} is "
            "asked: give more text, or leave the rate out."
        )
    return total.readout
