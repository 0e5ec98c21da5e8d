"""Heads trained for every depth on a frozen trunk, all depths in the same pass.

The published layer-wise protocol of the group of arXiv 2509.03407: keep the trained network up to a
depth, train only a new head on top ("linear probe" in the literature). Which head the paper trained
on the blocks of BERT-6 is not known to us; both are offered.
"""
# D depths, N modified positions, H hidden width, V vocabulary.

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self, cast

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from hf_apt.atomic import writing
from hf_apt.devices import part_of_batch, process_state
from hf_apt.examples import TrainingDraws, as_batch
from hf_apt.masking import NOT_ASKED
from hf_apt.sweep import VocabularySweep, once_each, streamed_argmax, vocabulary_sweep
from hf_apt.tokens import Tokens
from hf_apt.trunk import Trunk

HeadKind = Literal["linear_head", "mlm_head"]
"""`linear_head`: one linear map from the hidden state to the vocabulary. `mlm_head`: BERT's whole
MLM head, dense, GELU, LayerNorm, linear map to the vocabulary."""


@dataclass(frozen=True, kw_only=True)
class HeadConfig:
    """How heads are trained."""

    num_steps: int = 1000
    """Optimiser steps, the same for all depths at once."""

    batch_size: int = 32
    """Sequences in a step, over all processes."""

    learning_rate: float = 2e-3
    """Peak of a linear warm-up (5 %) and decay; AdamW without weight decay."""

    masking_rate: float = 0.15
    """Share of the positions that are modified."""

    seed: int = 43
    """Of order and masks."""


class DepthHeads(nn.Module):
    """One head for each depth, with weights of its own."""

    def __init__(self, kind: HeadKind, num_depths: int, hidden_size: int, vocab_size: int):
        super().__init__()
        self.kind: HeadKind = kind
        self.decoders = nn.ModuleList(nn.Linear(hidden_size, vocab_size) for _ in range(num_depths))
        self.transforms = nn.ModuleList(
            nn.Sequential(nn.Linear(hidden_size, hidden_size), nn.GELU(), nn.LayerNorm(hidden_size))
            if kind == "mlm_head"
            else nn.Identity()
            for _ in range(num_depths)
        )

    def begin_from(self, embeddings_VH: Tensor) -> None:
        """Start every decoder from the model's own output embeddings, without bias."""
        for _, decoder in self._by_depth():
            nn.init.zeros_(decoder.bias)
            decoder.weight.data.copy_(embeddings_VH)

    def loss(self, hidden_DNH: Tensor, labels_N: Tensor) -> Tensor:
        """The cross-entropies of all depths added up, each summed over positions.

        Heads share nothing, so the gradient of the sum gives each head its own.
        """
        total = hidden_DNH.new_zeros(())
        for (transform, decoder), hidden_NH in zip(self._by_depth(), hidden_DNH, strict=True):
            logits_NV = decoder(transform(hidden_NH))
            total = total + nn.functional.cross_entropy(logits_NV, labels_N, reduction="sum")
        return total

    @torch.no_grad()
    def forward(self, hidden_DNH: Tensor) -> Tensor:
        """The predicted ids (D, N); of equal logits the lowest id."""

        def predicted(depth: int, hidden_NH: Tensor) -> Tensor:
            transform, decoder = self._by_depth()[depth]
            return streamed_argmax(transform(hidden_NH), decoder.weight, decoder.bias)

        embedded_NH, *blocks = hidden_DNH
        first_N = once_each(partial(predicted, 0), embedded_NH)
        others = [predicted(depth, hidden_NH) for depth, hidden_NH in enumerate(blocks, 1)]
        return torch.stack([first_N, *others])

    @torch.no_grad()
    def sweep(self, hidden_DNH: Tensor, targets_N: Tensor) -> list[VocabularySweep]:
        """For each depth the predicted ids and the cross-entropy of the targets, from one read.

        Raises ValueError if a target is no id of the vocabulary.
        """
        return [
            vocabulary_sweep(transform(hidden_NH), decoder.weight, decoder.bias, targets_N)
            for (transform, decoder), hidden_NH in zip(self._by_depth(), hidden_DNH, strict=True)
        ]

    def _by_depth(self) -> list[tuple[nn.Module, nn.Linear]]:
        decoders = (cast(nn.Linear, decoder) for decoder in self.decoders)
        return list(zip(self.transforms, decoders, strict=True))

    def save(self, path: Path) -> None:
        """Write the weights of all depths to `path` (safetensors), whole or not at all."""
        with writing(path, "wb") as file:
            file.write(save(self.state_dict()))

    @classmethod
    def load(cls, path: Path, kind: HeadKind) -> Self:
        """The heads that `save` wrote to `path`."""
        weights = load_file(path)
        vocab_size, hidden_size = weights["decoders.0.weight"].shape
        num_depths = sum(name.startswith("decoders.") for name in weights) // 2
        heads = cls(kind, num_depths, hidden_size, vocab_size)
        heads.load_state_dict(weights)
        return heads.eval()


class _FrozenTrunkWithHeads(nn.Module):
    """What the Trainer trains: the heads, fed by one forward pass of the frozen trunk."""

    def __init__(self, trunk: Trunk, heads: DepthHeads):
        super().__init__()
        self.frozen = [trunk]  # in a list: its weights are none of this module's parameters
        self.heads = heads

    def forward(
        self,
        input_ids: Tensor,
        labels: Tensor,
        num_items_in_batch: Tensor | int,
        attention_mask: Tensor | None = None,
        **_: Any,
    ) -> dict[str, Tensor]:
        asked = labels != NOT_ASKED
        inputs = {"input_ids": input_ids}
        if attention_mask is not None:
            inputs["attention_mask"] = attention_mask
        hidden_DNH = self.frozen[0].at(inputs, asked)
        return {"loss": self.heads.loss(hidden_DNH, labels[asked]) / num_items_in_batch}


def train_heads(
    trunk: Trunk,
    tokens: Tokens,
    kind: HeadKind,
    config: HeadConfig,
    folder: Path,
) -> DepthHeads:
    """Heads of one kind, trained for all depths on the frozen `trunk`.

    The Trainer works in `folder`. Every step is one forward pass of the trunk and one step of each
    head. Decoders start from the model's own output embeddings where their width is that of the
    hidden states.

    Raises ValueError if the batch cannot be divided among processes.
    """
    from transformers import Trainer, TrainingArguments

    from hf_apt.progress import name_progress

    part = part_of_batch(config.batch_size, process_state().num_processes)
    vocab_size = tokens.description.vocab_size
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        heads = DepthHeads(kind, trunk.num_depths, trunk.hidden_size, vocab_size)
    embeddings = trunk.model.get_output_embeddings()
    if embeddings is not None and embeddings.weight.shape == (vocab_size, trunk.hidden_size):
        heads.begin_from(embeddings.weight.detach().cpu())
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=config.num_steps,
        per_device_train_batch_size=part,
        learning_rate=config.learning_rate,
        warmup_steps=max(config.num_steps // 20, 1),
        weight_decay=0.0,
        max_grad_norm=0.0,  # a common norm would couple the heads
        train_sampling_strategy="sequential",
        remove_unused_columns=False,
        use_cpu=trunk.model.device.type == "cpu",
        seed=config.seed,
        logging_steps=max(config.num_steps // 20, 1),
        save_strategy="no",
        report_to="none",
    )
    trainer = Trainer(
        model=_FrozenTrunkWithHeads(trunk, heads),
        args=arguments,
        train_dataset=TrainingDraws(
            tokens,
            tokens.masking(seed=config.seed, rate=config.masking_rate),
            num_draws=config.num_steps * config.batch_size,
        ),
        data_collator=as_batch,
    )
    name_progress(
        trainer,
        f"Training a {kind.replace('_', ' ')} for each depth",
        tokens_in_step=config.batch_size * tokens.description.sequence_length,
    ).train()
    return heads.eval()
