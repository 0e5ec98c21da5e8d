"""A generator that fills masks, and a discriminator that reads what it wrote, as one model.

ELECTRA (Clark et al. 2020, arXiv 2003.10555), with multi-word selection (TEAMS, Shen et al. 2021,
arXiv 2106.00139) and a multi-choice cloze with rejection (MC-BERT, Xu et al. 2020, arXiv
2006.05744). Written from the formulas; `docs/methods/selection.md` says what differs.
"""
# B batch, T sequence position, N asked positions, P positions with draws, H width, K tokens.

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import ElectraForMaskedLM, PreTrainedModel
from transformers.utils.generic import ModelOutput

from hf_apt.models.bert6 import Bert6Model
from hf_apt.models.selection.borrowed_embedding import BorrowedEmbedding
from hf_apt.models.selection.configuration_selection import SelectionConfig
from hf_apt.models.selection.heads import CandidateHead, DetectionHead
from hf_apt.models.selection.sampling import choices, shown_and_others
from hf_apt.stats.counts import NOT_ASKED

_ROWS = 512
"""Positions whose probabilities of all tokens are held at once, in float64."""
_TABLES = ("word_embeddings", "position_embeddings")
"""The tables that are shared: those of words and positions, as in ELECTRA."""


@dataclass
class SelectionOutput(ModelOutput):
    """What a `SelectionForPreTraining` returns; all after `logits` where there were keys."""

    loss: Tensor | None = None
    """The generator's cross-entropy at labels other than -100."""

    logits: Tensor | None = None
    """The generator's logits: (N, V) at the asked positions where there were labels; otherwise
    (B, T, V)."""

    shown_ids: Tensor | None = None
    """What the discriminator read, (B, T): the generator's samples at the asked positions."""

    detection_logits: Tensor | None = None
    """Logits of "this token was replaced", (B, T); of the head `replaced_tokens`."""

    candidate_ids: Tensor | None = None
    """The true token and others, (N, K), the true one first; of the head `word_selection`."""

    candidate_scores: Tensor | None = None
    """A score of each, (N, K)."""

    choice_ids: Tensor | None = None
    """Answers at every position, (B, T, K): the token that is shown, which stands for rejecting the
    others, and the others; of the head `multi_choice`. Where the shown token is not the true one,
    the true one is the second."""

    choice_scores: Tensor | None = None
    """A score of each, (B, T, K)."""


class SelectionForPreTraining(PreTrainedModel):
    """A generator (`generator`) and a discriminator (`discriminator`) with its heads.

    The generator is a masked LM of ELECTRA's form, the discriminator a BERT-6. The loss is the
    generator's alone, divided by `num_items_in_batch` where a Trainer gives it: the terms of the
    discriminator are objectives (`hf_apt.training.objectives.replaced_tokens` and its neighbours),
    each with a weight and a normalisation of its own. No gradient goes from the discriminator into
    the generator, but into the tables of words and positions where these are `shared`.

    Both parts are handed over as models of their own: `generator_model` and `discriminator_model`.

    Args:
        config: both configurations, the sharing and the heads.

    Raises:
        ValueError: for a configuration without one of the two, of encoders that do not read the
            same ids and positions, or of tables that cannot be shared.
    """

    config_class = SelectionConfig
    base_model_prefix = "discriminator"
    main_input_name = "input_ids"
    accepts_loss_kwargs = True
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_attention_backend = True

    def __init__(self, config: SelectionConfig):
        super().__init__(config)
        parts = config.encoders()
        self.generator = ElectraForMaskedLM(parts[0])
        self.discriminator = Bert6Model(parts[1], add_pooling_layer=False)
        embeddings = self.generator.electra.embeddings
        if config.embedding_sharing != "none":
            disentangled = config.embedding_sharing == "disentangled"
            for name in _TABLES:
                borrowed = BorrowedEmbedding(getattr(embeddings, name), disentangled=disentangled)
                setattr(self.discriminator.embeddings, name, borrowed)
        width, eps = parts[1].hidden_size, parts[1].layer_norm_eps
        self.heads = nn.ModuleDict()
        if "replaced_tokens" in config.heads:
            self.heads["replaced_tokens"] = DetectionHead(width)
        if "word_selection" in config.heads:
            self.heads["word_selection"] = CandidateHead(width, eps, rejects=False)
        if "multi_choice" in config.heads:
            self.heads["multi_choice"] = CandidateHead(width, eps, rejects=True)
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, BorrowedEmbedding):
            if module.weight is not None:
                torch.nn.init.zeros_(module.weight)
        else:
            super()._init_weights(module)

    def get_input_embeddings(self) -> nn.Module:
        """The generator's table of words."""
        return self.generator.get_input_embeddings()

    def get_output_embeddings(self) -> nn.Module:
        """The generator's output layer."""
        return self.generator.get_output_embeddings()

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"],
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        labels: Int[Tensor, "batch seq"] | None = None,
        num_items_in_batch: Tensor | int | None = None,
        asked_positions: Int[Tensor, " n"] | None = None,
        sampling_keys: Int[Tensor, "batch seq"] | None = None,
    ) -> SelectionOutput:
        """The generator's loss and logits, and what the discriminator's heads say of its samples.

        Args:
            input_ids: token ids, masked, shape (batch, seq).
            attention_mask: 1 for tokens, 0 for padding, shape (batch, seq); all are tokens if None.
            position_ids: position of each token, shape (batch, seq); from 0 on if None.
            labels: the true token id where one is asked for, -100 elsewhere, shape (batch, seq).
            num_items_in_batch: what the sum of the cross-entropies is divided by; None for the
                number of labels in this batch.
            asked_positions: indices, in the flattened batch, of the labels other than -100; looked
                up if None. Indices of other positions may pad them.
            sampling_keys: an int64 key for each position, of which all draws are made, shape
                (batch, seq); without keys or labels the discriminator is not called.

        Returns:
            What there is of a `SelectionOutput`.
        """
        read = {"attention_mask": attention_mask, "position_ids": position_ids}
        hidden_BTG = self.generator.electra(input_ids, **read).last_hidden_state
        if labels is None:
            return SelectionOutput(logits=self._generated(hidden_BTG))
        if asked_positions is None:
            asked_positions = (labels.flatten() != NOT_ASKED).nonzero()[:, 0]
        logits_NV = self._generated(hidden_BTG.flatten(0, 1)[asked_positions])
        labels_N = labels.flatten()[asked_positions]
        num_items = num_items_in_batch
        if num_items is None:
            num_items = (labels_N != NOT_ASKED).sum().clamp(min=1)
        loss = cross_entropy(logits_NV.float(), labels_N, reduction="sum") / num_items
        output = SelectionOutput(loss=loss, logits=logits_NV)
        if sampling_keys is not None and self.heads:
            text_BT = torch.where(labels != NOT_ASKED, labels, input_ids)
            drawn = self._drawn(
                hidden_BTG, logits_NV, labels, text_BT, sampling_keys, asked_positions
            )
            self._discriminated(output, text_BT, asked_positions, drawn, read)
        return output

    def _generated(self, hidden: Tensor) -> Tensor:
        return self.generator.generator_lm_head(self.generator.generator_predictions(hidden))

    @torch.no_grad()
    def _drawn(
        self,
        hidden_BTG: Tensor,
        logits_NV: Tensor,
        labels: Tensor,
        text_BT: Tensor,
        keys_BT: Tensor,
        asked_positions: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Tokens to show, and others, at the asked positions, or at all of a multi-choice cloze."""
        everywhere = "multi_choice" in self.heads
        positions_P = asked_positions
        if everywhere:
            positions_P = torch.arange(text_BT.numel(), device=text_BT.device)
        others = (
            self.config.num_candidates - 1 if "word_selection" in self.heads else 0,
            self.config.num_choices - 1 if everywhere else 0,
        )
        parts, hidden = [], hidden_BTG.flatten(0, 1)
        for rows in torch.arange(len(positions_P), device=positions_P.device).split(_ROWS):
            at = positions_P[rows]
            logits = self._generated(hidden[at]) if everywhere else logits_NV[rows]
            drawn = shown_and_others(
                logits,
                text_BT.flatten()[at],
                keys_BT.flatten()[at],
                num_others=max(others),
                asked_N=labels.flatten()[at] != NOT_ASKED,
            )
            parts.append(drawn)
        if not parts:
            return positions_P, positions_P[:, None].expand(0, max(others))
        shown_P, others_PK = (torch.cat(each) for each in zip(*parts, strict=True))
        return shown_P, others_PK

    def _discriminated(
        self,
        output: SelectionOutput,
        text_BT: Tensor,
        asked_N: Tensor,
        drawn: tuple[Tensor, Tensor],
        read: dict[str, Any],
    ) -> None:
        """Add to `output` what the heads say of the text with the generator's samples in it."""
        shown_P, others_PK = drawn
        everywhere = "multi_choice" in self.heads
        if everywhere:
            shown_BT = shown_P.view_as(text_BT)
        else:
            shown_BT = text_BT.flatten().scatter(0, asked_N, shown_P).view_as(text_BT)
        output.shown_ids = shown_BT
        hidden_BTH = self.discriminator(shown_BT, **read).last_hidden_state
        if "replaced_tokens" in self.heads:
            output.detection_logits = self.heads["replaced_tokens"](hidden_BTH)
        if "word_selection" in self.heads:
            others_NK = others_PK[asked_N] if everywhere else others_PK
            true_N1 = text_BT.flatten()[asked_N][:, None]
            num = self.config.num_candidates - 1
            output.candidate_ids = torch.cat([true_N1, others_NK[:, :num]], dim=1)
            output.candidate_scores = self._scored(
                "word_selection", hidden_BTH.flatten(0, 1)[asked_N], output.candidate_ids
            )
        if everywhere:
            num = self.config.num_choices - 1
            ids_PK = choices(text_BT.flatten(), shown_P, others_PK)[:, :num]
            ids_BTK = ids_PK.unflatten(0, tuple(text_BT.shape))
            output.choice_ids = torch.cat([shown_BT[..., None], ids_BTK], dim=-1)
            output.choice_scores = self._scored("multi_choice", hidden_BTH, ids_BTK)

    def _scored(self, head: str, hidden: Tensor, candidate_ids: Tensor) -> Tensor:
        embed = self.discriminator.embeddings.word_embeddings
        return self.heads[head](hidden, candidate_ids, embed)

    def generator_model(self) -> ElectraForMaskedLM:
        """The generator as a masked LM of its own.

        Returns:
            A copy, in evaluation mode, which `hf-apt measure` reads as any other.
        """
        model: Any = ElectraForMaskedLM(self.config.encoders()[0])
        model.load_state_dict(self.generator.state_dict())
        return model.to(self.device).eval()

    def discriminator_model(self) -> Bert6Model:
        """The discriminator as a plain encoder: where embeddings are disentangled, their sums.

        Returns:
            A copy without the heads, in evaluation mode, which `hf-apt finetune` reads.
        """
        model: Any = Bert6Model(self.config.encoders()[1], add_pooling_layer=False)
        weights = {
            name: weight
            for name, weight in self.discriminator.state_dict().items()
            if not name.endswith(tuple(f"{table}.weight" for table in _TABLES))
        }
        for name in _TABLES:
            table: Any = getattr(self.discriminator.embeddings, name)
            is_own = isinstance(table, nn.Embedding)
            weights[f"embeddings.{name}.weight"] = table.weight if is_own else table.table()
        model.load_state_dict(weights)
        return model.to(self.device).eval()
