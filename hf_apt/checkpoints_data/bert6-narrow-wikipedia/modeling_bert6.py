"""BERT-6 with its heads: transformers' BERT, with a masked-LM loss that is right and cheap."""

# This file travels with every saved checkpoint, so that it opens without hf_apt by
# `trust_remote_code=True`: it may import torch, transformers and its neighbour only.

# B batch, T sequence position, N asked positions, H hidden width.

from typing import Any

import torch
from torch import nn
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    BertForTokenClassification,
    BertModel,
)
from transformers.modeling_outputs import (
    BaseModelOutputWithPastAndCrossAttentions,
    MaskedLMOutput,
)
from transformers.models.bert.modeling_bert import BertEncoder
from transformers.utils.generic import can_return_tuple

from .configuration_bert6 import Bert6Config

_AUTO_CLASSES = {
    "AutoModel": "Model",
    "AutoModelForMaskedLM": "ForMaskedLM",
    "AutoModelForSequenceClassification": "ForSequenceClassification",
    "AutoModelForTokenClassification": "ForTokenClassification",
}
"""What follows the stem in the name of the class that each Auto class opens."""


class WithAllClasses:
    """A model saved with the names of all classes of its model type.

    transformers names in `auto_map` only the class that is saved; the file that travels with the
    checkpoint has them all, so that any of these Auto classes opens it by `trust_remote_code=True`.
    """

    def save_pretrained(self, *args, **kwargs):
        """What `PreTrainedModel.save_pretrained` does, with a whole `auto_map`.

        Args:
            *args: those of `PreTrainedModel.save_pretrained`.
            **kwargs: those of `PreTrainedModel.save_pretrained`.
        """
        config: Any = self.config  # pyright: ignore[reportAttributeAccessIssue]
        file = f"modeling_{config.model_type}"
        if type(self).__module__.rpartition(".")[-1] == file:
            stem = type(config).__name__.removesuffix("Config")
            names = {auto: f"{file}.{stem}{ending}" for auto, ending in _AUTO_CLASSES.items()}
            config.auto_map = {**(getattr(config, "auto_map", None) or {}), **names}
        return super().save_pretrained(*args, **kwargs)  # pyright: ignore


class Bert6Model(WithAllClasses, BertModel):
    """The trunk: embeddings and six blocks."""

    config_class = Bert6Config


class Bert6Encoder(BertEncoder):
    """BERT's blocks, the last of which can be asked for some positions alone."""

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        asked_positions: torch.Tensor | None = None,
        **kwargs,
    ) -> tuple[torch.Tensor] | BaseModelOutputWithPastAndCrossAttentions:
        """What BERT's encoder returns; with `asked_positions`, flat, last states of shape (N, H).

        After the last block's attention nothing is computed for the other positions.
        """
        if asked_positions is None:
            return super().forward(hidden_states, attention_mask, **kwargs)
        blocks: Any = self.layer
        last = blocks[-1]
        for block in blocks[:-1]:
            hidden_states = block(hidden_states, attention_mask, **kwargs)
        context_BTH, _ = last.attention.self(hidden_states, attention_mask=attention_mask, **kwargs)
        context_NH, hidden_NH = (
            states_BTH.flatten(0, 1)[asked_positions] for states_BTH in (context_BTH, hidden_states)
        )
        hidden_NH = last.feed_forward_chunk(last.attention.output(context_NH, hidden_NH))
        return BaseModelOutputWithPastAndCrossAttentions(last_hidden_state=hidden_NH)


def with_bert6_encoder(trunk: BertModel) -> BertModel:
    """`trunk` with its blocks in a `Bert6Encoder`; no weight is drawn or renamed."""
    with torch.device("meta"):
        encoder = Bert6Encoder(trunk.config)
    encoder.layer = trunk.encoder.layer
    trunk.encoder = encoder
    return trunk


def has_hooks(block: nn.Module) -> bool:
    """Whether a block or a module in it has hooks that transformers did not add.

    Not counted are those by which transformers itself collects `hidden_states` and `attentions`,
    which do nothing where these are not asked for.
    """
    return any(
        not getattr(hook, "__module__", "").startswith("transformers.")
        for module in block.modules()
        for hooks in (
            *(module._forward_hooks, module._forward_pre_hooks),
            *(module._backward_hooks, module._backward_pre_hooks),
        )
        for hook in hooks.values()
    )


class Bert6ForMaskedLM(WithAllClasses, BertForMaskedLM):
    """BERT-6 with the masked-LM head.

    Two things differ from `BertForMaskedLM`. The loss is divided by `num_items_in_batch` where the
    Trainer gives it, so that it does not depend on how a batch is split over accumulation steps and
    processes. In training with labels, the last block after its attention and the vocabulary logits
    are computed only where a label is asked for (the block whole, where it has hooks, which are to
    see what they see in evaluation): `logits` then has shape (number of labels other than -100,
    vocabulary), in row-major order of the positions. Without labels, or in evaluation mode, it has
    the usual (batch, sequence, vocabulary).

    Args:
        config: a `Bert6Config`, or that of another BERT.
    """

    config_class = Bert6Config

    def __init__(self, config: BertConfig):
        super().__init__(config)
        with_bert6_encoder(self.bert)

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        num_items_in_batch: torch.Tensor | int | None = None,
        asked_positions: torch.Tensor | None = None,
        **kwargs,
    ) -> tuple[torch.Tensor, ...] | MaskedLMOutput:
        """The loss over labels other than -100 (if labels are given), logits and hidden states.

        Args:
            input_ids: token ids, shape (batch, seq).
            attention_mask: 1 for tokens, 0 for padding, shape (batch, seq); all are tokens if None.
            token_type_ids: segment of each token, shape (batch, seq); all are of the first if None.
            position_ids: position of each token, shape (batch, seq); from 0 on if None.
            inputs_embeds: embeddings in place of `input_ids`, shape (batch, seq, H).
            labels: the true token id where one is asked for, -100 elsewhere, shape (batch, seq).
            num_items_in_batch: what the sum of the cross-entropies is divided by; None for the
                number of labels in this batch.
            asked_positions: indices, in the flattened batch, of the labels other than -100, shape
                (N,); read in training with labels alone, and looked up if None. Giving them spares
                a graphics card the wait for their number, and gives batches one shape when they are
                padded with indices of positions whose label is -100: such a row of `logits` adds
                nothing to the loss.
            **kwargs: what `BertModel` takes.

        Returns:
            `loss` in nats, `logits` and what else was asked for; with `return_dict=False`, here or
            in the configuration, a tuple of those that are there.
        """
        if labels is None or not self.training:
            asked_positions = None
        elif asked_positions is None:
            asked_positions = (labels.flatten() != -100).nonzero()[:, 0]
        in_last_block = asked_positions is not None and not self._shows_states(kwargs)
        outputs = self.bert(
            input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            return_dict=True,
            **kwargs,
            **({"asked_positions": asked_positions} if in_last_block else {}),
        )
        hidden = outputs.last_hidden_state
        if labels is not None and asked_positions is not None:
            labels = labels.flatten()[asked_positions]
            if not in_last_block:
                hidden = hidden.flatten(0, 1)[asked_positions]
        logits = self.cls(hidden)
        loss = None
        if labels is not None:
            loss = self.loss_function(
                logits,
                labels,
                vocab_size=self.config.vocab_size,
                num_items_in_batch=num_items_in_batch,
            )
        return MaskedLMOutput(
            loss=loss,
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )

    def _shows_states(self, kwargs: dict) -> bool:
        """Whether every position is to be seen after every block, or the model reads backwards.

        Hooks on the last block are to see it: taken apart, it is not called.
        """
        return (
            self.config.is_decoder
            or any(
                kwargs.get(name, getattr(self.config, name, None))
                for name in ("output_hidden_states", "output_attentions")
            )
            or has_hooks(self.bert.encoder.layer[-1])
        )


class Bert6ForSequenceClassification(WithAllClasses, BertForSequenceClassification):
    """BERT-6 with a classifier on the pooled [CLS] state."""

    config_class = Bert6Config


class Bert6ForTokenClassification(WithAllClasses, BertForTokenClassification):
    """BERT-6 with a classifier at every position."""

    config_class = Bert6Config


# Saved checkpoints name this file in `auto_map` and carry it, for whoever has no hf_apt.
Bert6Model.register_for_auto_class("AutoModel")
Bert6ForMaskedLM.register_for_auto_class("AutoModelForMaskedLM")
Bert6ForSequenceClassification.register_for_auto_class("AutoModelForSequenceClassification")
Bert6ForTokenClassification.register_for_auto_class("AutoModelForTokenClassification")
