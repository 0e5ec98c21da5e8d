"""The dropout of a model, whatever its family, by the names that its configuration has for it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch import nn

_HIDDEN = (
    *("hidden_dropout_prob", "hidden_dropout", "dropout", "dropout_rate", "resid_pdrop"),
    *("resid_dropout", "embd_pdrop", "embed_dropout", "embedding_dropout", "mlp_dropout"),
)
_ATTENTION = (
    *("attention_probs_dropout_prob", "attention_dropout", "attn_pdrop"),
    *("local_attention_probs_dropout_prob", "lsh_attention_probs_dropout_prob"),
)
_PLAIN = (bool, int, float)


def dropout_settings(config: Any) -> list[str]:
    """The names that a model's configuration has for the dropout of hidden states and attention."""
    return [name for name in (*_HIDDEN, *_ATTENTION) if hasattr(config, name)]


def set_dropout(model: Any, probability: float | None) -> None:
    """Give all hidden states and attention weights of `model` a dropout, in place.

    What is set in its modules is what its class makes of a configuration with that dropout, and the
    configuration says so, too. Weights, answers in evaluation mode, and the dropout of a classifier
    that has a setting of its own stay as they are; where a configuration leaves the classifier's
    open it follows that of hidden states, as in BERT. No random number is drawn.

    Args:
        model: a model of transformers, without adapters unless it has that dropout already.
        probability: of leaving a number out, at least 0 and less than 1; None changes nothing.

    Raises:
        ValueError: for a model without such settings.
    """
    if probability is None:
        return
    names = dropout_settings(model.config)
    if not names:
        raise ValueError(
            f"{type(model).__name__} has no setting of dropout: leave the dropout of "
            f"{probability:g} out (--dropout)."
        )
    if all(getattr(model.config, name) == probability for name in names):
        return
    kind: Any = type(model)
    changed = deepcopy(model.config)
    for name in names:
        setattr(changed, name, probability)
    with torch.random.fork_rng(devices=[]), torch.device("meta"):  # shapes alone, no memory
        before, after = kind(deepcopy(model.config)), kind(changed)
    _carry_over(model, before, after)
    configs = [model.config, *(getattr(module, "config", None) for module in model.modules())]
    for config in configs:
        for name in names:
            if hasattr(config, name):
                setattr(config, name, probability)


def _carry_over(model: nn.Module, before: nn.Module, after: nn.Module) -> None:
    """Make those changes to `model` that make `before` into `after`, which have no weights."""
    changed = dict(after.named_modules())
    for name, module in before.named_modules():
        other, own = changed[name], model.get_submodule(name)
        if type(other) is not type(module):  # no dropout can be a module of another type
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, other.train(own.training))
            continue
        for key, value in vars(other).items():
            if isinstance(value, _PLAIN) and value != vars(module)[key]:
                setattr(own, key, value)
