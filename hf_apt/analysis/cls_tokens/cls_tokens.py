"""The cosine of [CLS] and tokens before and after every normalisation of an encoder."""
# L: places, the normalisations in the order in which they are called.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from hf_apt.analysis.cls_tokens.cls_config import ClsConfig
from hf_apt.analysis.cls_tokens.cosines import cls_cosines
from hf_apt.analysis.cls_tokens.normalisations import Normalisations, Place
from hf_apt.data.whole_texts.encoded_texts import EncodedTexts
from hf_apt.models.fresh import untrained_twin
from hf_apt.models.loading import num_positions, require_room
from hf_apt.stats.estimates import Estimate, mean_estimate

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class PlaceCosines:
    """Cosines before and after one normalisation, means over texts with their errors."""

    place: Place
    """Where it is."""

    cls_before: Estimate
    """Cosine of [CLS] with the tokens of its text, before the normalisation."""

    cls_after: Estimate
    """Cosine of [CLS] with the tokens of its text, after the normalisation."""

    tokens_before: Estimate
    """Cosine of a text's tokens with one another, before the normalisation."""

    tokens_after: Estimate
    """Cosine of a text's tokens with one another, after the normalisation."""

    cls_change: Estimate
    """How far the cosine of [CLS] rises, over the same texts."""

    tokens_change: Estimate
    """How far the cosine of tokens with one another rises."""


@dataclass(frozen=True)
class ClsTokens:
    """What the normalisations of an encoder do, and those of its twins with random weights."""

    places: list[PlaceCosines]
    """Every normalisation, in the order in which they are called."""

    twins: list[list[PlaceCosines]]
    """For each twin with random weights what its normalisations do."""

    num_blocks: int
    """Blocks of the encoder."""

    num_texts: int
    """Texts that were read."""


def cls_tokens(
    model: PreTrainedModel,
    tokenizer: Any,
    texts: Sequence[str],
    config: ClsConfig | None = None,
) -> ClsTokens:
    """The cosine of [CLS] and tokens before and after every normalisation of an encoder.

    In vision transformers, normalisations part the state of [CLS] from those of the patches (arXiv
    2602.08626); this measures it in text. Tokens are a text's own, special ones left out.

    Args:
        model: an encoder of transformers, with or without a head, which stays on its device.
        tokenizer: its tokenizer, which puts a [CLS] before each text.
        texts: the texts, none empty.
        config: how texts are read, and how many twins there are.

    Returns:
        Cosines at every normalisation, with errors over texts.

    Raises:
        ValueError: before any pass, for texts that are none, a tokenizer of another model or
            without a [CLS], a text of one token, and a model without blocks that hold
            normalisations; later for states that are not finite.
    """
    config = config or ClsConfig()
    most = num_positions(model.config)
    length = config.sequence_length if most is None else min(config.sequence_length, most)
    encoded = EncodedTexts(tokenizer, texts, length)
    _require_cls(tokenizer, encoded)
    require_room(model, len(tokenizer), encoded.longest)
    places, num_blocks = _measured(model, encoded, config)
    twins = (untrained_twin(model, seed=config.seed + at) for at in range(config.num_twins))
    others = [_measured(twin.to(model.device), encoded, config)[0] for twin in twins]
    return ClsTokens(places, others, num_blocks, len(encoded))


def _require_cls(tokenizer: Any, encoded: EncodedTexts) -> None:
    cls_id = tokenizer.cls_token_id
    if cls_id is None or any(row[0] != cls_id for row in encoded.rows):
        raise ValueError(
            "the tokenizer puts no [CLS] before a text, so that there is none to compare: take an "
            "encoder such as BERT."
        )
    for number, own in enumerate(encoded.own, 1):
        if sum(own) < 2:
            raise ValueError(
                f"text {number} has one token, which has no other to be compared with: leave it "
                "out."
            )


def _measured(
    model: PreTrainedModel, encoded: EncodedTexts, config: ClsConfig
) -> tuple[list[PlaceCosines], int]:
    from tqdm.auto import tqdm

    encoder = model.base_model
    normalisations = Normalisations(encoder)
    cosines_of: dict[Place, list[list[Tensor]]] = {}
    num = -(-len(encoded) // config.batch_size)
    for batch in tqdm(
        encoded.batches(config.batch_size), desc="Comparing", total=num, unit=" batches"
    ):

        def seen(place: Place, before_BTH: Tensor, after_BTH: Tensor, own_BT=batch.own_BT) -> None:
            cosines = [*cls_cosines(before_BTH, own_BT), *cls_cosines(after_BTH, own_BT)]
            cosines_of.setdefault(place, []).append([each.cpu() for each in cosines])

        was_training = encoder.training
        encoder.eval()
        with torch.no_grad(), normalisations.seen_by(seen, model.config.hidden_size):
            encoder(**batch.inputs(model.device))
        encoder.train(was_training)
    if not cosines_of:
        raise ValueError(f"{type(model).__name__} normalises no states of its width.")
    places = [_cosines(place, parts) for place, parts in cosines_of.items()]
    return places, normalisations.num_blocks


def _cosines(place: Place, parts: Sequence[Sequence[Tensor]]) -> PlaceCosines:
    cls_before, tokens_before, cls_after, tokens_after = (
        torch.cat(column).numpy() for column in zip(*parts, strict=True)
    )
    if not np.isfinite([cls_before, cls_after]).all():
        raise ValueError(
            f"states are not finite at {place.name} of block {place.block}: look for NaN weights, "
            "or an overflow of float16."
        )
    return PlaceCosines(
        place,
        mean_estimate(cls_before),
        mean_estimate(cls_after),
        mean_estimate(tokens_before),
        mean_estimate(tokens_after),
        mean_estimate(cls_after - cls_before),
        mean_estimate(tokens_after - tokens_before),
    )
