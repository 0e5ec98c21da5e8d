"""BERT-6 with its heads: transformers' BERT, with a masked-LM loss that is right and cheap."""

# This file travels with every saved checkpoint, so that it opens without hf_apt by
# `trust_remote_code=True`: it may import torch, transformers and its neighbour only.

import torch
from transformers import (
    BertForMaskedLM,
    BertForSequenceClassification,
    BertForTokenClassification,
    BertModel,
)
from transformers.modeling_outputs import MaskedLMOutput

from .configuration_bert6 import Bert6Config


class Bert6Model(BertModel):
    """The trunk: embeddings and six blocks."""

    config_class = Bert6Config


class Bert6ForMaskedLM(BertForMaskedLM):
    """BERT-6 with the masked-LM head.

    Two things differ from `BertForMaskedLM`. The loss is divided by `num_items_in_batch` where the
    Trainer gives it, so that it does not depend on how a batch is split over accumulation steps and
    processes. In training with labels, vocabulary logits are computed only where a label is asked
    for: `logits` then has shape (number of labels other than -100, vocabulary), in row-major order
    of the positions. Without labels, or in evaluation mode, it has the usual
    (batch, sequence, vocabulary).
    """

    config_class = Bert6Config

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        num_items_in_batch: torch.Tensor | int | None = None,
        **kwargs,
    ) -> MaskedLMOutput:
        """The loss over labels other than -100 (if labels are given), logits and hidden states."""
        outputs = self.bert(
            input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            **kwargs | {"return_dict": True},
        )
        hidden_BTH = outputs.last_hidden_state
        if labels is not None and self.training:
            asked = labels != -100
            hidden_BTH, labels = hidden_BTH[asked], labels[asked]
        logits = self.cls(hidden_BTH)
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


class Bert6ForSequenceClassification(BertForSequenceClassification):
    """BERT-6 with a classifier on the pooled [CLS] state."""

    config_class = Bert6Config


class Bert6ForTokenClassification(BertForTokenClassification):
    """BERT-6 with a classifier at every position."""

    config_class = Bert6Config


# Saved checkpoints name this file in `auto_map` and carry it, for whoever has no hf_apt.
Bert6Model.register_for_auto_class("AutoModel")
Bert6ForMaskedLM.register_for_auto_class("AutoModelForMaskedLM")
Bert6ForSequenceClassification.register_for_auto_class("AutoModelForSequenceClassification")
Bert6ForTokenClassification.register_for_auto_class("AutoModelForTokenClassification")
