"""The measurable terms of a bound on transfer, at every depth of a masked language model.

Deng, Hong, Zhou and Mahdavi 2024, arXiv 2403.06871, bound what a task loses after pre-training by
the Rademacher complexity of its classifiers on the learnt representation, the distance between its
texts and those of pre-training, and how well pre-training itself generalises. Constants of such a
bound are not known: what is measured here are proxies, beside one another, and not the bound.
"""
# D depths, N texts, E width of a feature.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from jaxtyping import Float

from hf_apt.analysis.bound_terms.bound_config import BoundConfig
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.tokens import Tokens
from hf_apt.data.whole_texts.encoded_texts import EncodedTexts
from hf_apt.depths.feature_config import FeatureConfig
from hf_apt.depths.measurement import measure
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.text_features import features
from hf_apt.depths.trunk import Trunk
from hf_apt.models.encoders import Encoder
from hf_apt.models.fresh import untrained_twin
from hf_apt.stats.estimates import Estimate
from hf_apt.stats.rademacher.complexity import RademacherComplexity, rademacher_complexity
from hf_apt.stats.rademacher.domain_proxy import domain_proxy
from hf_apt.stats.rademacher.spread import effective_rank, mean_cosine


@dataclass(frozen=True)
class DepthTerms:
    """The terms at one depth."""

    complexity: RademacherComplexity
    """Of linear functions of length 1 on the features of the task's texts."""

    effective_rank: float
    """Directions in which these features lie."""

    mean_cosine: float
    """How alike they are."""

    domain: Estimate
    """How well features of the task's texts are told from those of pre-training text of the same
    lengths: 2 * accuracy - 1 of a linear classifier."""

    training_loss: Estimate | None
    """Cross-entropy of the model's own head on text that it was pre-trained on, in nats; None where
    that is not known."""

    held_out_loss: Estimate | None
    """On text that was held out."""

    @property
    def gap(self) -> Estimate | None:
        """By how much the held-out loss is larger; errors of both sides are independent."""
        if self.training_loss is None or self.held_out_loss is None:
            return None
        pair = self.held_out_loss, self.training_loss
        error = float(np.hypot(pair[0].standard_error, pair[1].standard_error))
        return Estimate(pair[0].value - pair[1].value, error, pair[0].num)


@dataclass(frozen=True)
class BoundTerms:
    """The terms at every depth, and those of models with random weights."""

    depths: tuple[DepthTerms, ...]
    """The terms at each depth, from the embeddings on."""

    twins: tuple[tuple[DepthTerms, ...], ...]
    """The terms at each depth of each model with random weights, whose losses are not measured."""


def bound_terms(
    model: Any,
    tokenizer: Any,
    task_texts: Sequence[str],
    pretraining_texts: Sequence[str],
    config: BoundConfig | None = None,
    *,
    tokens: tuple[Tokens, Tokens] | None = None,
) -> BoundTerms:
    """The measurable terms of a bound on transfer, at every depth.

    Args:
        model: a loaded masked language model.
        tokenizer: its tokenizer.
        task_texts: texts of the task, `num_texts` of them at least; the first ones are read.
        pretraining_texts: as many texts of the kind that it was pre-trained on.
        config: how they are measured; the defaults if None.
        tokens: training and held-out sequences of its pre-training; None where they are not known.

    Returns:
        The terms at every depth, and those of twins.

    Raises:
        ValueError: for too few texts, or texts that the model cannot read.
    """
    config = config or BoundConfig()
    for texts, what in ((task_texts, "the task"), (pretraining_texts, "pre-training")):
        if len(texts) < config.num_texts:
            raise ValueError(
                f"there are {len(texts)} texts of {what}, fewer than the {config.num_texts} that "
                "are read: ask for fewer, --num-texts."
            )
    task, other = task_texts[: config.num_texts], pretraining_texts[: config.num_texts]
    pair = of_equal_lengths(tokenizer, task, other, config.sequence_length)
    losses = _losses(model, tokens, config)
    return BoundTerms(
        _depths(Encoder(model, tokenizer), task, pair, config, losses),
        tuple(
            _depths(
                Encoder(untrained_twin(model, seed=number), tokenizer), task, pair, config, None
            )
            for number in range(config.num_twins)
        ),
    )


def of_equal_lengths(
    tokenizer: Any, first: Sequence[str], second: Sequence[str], sequence_length: int
) -> tuple[list[str], list[str]]:
    """Two samples of texts, cut so that both have the same lengths in tokens.

    The longest text of one is paired with the longest of the other, and the longer one is cut.
    """
    encoded = [EncodedTexts(tokenizer, texts, sequence_length) for texts in (first, second)]
    own = [
        [
            [i for i, is_own in zip(*each, strict=True) if is_own]
            for each in zip(e.rows, e.own, strict=True)
        ]
        for e in encoded
    ]
    ordered = [sorted(rows, key=len, reverse=True) for rows in own]
    cut: tuple[list[str], list[str]] = ([], [])
    for rows in zip(*ordered, strict=True):
        length = min(map(len, rows))
        for side, ids in zip(cut, rows, strict=True):
            side.append(tokenizer.decode(ids[:length]))
    return cut


def _depths(
    encoder: Encoder,
    task: Sequence[str],
    pair: tuple[list[str], list[str]],
    config: BoundConfig,
    losses: list[tuple[Estimate, Estimate]] | None,
) -> tuple[DepthTerms, ...]:
    features_DNE = _features(encoder, task, config, "the task")
    sides_DNE = [_features(encoder, texts, config, "both") for texts in pair]
    return tuple(
        DepthTerms(
            complexity=rademacher_complexity(
                features_NE, num_draws=config.num_draws, seed=config.seed
            ),
            effective_rank=effective_rank(features_NE),
            mean_cosine=mean_cosine(features_NE),
            domain=domain_proxy(sides_DNE[0][depth], sides_DNE[1][depth], config.seed),
            training_loss=losses[depth][0] if losses else None,
            held_out_loss=losses[depth][1] if losses else None,
        )
        for depth, features_NE in enumerate(features_DNE)
    )


def _features(
    encoder: Encoder, texts: Sequence[str], config: BoundConfig, what: str
) -> Float[np.ndarray, "depth n width"]:
    asked = FeatureConfig(
        sequence_length=config.sequence_length,
        batch_size=config.batch_size,
        poolings=(config.pooling,),
    )
    label = f"Reading texts of {what}"
    return features(encoder, texts, asked, label=label)[config.pooling].astype(np.float64)


def _losses(
    model: Any, tokens: tuple[Tokens, Tokens] | None, config: BoundConfig
) -> list[tuple[Estimate, Estimate]] | None:
    """Cross-entropies of the own head on training and held-out text, at every depth."""
    if tokens is None:
        return None
    trunk = Trunk(model)
    head = OwnHead(trunk)
    asked = MeasureConfig(num_sequences=config.num_sequences, seed=config.seed)
    sides = [
        measure(trunk, each, {"own_head": head}, asked, label=f"Loss on {name} text")["own_head"]
        for each, name in zip(tokens, ("training", "held-out"), strict=True)
    ]
    figures = [cast(Any, side).figures() for side in sides]
    return [
        (first["cross_entropy"], second["cross_entropy"])
        for first, second in zip(*figures, strict=True)
    ]
