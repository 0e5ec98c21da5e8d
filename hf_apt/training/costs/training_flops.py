"""Model FLOPs of training: those that steps cannot do without, over all processes.

Three passes of the size of the forward pass through the trunk, as in "PaLM" (Chowdhery et al. 2022,
arXiv 2204.02311, appendix B), without anything that is computed again; but the last block after
its attention, and the head, at modified positions alone (ours). Of full sequences, and of the
expected number of modified positions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from hf_apt.models.shapes import ConvShape, ModelShape
from hf_apt.training.costs.counted_costs import counted_costs, weightless_model
from hf_apt.training.costs.model_costs import BACKWARD, ModelCosts

_MORE_STEPS = 1 << 40
"""More steps than any training has: each of its widths is among them."""
_SPECIAL = 2
"""Tokens of a sequence that are never asked for: its first and its last."""


def num_modified(num_sequences: float, length: int, rate: float) -> float:
    """The expected number of modified positions of full sequences."""
    return num_sequences * (length - _SPECIAL) * rate


def costs_of(config: Any) -> ModelCosts | None:
    """The costs of a model by its configuration, if it is one of our encoders."""
    if config.model_type not in ("bert6", "bert6_cls", "bert_conv"):
        return None
    conv = None
    if config.model_type == "bert_conv":
        conv = ConvShape(
            num_layers=config.conv_layers,
            num_channels=config.conv_channels,
            kernel=tuple(config.conv_kernel),
        )
    usual = 4 * config.hidden_size
    shape = ModelShape(
        hidden_size=config.hidden_size,
        feed_forward_size=None if config.intermediate_size == usual else config.intermediate_size,
        num_heads=config.num_attention_heads,
        num_blocks=config.num_hidden_layers,
        conv=conv,
        cls_norms=tuple(getattr(config, "cls_norms", ())),
        cls_projections=tuple(getattr(config, "cls_projections", ())),
    )
    return ModelCosts(
        shape=shape,
        vocab_size=config.vocab_size,
        sequence_length=config.max_position_embeddings,
    )


def flops_by_steps(
    flops: Callable[..., float], config: Any, *, length: int, **settings: Any
) -> Callable[[int], float] | None:
    """`flops` (`pretraining_flops` or `heads_flops`) as a function of the number of steps alone.

    A model that is none of ours is made once more, without its weights, and counted now at every
    width that it is to read. None for a model that cannot be counted.
    """
    costs = costs_of(config)
    if costs is not None:
        return partial(flops, costs=costs, length=length, **settings)
    try:
        costs = counted_costs(weightless_model(config), sequence_length=length)
        by_steps = partial(flops, costs=costs, length=length, **settings)
        by_steps(_MORE_STEPS)
    except Exception:  # of a configuration of any origin; figures on a bar stop no training
        return None
    return by_steps


def pretraining_flops(
    num_steps: int,
    costs: ModelCosts,
    *,
    batch_size: int,
    length: int,
    masking_rate: float,
    windows: tuple[tuple[int, int], ...] = (),
) -> float:
    """FLOPs of the first `num_steps` steps of pre-training on batches of `batch_size` sequences.

    `windows` holds widths, each with the step before which it ends. Validation is no training and
    is not counted.
    """
    asked = num_modified(batch_size, length, masking_rate)
    alike = asked * costs.head_flops()
    alike -= (batch_size * length - asked) * costs.spared_flops(training=True)
    forward, before = num_steps * alike, 0
    for width, end in (*windows, (length, num_steps)):
        steps = max(min(end, num_steps) - before, 0)
        forward += steps * batch_size * (length / width) * costs.trunk_flops(width)
        before += steps
    return (1 + BACKWARD) * forward


def heads_flops(
    num_steps: int,
    costs: ModelCosts,
    kinds: Sequence[str],
    *,
    batch_size: int,
    length: int,
    masking_rate: float,
    num_distinct: int | None = None,
) -> float:
    """FLOPs of the first `num_steps` steps of heads of all `kinds` at each depth of a frozen trunk.

    The trunk is read forward alone, and once where steps come again after `num_distinct`.
    """
    asked = num_modified(batch_size, length, masking_rate)
    trunk = batch_size * costs.trunk_flops(length)
    trunk -= (batch_size * length - asked) * costs.spared_flops(training=False)
    heads = asked * costs.num_depths * sum(map(costs.head_training_flops, kinds))
    return min(num_steps, num_distinct or num_steps) * trunk + num_steps * heads
