"""What a language model of any kind costs, as torch counts it on the model without its weights.

On the meta device tensors have shapes and no numbers: a forward pass takes no memory, and tells
what it would multiply. Counted are products of matrices, attention and convolutions, attention over
the whole sequence, sliding windows and causal models included, as it is computed without kernels of
its own. Source: ours.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from hf_apt.models.shapes import ModelShape
from hf_apt.training.costs.model_costs import ModelCosts


@dataclass(frozen=True, kw_only=True)
class StackShape(ModelShape):
    """A stack of blocks of any kind, as the BERT whose blocks multiply as much."""

    inner_size: int
    """Width of that BERT's feed-forward layers."""

    @property
    def intermediate_size(self) -> int:
        """Width inside the feed-forward layers."""
        return self.inner_size


@dataclass(frozen=True)
class ForwardFlops:
    """FLOPs of a forward pass over one row of tokens, and what the pass has shown."""

    trunk: int
    """From the tokens to the last hidden states."""

    products: int
    """Of these, outside of attention: products with weights, and convolutions."""

    head: int
    """From the last hidden state to the logits, at one position."""

    num_depths: int
    """Number of depths: embeddings, and each block."""

    hidden_size: int
    """Width of the hidden states."""


@dataclass(frozen=True, kw_only=True)
class CountedCosts(ModelCosts):
    """The costs of a model whose FLOPs are counted; memory, and what is spared, as of a BERT.

    What the last block saves where few positions are asked is that of a BERT whose blocks multiply
    as much, each with weights of its own.
    """

    counted_parameters: int
    """Number of the model's parameters."""

    count: Callable[[int], ForwardFlops] = field(compare=False, repr=False)
    """What a row of so many tokens takes."""

    @property
    def num_parameters(self) -> int:
        """Number of all parameters."""
        return self.counted_parameters

    def trunk_flops(self, width: int) -> int:
        """FLOPs of one forward pass over a row of `width` tokens; ValueError if it fails."""
        return self.count(width).trunk

    def head_flops(self) -> int:
        """FLOPs of the model's own head at one position and depth."""
        return self.count(self.sequence_length).head


def counted_costs(model: Any, *, sequence_length: int) -> CountedCosts:
    """The costs of a language model on the meta device, whose attention is set to `eager`.

    Each width is counted once. Raises ValueError for a model that cannot be run there, as where
    shapes depend on numbers; for one that shows no hidden states; and for one whose head does not
    answer position by position.
    """
    count = cache(partial(_counted, model))
    flops = count(sequence_length)
    num_blocks, hidden = flops.num_depths - 1, flops.hidden_size
    weights = flops.products / (2 * sequence_length * max(num_blocks, 1))  # of a block
    shape = StackShape(
        hidden_size=hidden,
        num_heads=getattr(model.config, "num_attention_heads", 1),
        num_blocks=num_blocks,
        inner_size=max(round((weights - 4 * hidden**2) / (2 * hidden)), 1),
    )
    return CountedCosts(
        shape=shape,
        vocab_size=model.config.vocab_size,
        sequence_length=sequence_length,
        counted_parameters=model.num_parameters(),
        count=count,
    )


def weightless_model(config: Any) -> Any:
    """The language model of a configuration on the meta device; masked, where there is one.

    Raises what transformers does where it knows none.
    """
    from transformers import AutoModelForCausalLM, AutoModelForMaskedLM
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING

    is_masked = type(config) in MODEL_FOR_MASKED_LM_MAPPING
    kind: Any = AutoModelForMaskedLM if is_masked else AutoModelForCausalLM
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        return kind.from_config(copy.deepcopy(config), trust_remote_code=False)


def _counted(model: Any, width: int) -> ForwardFlops:
    ids_BT = torch.ones(1, width, dtype=torch.long, device="meta")
    try:
        model.set_attn_implementation("eager")  # whose products are counted
        with torch.no_grad(), torch.device("meta"), FlopCounterMode(display=False) as counter:
            output = model.eval()(input_ids=ids_BT, output_hidden_states=True, return_dict=True)
        states = output.hidden_states
    except Exception as error:  # a model can fail in any way without its numbers
        raise _uncountable(model, " ".join(str(error).split())) from error
    by_module = counter.get_flop_counts()
    trunk = by_module.get(f"{type(model).__name__}.{model.base_model_prefix}", {})
    head = counter.get_total_flops() - sum(trunk.values())
    if not trunk or not states or head % width:
        raise _uncountable(model, "it shows no trunk, or no head that answers by position")
    attention = sum(flops for op, flops in trunk.items() if "bmm" in str(op))
    return ForwardFlops(
        trunk=sum(trunk.values()),
        products=sum(trunk.values()) - attention,
        head=head // width,
        num_depths=len(states),
        hidden_size=states[0].shape[-1],
    )


def _uncountable(model: Any, why: str) -> ValueError:
    return ValueError(f"the FLOPs of {type(model).__name__} cannot be counted: {why}.")
