"""The costs of a checkpoint's model, from its configuration: no weight is read.

Source: ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn

from hf_apt.models.checkpoint_config import is_of_causal_model
from hf_apt.models.loading import reason, require_room
from hf_apt.records.checkpoints import checkpoint_path
from hf_apt.training.costs.counted_costs import StackShape, counted_costs
from hf_apt.training.costs.model_costs import ModelCosts
from hf_apt.training.costs.training_flops import costs_of


@dataclass(frozen=True, kw_only=True)
class StackCosts(ModelCosts):
    """The costs of a model that cannot be counted: its own parameters, FLOPs by its weights."""

    counted_parameters: int
    """Number of the model's parameters."""

    @property
    def num_parameters(self) -> int:
        """Number of all parameters."""
        return self.counted_parameters


def checkpoint_costs(name: str, *, vocab_size: int, sequence_length: int) -> ModelCosts:
    """The costs of measuring the language model of a checkpoint on sequences of that length.

    Parameters are counted exactly, FLOPs by `hf_apt.training.costs.counted_costs`. Of a model that
    cannot be counted, `StackCosts`, a block's FLOPs are those of its matrices, two for each weight
    and token, and of its attention over the whole sequence; experts of which some are asked make
    the matrices cheaper. `vocab_size` is that of the tokenizer. Of a checkpoint on the Hub the
    configuration is downloaded, and nothing else.

    Raises ValueError for a configuration of which no language model can be made, for one that can
    neither be counted nor shows a stack of blocks, and for a model with fewer token ids or
    positions.
    """
    config, model = _weightless(name)
    require_room(model, vocab_size, sequence_length)
    ours = costs_of(config)
    if ours is not None:
        return ours
    try:
        return counted_costs(model, sequence_length=sequence_length)
    except ValueError:
        return _costs_by_weights(name, model, sequence_length)


def _costs_by_weights(name: str, model: Any, sequence_length: int) -> StackCosts:
    config = model.config
    num_blocks, hidden = config.num_hidden_layers, config.hidden_size
    stacks = [
        module
        for module in model.modules()
        if isinstance(module, nn.ModuleList) and len(module) == num_blocks
    ]
    if not stacks:
        raise ValueError(
            f"what {name} would take cannot be foretold, as {type(model).__name__} shows no stack "
            f"of {num_blocks} blocks: leave out --dry-run, and take few --measure-sequences first."
        )
    weights = sum(each.numel() for each in stacks[0].parameters() if each.dim() == 2) // num_blocks
    shape = StackShape(
        hidden_size=hidden,
        num_heads=config.num_attention_heads,
        num_blocks=num_blocks,
        inner_size=max(round((weights - 4 * hidden**2) / (2 * hidden)), 1),
    )
    return StackCosts(
        shape=shape,
        vocab_size=config.vocab_size,
        sequence_length=sequence_length,
        counted_parameters=model.num_parameters(),
    )


def _weightless(name: str) -> tuple[Any, Any]:
    """The configuration of a checkpoint, and its model without memory for weights."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM

    try:
        config = AutoConfig.from_pretrained(checkpoint_path(name), trust_remote_code=False)
        kind: Any = AutoModelForCausalLM if is_of_causal_model(config) else AutoModelForMaskedLM
        with torch.device("meta"):
            return config, kind.from_config(config, trust_remote_code=False)
    except Exception as error:  # files can be broken in any way
        raise ValueError(f"{name!r} is no language-model checkpoint: {reason(error)}") from error
