"""A block of BERT-6 with weights of its own for [CLS], and how [CLS] is told from the others."""
# B batch, T sequence position, N asked positions, P positions of [CLS], H hidden width.

# This file travels with every saved checkpoint, so that it opens without hf_apt by
# `trust_remote_code=True`: it may import torch, transformers and its neighbours only.

from typing import Any

import torch
from torch import nn
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.bert.modeling_bert import (
    BertAttention,
    BertLayer,
    BertOutput,
    BertSelfAttention,
    BertSelfOutput,
    eager_attention_forward,
)
from transformers.pytorch_utils import apply_chunking_to_forward

from .configuration_bert6_cls import Bert6ClsConfig

_PROJECTIONS = ("query", "key", "value")


def cls_positions(
    attention_mask: torch.Tensor | None,
    position_ids: torch.Tensor | None,
    shape: tuple[int, int],
    device: torch.device,
) -> torch.Tensor:
    """Where [CLS] stands: booleans of `shape` (B, T).

    It stands where a text begins: at position 0 where `position_ids` (B, T) are given, so that
    packed texts have one each and a later window of a text has none; else at the first position of
    a row that `attention_mask` (B, T) shows. A mask of another shape is not asked.
    """
    shown_BT = None
    if attention_mask is not None and attention_mask.dim() == 2:
        shown_BT = attention_mask.bool()
    if position_ids is not None:
        begins_BT = (position_ids == 0).expand(shape)
        return begins_BT if shown_BT is None else begins_BT & shown_BT
    if shown_BT is not None:
        return shown_BT & (shown_BT.cumsum(1) == 1)
    return (torch.arange(shape[1], device=device) == 0).expand(shape)


class ClsLayerNorm(nn.LayerNorm):
    """Layer normalisation with a gain and a bias of their own for [CLS]."""

    def __init__(self, width: int, eps: float):
        super().__init__(width, eps=eps)
        self.cls_weight = nn.Parameter(torch.empty_like(self.weight))
        self.cls_bias = nn.Parameter(torch.empty_like(self.bias))

    def forward(self, hidden: torch.Tensor, is_cls: torch.Tensor) -> torch.Tensor:
        """The normalised states, of the same shape; `is_cls` has it but for a last axis of 1."""
        shape = self.normalized_shape
        of_cls = nn.functional.layer_norm(hidden, shape, self.cls_weight, self.cls_bias, self.eps)
        return torch.where(is_cls, of_cls, super().forward(hidden))

    def cls_and_shared(self) -> list[tuple[nn.Parameter, nn.Parameter]]:
        """Each weight of [CLS], and the shared one as whose copy it begins."""
        return [(self.cls_weight, self.weight), (self.cls_bias, self.bias)]


class ClsSelfAttention(BertSelfAttention):
    """Attention in which [CLS] has a query, a key and a value by weights of its own."""

    def __init__(self, config: Bert6ClsConfig, layer_idx: int | None = None):
        super().__init__(config, layer_idx=layer_idx)
        # Of this very module: transformers begins weights that no file has module by module.
        for name in _PROJECTIONS:
            for part in ("weight", "bias"):
                weight = getattr(self.get_submodule(name), part)
                self.register_parameter(f"cls_{name}_{part}", nn.Parameter(weight.clone()))

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        *,
        is_cls_BT1: torch.Tensor,
        **kwargs,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The heads' answers (B, T, H), and the attention weights where the kernel tells them."""
        cls_PH = hidden_states[is_cls_BT1[..., 0]]
        heads = (*hidden_states.shape[:-1], -1, self.attention_head_size)
        query, key, value = (
            getattr(self, name)(hidden_states)
            .masked_scatter(is_cls_BT1, self._of_cls(cls_PH, name))
            .view(heads)
            .transpose(1, 2)
            for name in _PROJECTIONS
        )
        kernel = ALL_ATTENTION_FUNCTIONS.get_interface(
            self.config._attn_implementation, eager_attention_forward
        )
        dropout = self.dropout.p if self.training else 0.0
        context, weights = kernel(
            *(self, query, key, value, attention_mask),
            dropout=dropout,
            scaling=self.scaling,
            **kwargs,
        )
        return context.reshape(hidden_states.shape).contiguous(), weights

    def cls_and_shared(self) -> list[tuple[nn.Parameter, nn.Parameter]]:
        """Each weight of [CLS], and the shared one as whose copy it begins."""
        return [
            (getattr(self, f"cls_{name}_{part}"), getattr(self.get_submodule(name), part))
            for name in _PROJECTIONS
            for part in ("weight", "bias")
        ]

    def _of_cls(self, cls_PH: torch.Tensor, name: str) -> torch.Tensor:
        weight, bias = (getattr(self, f"cls_{name}_{part}") for part in ("weight", "bias"))
        return nn.functional.linear(cls_PH, weight, bias)


class _ClsOutput(nn.Module):
    """What BERT does after its attention and feed-forward layers, with two normalisations."""

    def __init__(self, config: Bert6ClsConfig):
        super().__init__(config)  # pyright: ignore[reportCallIssue]
        self.LayerNorm = ClsLayerNorm(config.hidden_size, config.layer_norm_eps)

    def forward(
        self, hidden_states: torch.Tensor, input_tensor: torch.Tensor, is_cls: torch.Tensor
    ) -> torch.Tensor:
        """The next states, of the shape of `input_tensor`."""
        own: Any = self
        hidden_states = own.dropout(own.dense(hidden_states))
        return self.LayerNorm(hidden_states + input_tensor, is_cls)


class ClsSelfOutput(_ClsOutput, BertSelfOutput):
    """After the attention."""


class ClsOutput(_ClsOutput, BertOutput):
    """After the feed-forward layers."""


class ClsAttention(BertAttention):
    """Attention and what follows it, in a block with weights of its own for [CLS]."""

    def __init__(self, config: Bert6ClsConfig, layer_idx: int, with_projections: bool):
        super().__init__(config, layer_idx=layer_idx)
        if with_projections:
            self.self = ClsSelfAttention(config, layer_idx)
        self.output = ClsSelfOutput(config)

    def heads(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None,
        is_cls_BT1: torch.Tensor,
        **kwargs,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The heads' answers (B, T, H) and the attention weights."""
        if isinstance(self.self, ClsSelfAttention):
            kwargs["is_cls_BT1"] = is_cls_BT1
        return self.self(hidden_states, attention_mask=attention_mask, **kwargs)

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        *,
        is_cls_BT1: torch.Tensor,
        **kwargs,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The states after the attention (B, T, H), and its weights."""
        context, weights = self.heads(hidden_states, attention_mask, is_cls_BT1, **kwargs)
        return self.output(context, hidden_states, is_cls_BT1), weights


class Bert6ClsLayer(BertLayer):
    """A block with weights of its own for [CLS]."""

    def __init__(self, config: Bert6ClsConfig, layer_idx: int):
        super().__init__(config, layer_idx=layer_idx)
        with_projections = layer_idx + 1 in config.cls_projections
        self.attention = ClsAttention(config, layer_idx, with_projections)
        self.output = ClsOutput(config)

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        *,
        is_cls_BT1: torch.Tensor,
        **kwargs,
    ) -> torch.Tensor:
        """The states after the block (B, T, H); `is_cls_BT1` is True where [CLS] stands."""
        hidden_states, _ = self.attention(
            hidden_states, attention_mask, is_cls_BT1=is_cls_BT1, **kwargs
        )
        return apply_chunking_to_forward(
            *(self.feed_forward_chunk, self.chunk_size_feed_forward, self.seq_len_dim),
            *(hidden_states, is_cls_BT1),
        )

    def feed_forward_chunk(
        self, attention_output: torch.Tensor, is_cls: torch.Tensor
    ) -> torch.Tensor:
        """The states after the feed-forward layers, of any positions."""
        return self.output(self.intermediate(attention_output), attention_output, is_cls)


@torch.no_grad()
def begin_as_copies(block: nn.Module) -> None:
    """Make each weight of [CLS] in a block the copy of the shared one."""
    for module in block.modules():
        if isinstance(module, (ClsLayerNorm, ClsSelfAttention)):
            for of_cls, shared in module.cls_and_shared():
                of_cls.copy_(shared)
