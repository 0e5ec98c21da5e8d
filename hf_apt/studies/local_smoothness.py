"""How far the answers of a classifier move when its word embeddings are moved a little, at worst.

The quantity that smoothness-inducing regularisation makes small: Jiang et al. 2020, arXiv
1911.03437, section 3.1. The worst perturbation is sought by projected gradient ascent (Madry et al.
2018, arXiv 1706.06083). That it is measured on any model is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch
from torch import Tensor

from hf_apt.stats.config_checks import (
    require_one_of,
    require_positive,
    require_seed,
    require_whole,
)
from hf_apt.stats.metric_modules.moved_stream import MovedStream
from hf_apt.stats.smoothness.moved_answers import MovedAnswers
from hf_apt.training.adversary.ascent import steepest_ascent
from hf_apt.training.adversary.ball import Ball, Level, Norm, noise
from hf_apt.training.adversary.divergence import squared_difference, symmetric_kl
from hf_apt.training.adversary.passes import evaluating, in_float32, perturbed_pass
from hf_apt.training.adversary.word_embeddings import ids_and_mask, width_of, word_embeddings

if TYPE_CHECKING:
    from jaxtyping import Float
    from transformers import PreTrainedModel

_START = 0.1
"""Norm of the ascent's random start, in the unit of the radius."""

_STEPS_TO_THE_RADIUS = 2.5
"""All steps together, in the unit of the radius: Madry et al.'s choice for CIFAR-10."""


@dataclass(frozen=True, kw_only=True)
class LocalSmoothnessConfig:
    """Within which ball the worst perturbation is sought, and how long.

    Raises:
        ValueError: for settings out of range.
    """

    radius: float = 0.01
    """Radius of the ball, in the unit of word embeddings."""

    norm: Norm = "inf"
    """Norm of a perturbation: `inf`, `2` or `1`."""

    norm_level: Level = "sequence"
    """What it is taken over: `token`, `sequence` or `batch`."""

    num_steps: int = 5
    """Steps of the ascent."""

    batch_size: int = 32
    """Texts in a batch."""

    sequence_length: int = 128
    """Tokens of a text that are read, special ones included."""

    seed: int = 0
    """Seed of the ascent's start."""

    direction: Literal["adversarial", "random"] = "adversarial"
    """`adversarial`, or `random`: the start itself, at the full radius, as a control of equal
    norm."""

    def __post_init__(self) -> None:
        require_positive(self, "radius")
        require_one_of(self, "norm", get_args(Norm))
        require_one_of(self, "norm_level", get_args(Level))
        require_whole(self, "num_steps", "batch_size", "sequence_length")
        require_one_of(self, "direction", ("adversarial", "random"))
        require_seed(self)


def local_smoothness(
    model: PreTrainedModel,
    tokenizer: Any,
    texts: Sequence[str],
    config: LocalSmoothnessConfig | None = None,
) -> MovedAnswers:
    """How far the answers to `texts` move at the worst perturbation that is found.

    All tokens but padding are perturbed. The model answers in evaluation mode and in the precision
    of its weights; the mode and the gradients that it has are left as they are. A text takes
    `num_steps` passes forward and back and two forward.

    Args:
        model: a classifier of texts or of tokens, or one for regression, with a table of word
            embeddings.
        tokenizer: its tokenizer.
        texts: at least one.
        config: the ball and the ascent; their defaults if None.

    Returns:
        Mean divergence with its standard error, the largest, and the share of answers that get
        another class. Of a classifier of tokens every token is an answer.

    Raises:
        ValueError: for no texts, and for a model without a table of word embeddings.
    """
    config = config or LocalSmoothnessConfig()
    moved = MovedStream()
    with evaluating(model), in_float32(model):
        for batch in _batches(model, tokenizer, texts, config):
            clean_NC, perturbed_NC = worst_answers(model, batch, config)
            moved.update(perturbed_NC, clean_NC)
    return moved.figures()


def worst_answers(
    model: Any, batch: Mapping[str, Any], config: LocalSmoothnessConfig
) -> tuple[Float[Tensor, "n outputs"], Float[Tensor, "n outputs"]]:
    """The logits that `model`, as it is, gives a batch, and at the worst perturbation found.

    At a random one where the direction of `config` is random.

    One row a text, or of a classifier of tokens one row a token that is no padding; float32.
    """
    ids_BT, mask_BT = ids_and_mask(batch)
    with torch.no_grad():
        clean_NC = _rows(perturbed_pass(model, batch, None), mask_BT)
    apart = squared_difference if clean_NC.shape[1] == 1 else symmetric_kl
    noise_BTE = noise(ids_BT, mask_BT, width_of(word_embeddings(model)), seed=config.seed)
    ball = Ball(radius=config.radius, norm=config.norm, level=config.norm_level)
    if config.direction == "random":
        with torch.no_grad():
            moved = perturbed_pass(model, batch, ball.on_surface(noise_BTE))
            return clean_NC, _rows(moved, mask_BT)
    worst_BTE = steepest_ascent(
        lambda delta_BTE: apart(
            clean_NC, _rows(perturbed_pass(model, batch, delta_BTE), mask_BT)
        ).sum(),
        _START * ball.on_surface(noise_BTE),
        mask_BT,
        ball,
        step_size=_STEPS_TO_THE_RADIUS * config.radius / config.num_steps,
        num_steps=config.num_steps,
    )
    with torch.no_grad():
        return clean_NC, _rows(perturbed_pass(model, batch, worst_BTE), mask_BT)


def _rows(outputs: Any, mask_BT: Tensor) -> Tensor:
    logits = outputs["logits"].float()
    return logits[mask_BT] if logits.shape[:-1] == mask_BT.shape else logits.flatten(1)


def _batches(
    model: Any, tokenizer: Any, texts: Sequence[str], config: LocalSmoothnessConfig
) -> Iterator[Mapping[str, Tensor]]:
    """The texts in their order, padded to the longest of each batch."""
    device = next(model.parameters()).device
    for first in range(0, len(texts), config.batch_size):
        batch = tokenizer(
            list(texts[first : first + config.batch_size]),
            truncation=True,
            max_length=config.sequence_length,
            padding=True,
            return_tensors="pt",
        )
        yield {name: each.to(device) for name, each in batch.items()}
