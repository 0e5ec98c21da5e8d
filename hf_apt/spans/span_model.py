"""An encoder with two heads, each read at a token of its own: is it a mention, and of which type.

Wang et al. 2022, arXiv 2205.11799, section 3. Ours, from the paper's description.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import AutoConfig, AutoModelForTokenClassification, PreTrainedModel
from transformers.utils.generic import ModelOutput

from hf_apt.spans.configuration_span_model import SpanModelConfig
from hf_apt.spans.span_format import SpanFormat
from hf_apt.stats.counts import NOT_ASKED


@dataclass
class SpanOutput(ModelOutput):
    """What a `SpanModel` returns; all float32."""

    loss: Tensor | None = None
    """Mean cross-entropies of both answers in nats, added; where there are labels."""

    logits: Any = None
    """Logits of no mention and of a mention, shape (batch, 2)."""

    type_logits: Any = None
    """Logits of the types, given that it is a mention, shape (batch, types)."""


class SpanModel(PreTrainedModel):
    """Any encoder with a mask token, that says of a span whether it is a mention, and its type.

    Its rows are those of `hf_apt.spans.span_rows`. Where the form is merged, one head of one class
    for none and one for each type is read at the first token, and both answers are made of it.

    Args:
        config: the configuration; all weights are fresh. `on_trunk` takes a trained encoder.

    Raises:
        ValueError: for a configuration without a trunk.
    """

    config_class = SpanModelConfig
    base_model_prefix = "trunk"
    main_input_name = "input_ids"

    def __init__(self, config: SpanModelConfig):
        super().__init__(config)
        if config.trunk is None:
            raise ValueError("a model of spans has a trunk, and the configuration names none.")
        # As for tagging words, where encoders have no pooler.
        of_trunk = AutoConfig.for_model(**config.trunk)
        self.trunk = AutoModelForTokenClassification.from_config(of_trunk).base_model
        num_types, width = len(config.labels()), of_trunk.hidden_size
        self.is_merged = config.span_format().merged
        if self.is_merged:
            self.choice_head = nn.Linear(width, 1 + num_types)
        else:
            self.entity_head = nn.Linear(width, 2)
            self.type_head = nn.Linear(width, num_types)
        self.post_init()

    @classmethod
    def on_trunk(
        cls, trunk: PreTrainedModel, labels: Sequence[str], form: SpanFormat, *, seed: int
    ) -> SpanModel:
        """A model whose heads are fresh, on a trained encoder, which it holds and does not copy.

        Args:
            trunk: the encoder, such as `AutoModelForTokenClassification.from_pretrained(...)
                .base_model`.
            labels: the types by number.
            form: how spans are put to it.
            seed: seed of the heads.

        Returns:
            The model in evaluation mode.

        Raises:
            ValueError: if there is no type, or one twice, or if rows are longer than the encoder's
                positions.
        """
        from hf_apt.models.loading import require_room

        require_room(trunk, 0, form.sequence_length)
        config = SpanModelConfig.of(trunk.config, labels, form)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = cls(config)
        model.trunk = trunk
        return model.to(trunk.device).eval()  # pyright: ignore[reportArgumentType]

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.02)
            nn.init.zeros_(module.bias)

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"] | None = None,
        attention_mask: Tensor | None = None,
        entity_positions: Int[Tensor, " batch"] | None = None,
        type_positions: Int[Tensor, " batch"] | None = None,
        labels: Int[Tensor, " batch"] | None = None,
        type_labels: Int[Tensor, " batch"] | None = None,
        inputs_embeds: Float[Tensor, "batch seq width"] | None = None,
        return_dict: bool | None = None,
    ) -> SpanOutput | tuple[Any, ...]:
        """Both answers for each row, and their loss where there are labels.

        Args:
            input_ids: token ids, shape (batch, seq).
            attention_mask: 1 for tokens, 0 for padding, shape (batch, seq); all are tokens if None.
            entity_positions: where it is read whether the span is a mention, shape (batch,).
            type_positions: where its type is read, shape (batch,).
            labels: 1 for a mention, 0 for none, shape (batch,).
            type_labels: number of the type, -100 for no mention, shape (batch,).
            inputs_embeds: word embeddings in place of `input_ids`, shape (batch, seq, width).
            return_dict: an object with names unless False, then a tuple.

        Returns:
            Logits of both answers and, with `labels`, the loss.

        Raises:
            ValueError: without positions.
        """
        if entity_positions is None or type_positions is None:
            raise ValueError("rows of spans say where to read: give their two positions.")
        given: Any = {"input_ids": input_ids}
        if inputs_embeds is not None:
            given = {"inputs_embeds": inputs_embeds}
        hidden_BTH = self.trunk(
            **given, attention_mask=attention_mask, return_dict=True
        ).last_hidden_state
        row_B = torch.arange(len(hidden_BTH), device=hidden_BTH.device)
        entity_B2, type_BC = self._answers(
            hidden_BTH[row_B, entity_positions], hidden_BTH[row_B, type_positions]
        )
        loss = None
        if labels is not None:
            loss = cross_entropy(entity_B2, labels)
            if type_labels is not None:
                per = len(type_labels) if self.is_merged else num_mentions(type_labels)
                loss = loss + type_loss(type_BC, type_labels) / per
        output = SpanOutput(loss=loss, logits=entity_B2, type_logits=type_BC)
        return output.to_tuple() if return_dict is False else output

    def _answers(
        self, entity_BH: Float[Tensor, "batch width"], type_BH: Float[Tensor, "batch width"]
    ) -> tuple[Tensor, Tensor]:
        if not self.is_merged:
            return self.entity_head(entity_BH).float(), self.type_head(type_BH).float()
        choice_BC = self.choice_head(entity_BH).float()
        any_B = choice_BC[:, 1:].logsumexp(dim=1)
        return torch.stack([choice_BC[:, 0], any_B], dim=1), choice_BC[:, 1:]


def num_mentions(type_labels: Tensor) -> Tensor:
    """How many rows are mentions, but at least 1: a scalar."""
    return (type_labels != NOT_ASKED).sum().clamp(min=1)


def type_loss(type_BC: Float[Tensor, "batch types"], type_labels: Tensor) -> Tensor:
    """The summed cross-entropy of the types of mentions, in nats and float32; 0 without any.

    Its gradient is 0 then, not NaN.
    """
    return cross_entropy(type_BC.float(), type_labels, ignore_index=NOT_ASKED, reduction="sum")
