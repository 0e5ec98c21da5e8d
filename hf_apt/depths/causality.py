"""Whether a language model predicts the next token or a masked one, told by what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from hf_apt.depths.model_calls import (
    answer_of,
    evaluating,
    in_own_precision,
    lengths_to_try,
    logits_of,
    named_answers,
    smallest_input,
)
from hf_apt.depths.model_parts import built_of_now

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_ROUNDING = 0.02
"""Share of the effect that tokens have on later logits which is taken for rounding, where the other
tokens of a text change how a product is computed (mixtures of experts)."""

_KNOWN: WeakKeyDictionary[PreTrainedModel, tuple[object, bool]] = WeakKeyDictionary()


def is_causal(model: PreTrainedModel) -> bool:
    """Whether `model` predicts the next token: no logit depends on a later token.

    The experiment: two short sequences that differ in their last token, and two that differ in
    their first. Where no token has an effect on another one, as in a model whose attention is zero,
    the configuration and the class are asked: causal unless the class is, or inherits from, a
    masked language model and the configuration does not say `is_decoder`. Made in evaluation mode,
    once for as long as the modules of `model` stay what they are. Source: ours.

    Raises ValueError for a model that returns no logits of each position.
    """
    built_of = built_of_now(model)
    known = _KNOWN.get(model)
    if known is None or known[0] != built_of:
        with in_own_precision(model), named_answers(model), evaluating(model), torch.no_grad():
            known = _KNOWN[model] = (built_of, _is_causal(model))
    return known[1]


def _is_causal(model: PreTrainedModel) -> bool:
    plain_TV, last_TV, first_TV = _logits(model)
    backwards = _largest(plain_TV[:-1] - last_TV[:-1])
    forwards = _largest(plain_TV[1:] - first_TV[1:])
    if max(backwards, forwards) == 0:
        return _is_said_to_be_causal(model)
    return backwards <= _ROUNDING * forwards


def _largest(difference_TV: Tensor) -> float:
    return float(difference_TV.float().abs().nan_to_num().max())


def _logits(model: PreTrainedModel) -> list[Tensor]:
    """The logits (T, V) of a sequence, and of it with another last and with another first token."""
    for length in lengths_to_try(model):
        try:
            return [_logits_of(model, length, changed) for changed in (None, -1, 0)]
        except Exception:  # a model can fail in any way on an unusual input
            continue
    raise ValueError(
        f"{type(model).__name__} returns no logits of each position for a short sequence, so that "
        "it is not known whether it predicts the next token or a masked one."
    )


def _logits_of(model: PreTrainedModel, length: int, changed: int | None) -> Tensor:
    inputs = smallest_input(model, length)
    if changed is not None:
        other = (inputs["input_ids"][0, changed] + model.config.vocab_size // 2) % (
            model.config.vocab_size
        )
        inputs["input_ids"][0, changed] = other
    logits_BTV = logits_of(model, answer_of(model, inputs))
    if logits_BTV is None or logits_BTV.dim() != 3 or logits_BTV.shape[1] != length:
        raise ValueError("no logits of each position")
    return logits_BTV[0]


def _is_said_to_be_causal(model: PreTrainedModel) -> bool:
    from transformers.models.auto import modeling_auto

    listed = {*modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES.values()}
    names = [kind.__name__ for kind in type(model).__mro__]
    is_masked = any(name in listed or name.endswith("ForMaskedLM") for name in names)
    return bool(getattr(model.config, "is_decoder", False)) or not is_masked
