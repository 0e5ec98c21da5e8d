"""BERT-6 in which [CLS] has weights of its own: normalisations and, if asked for, projections.

After arXiv 2602.08626, which parts [CLS] and patches in vision transformers so. All tokens meet in
the same attention. The weights of [CLS] begin as copies of the shared ones, and no other weight is
drawn or called otherwise than in BERT-6, so that a fresh model answers as BERT-6 of the same seed.
"""
# B batch, T sequence position, N asked positions, H hidden width.

# This file travels with every saved checkpoint, so that it opens without hf_apt by
# `trust_remote_code=True`: it may import torch, transformers and its neighbours only.

from typing import Any

import torch
from torch import nn
from transformers import (
    BertForSequenceClassification,
    BertForTokenClassification,
    BertModel,
)
from transformers import initialization as init
from transformers.modeling_outputs import BaseModelOutputWithPastAndCrossAttentions
from transformers.models.bert.modeling_bert import BertEncoder

from .cls_blocks import (
    Bert6ClsLayer,
    ClsLayerNorm,
    ClsSelfAttention,
    begin_as_copies,
    cls_positions,
)
from .configuration_bert6_cls import Bert6ClsConfig
from .modeling_bert6 import Bert6Encoder, Bert6ForMaskedLM, WithAllClasses

_WHOLE = ["BertEmbeddings", "BertLayer", "Bert6ClsLayer"]
"""Modules that are not split over devices."""


class Bert6ClsEncoder(Bert6Encoder):
    """BERT's blocks, of which some have weights of their own for [CLS]."""

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        asked_positions: torch.Tensor | None = None,
        *,
        is_cls_BT1: torch.Tensor,
        **kwargs,
    ) -> BaseModelOutputWithPastAndCrossAttentions:
        """What BERT-6's encoder returns."""
        *blocks, last = list(self.layer)
        if asked_positions is None:
            blocks.append(last)
        for block in blocks:
            more = {"is_cls_BT1": is_cls_BT1} if isinstance(block, Bert6ClsLayer) else {}
            hidden_states = block(hidden_states, attention_mask, **more, **kwargs)
        if asked_positions is not None:
            own, asked = (last, asked_positions), (attention_mask, is_cls_BT1)
            hidden_states = _last_block(*own, hidden_states, *asked, **kwargs)
        return BaseModelOutputWithPastAndCrossAttentions(last_hidden_state=hidden_states)


def _last_block(
    block: Any,
    asked_positions: torch.Tensor,
    hidden_BTH: torch.Tensor,
    attention_mask: torch.Tensor | None,
    is_cls_BT1: torch.Tensor,
    **kwargs,
) -> torch.Tensor:
    """The states after a block at the asked positions alone (N, H)."""
    attention = block.attention
    if isinstance(block, Bert6ClsLayer):
        context_BTH, _ = attention.heads(hidden_BTH, attention_mask, is_cls_BT1, **kwargs)
        shown = [is_cls_BT1.flatten(0, 1)[asked_positions]]
    else:
        context_BTH, _ = attention.self(hidden_BTH, attention_mask=attention_mask, **kwargs)
        shown = []
    context_NH, hidden_NH = (
        states_BTH.flatten(0, 1)[asked_positions] for states_BTH in (context_BTH, hidden_BTH)
    )
    return block.feed_forward_chunk(attention.output(context_NH, hidden_NH, *shown), *shown)


def with_cls_layers(encoder: BertEncoder) -> Bert6ClsEncoder:
    """The blocks of `encoder`, the chosen ones with weights for [CLS]; no weight is drawn."""
    config: Any = encoder.config
    with torch.device("meta"):
        own = Bert6ClsEncoder(config)
    own.layer = nn.ModuleList(
        _with_paths(block, config, at) if at + 1 in config.cls_norms else block
        for at, block in enumerate(encoder.layer)
    )
    return own


def _with_paths(block: Any, config: Bert6ClsConfig, at: int) -> Bert6ClsLayer:
    with torch.device("meta"):
        own = Bert6ClsLayer(config, at)
    own.to_empty(device=next(block.parameters()).device)
    own.load_state_dict(block.state_dict(), strict=False)
    begin_as_copies(own)
    for name in ("gradient_checkpointing", "_gradient_checkpointing_func"):
        if hasattr(block, name):
            setattr(own, name, getattr(block, name))
    return own.train(block.training)


class Bert6ClsModel(WithAllClasses, BertModel):
    """The trunk: embeddings, and blocks of which some have weights of their own for [CLS]."""

    config_class = Bert6ClsConfig
    _no_split_modules = _WHOLE

    def __init__(self, config: Bert6ClsConfig, add_pooling_layer: bool = True):
        super().__init__(config, add_pooling_layer=add_pooling_layer)
        self.encoder = with_cls_layers(self.encoder)

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Draw weights that are not loaded; those of [CLS] are copies of the shared ones."""
        super()._init_weights(module)
        if isinstance(module, (ClsLayerNorm, ClsSelfAttention)):
            for of_cls, shared in module.cls_and_shared():
                init.copy_(of_cls, shared)

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        **kwargs,
    ):
        """What BERT's trunk returns; [CLS] is told by `cls_positions`."""
        given = inputs_embeds if input_ids is None else input_ids
        if given is not None:
            shape = (given.shape[0], given.shape[1])
            is_cls_BT = cls_positions(attention_mask, position_ids, shape, given.device)
            kwargs["is_cls_BT1"] = is_cls_BT[..., None]
        return super().forward(
            *(input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds), **kwargs
        )


def with_cls_trunk(trunk: BertModel) -> Bert6ClsModel:
    """`trunk` with weights of their own for [CLS]; no weight is drawn or renamed."""
    config: Any = trunk.config
    with torch.device("meta"):
        own = Bert6ClsModel(config, add_pooling_layer=False)
    own.embeddings, own.pooler = trunk.embeddings, trunk.pooler
    own.encoder = with_cls_layers(trunk.encoder)
    return own.train(trunk.training)


class Bert6ClsForMaskedLM(Bert6ForMaskedLM):
    """BERT-6 with weights of their own for [CLS], and the masked-LM head.

    Loss and logits are those of `Bert6ForMaskedLM`. In the last block nobody asks what becomes of
    [CLS]: masked language modelling leaves its normalisations there as they began.

    Args:
        config: sizes of the trunk, and the blocks that have weights for [CLS].
    """

    config_class = Bert6ClsConfig
    _no_split_modules = _WHOLE

    def __init__(self, config: Bert6ClsConfig):
        super().__init__(config)
        self.bert = with_cls_trunk(self.bert)


class Bert6ClsForSequenceClassification(WithAllClasses, BertForSequenceClassification):
    """The trunk with a classifier on the pooled [CLS] state."""

    config_class = Bert6ClsConfig
    _no_split_modules = _WHOLE

    def __init__(self, config: Bert6ClsConfig):
        super().__init__(config)
        self.bert = with_cls_trunk(self.bert)


class Bert6ClsForTokenClassification(WithAllClasses, BertForTokenClassification):
    """The trunk with a classifier at every position."""

    config_class = Bert6ClsConfig
    _no_split_modules = _WHOLE

    def __init__(self, config: Bert6ClsConfig):
        super().__init__(config)
        self.bert = with_cls_trunk(self.bert)


# Saved checkpoints name this file in `auto_map` and carry it, for whoever has no hf_apt.
Bert6ClsModel.register_for_auto_class("AutoModel")
Bert6ClsForMaskedLM.register_for_auto_class("AutoModelForMaskedLM")
Bert6ClsForSequenceClassification.register_for_auto_class("AutoModelForSequenceClassification")
Bert6ClsForTokenClassification.register_for_auto_class("AutoModelForTokenClassification")
