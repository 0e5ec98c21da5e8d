"""Calling any language model alike: what it is given, and the logits in whatever it returns.

Models differ in the keywords that they know, in the form of their answer (an output class, a
mapping, a tuple) and in the lengths that they take. Source: ours.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from transformers import PreTrainedModel

LENGTH = 4
"""Tokens of the smallest input, where a model takes as few."""

_LONGEST = 4096
"""Tokens of the longest input that is tried."""


def smallest_input(model: PreTrainedModel, length: int = LENGTH) -> dict[str, Tensor]:
    """One sequence of `length` equal tokens."""
    ids_BT = torch.ones(1, length, dtype=torch.long, device=model.device)
    return {
        "input_ids": ids_BT * min(LENGTH, model.config.vocab_size - 1),
        "attention_mask": ids_BT,
    }


def lengths_to_try(model: PreTrainedModel) -> list[int]:
    """The lengths at which a model is tried until it takes one: 4, then longer ones, upwards.

    Some models take one length only (Nystromformer with fewer landmarks than segments), which is
    one of the numbers of their configuration.
    """
    longest = getattr(model.config, "max_position_embeddings", None)
    longest = min(longest, _LONGEST) if isinstance(longest, int) and longest > 0 else _LONGEST
    powers = [2**power for power in range(3, 13)]
    own = [value for value in model.config.to_dict().values() if type(value) is int]
    return [LENGTH, *sorted({n for n in powers + own if LENGTH < n <= longest})]


def answer_of(module: nn.Module, inputs: Mapping[str, Any], **wanted: Any) -> Any:
    """What `module` returns for `inputs` and `wanted`, less what its `forward` does not know."""
    return module(**known_inputs(module, {**inputs, **wanted}))


def known_inputs(module: nn.Module, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The `inputs` that the `forward` of `module` takes by name."""
    parameters = inspect.signature(module.forward).parameters
    if any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        return dict(inputs)
    return {name: value for name, value in inputs.items() if name in parameters}


def logits_of(model: PreTrainedModel, answer: Any) -> Tensor | None:
    """The logits (B, T, V), or those of a classifier (B, C), in what `model` returned; else None.

    They are called `logits`, or `prediction_logits` beside a second task's. Where they have no
    name, in a tuple, they are the first tensor that is as wide as the vocabulary, else the first.
    """
    named = answer if isinstance(answer, Mapping) else vars(answer) if _has_names(answer) else {}
    for name in ("logits", "prediction_logits"):
        if isinstance(named.get(name), Tensor):
            return named[name]
    if isinstance(answer, Tensor):
        return answer
    is_tuple = isinstance(answer, tuple | list)
    values = answer if is_tuple else named.values()
    tensors = [value for value in values if isinstance(value, Tensor)]
    width = model.config.vocab_size
    of_tokens = [one for one in tensors if one.dim() == 3 and one.shape[-1] == width]
    return next(iter(of_tokens or (tensors if is_tuple else [])), None)


def _has_names(answer: Any) -> bool:
    return hasattr(answer, "__dict__") and not isinstance(answer, Tensor)


@contextmanager
def named_answers(model: PreTrainedModel) -> Iterator[None]:
    """Within the block `model` and all below it return outputs with names, unless asked not to."""
    configs: list[Any] = [getattr(module, "config", None) for module in model.modules()]
    tuples = {
        id(config): config for config in configs if getattr(config, "return_dict", None) is False
    }
    for config in tuples.values():
        config.return_dict = True
    try:
        yield
    finally:
        for config in tuples.values():
            config.return_dict = False


def in_own_precision(model: PreTrainedModel) -> torch.autocast:
    """Within the block, nothing is computed in another precision than that of its weights."""
    return torch.autocast(model.device.type, enabled=False)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Within the block, `model` is in evaluation mode; afterwards each module is as it was."""
    training = [module for module in model.modules() if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True
