"""The measurement: one forward pass over masked text, counted at every depth by every decoder."""
# B batch, T sequence position, N modified positions, D depths.

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from hf_apt.counts import DepthCounts, merged
from hf_apt.devices import process_state
from hf_apt.examples import model_inputs
from hf_apt.masking import MaskedBatch, mask
from hf_apt.tokens import Tokens
from hf_apt.trunk import Trunk

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Decoder = Callable[[Tensor], Tensor]
"""From hidden states (D, N, H) to predicted token ids (D, N)."""


@dataclass(frozen=True, kw_only=True)
class MeasureConfig:
    """What is asked of a model."""

    num_sequences: int | None = None
    """At most so many held-out sequences; None for all."""

    num_realisations: int = 1
    """Times that each sequence is masked anew: rare tokens occur more often in the same text."""

    masking_rate: float = 0.15
    """Share of the positions that are modified."""

    batch_size: int = 64
    """Sequences in a forward pass."""

    seed: int = 2509
    """Of the masks; the same for all depths, decoders and models."""

    def __post_init__(self) -> None:
        for name in ("num_realisations", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}.")


class MaskedBatches:
    """The masked batches of a measurement, each with its uncorrupted tokens.

    They are the same however many processes share them, so that each process's predictions are
    those which a single one would have made.
    """

    def __init__(self, tokens: Tokens, config: MeasureConfig):
        self.tokens = tokens
        self.config = config
        self.masking = tokens.masking(seed=config.seed, rate=config.masking_rate)
        self.num_sequences = min(config.num_sequences or len(tokens), len(tokens))
        self.starts = [
            (realisation, start)
            for realisation in range(config.num_realisations)
            for start in range(0, self.num_sequences, config.batch_size)
        ]

    def part(self, index: int = 0, num_parts: int = 1) -> Iterator[tuple[np.ndarray, MaskedBatch]]:
        """Every `num_parts`-th batch, from number `index` on: (tokens, masked batch)."""
        for realisation, start in self.starts[index::num_parts]:
            end = min(start + self.config.batch_size, self.num_sequences)
            indices_B = np.arange(start, end)
            tokens_BT = self.tokens.padded(indices_B)
            yield tokens_BT, mask(tokens_BT, indices_B, self.masking, epoch=realisation)


def measure(
    trunk: Trunk,
    tokens: Tokens,
    decoders: Mapping[str, Decoder],
    config: MeasureConfig,
    *,
    label: str = "Measuring",
) -> dict[str, DepthCounts]:
    """The counts of every decoder, from one pass of `trunk` over `tokens`, with a progress bar.

    Under several processes each takes every k-th batch and the counts are added up once, at the
    end: all processes return the same, exact total.

    Raises ValueError if the model has fewer token ids or positions than the tokens need.
    """
    from accelerate.utils import gather_object
    from tqdm.auto import tqdm

    require_fit(trunk.model, tokens)
    device = trunk.model.device
    state = process_state()
    vocab_size = trunk.model.config.vocab_size
    counts = {name: DepthCounts.empty(trunk.num_depths, vocab_size) for name in decoders}
    batches = MaskedBatches(tokens, config)
    progress = tqdm(
        batches.part(state.process_index, state.num_processes),
        desc=label,
        total=len(batches.starts[state.process_index :: state.num_processes]),
        unit=" batches",
        disable=not state.is_main_process,
    )
    for tokens_BT, batch in progress:
        inputs = model_inputs(tokens, tokens_BT, batch)
        hidden_DNH = trunk.at(
            {name: values.to(device) for name, values in inputs.items()},
            torch.from_numpy(batch.modified_BT).to(device),
        )
        references_N = batch.labels_BT[batch.modified_BT]
        treatments_N = batch.treatments_BT[batch.modified_BT]
        for name, decode in decoders.items():
            predictions_DN = decode(hidden_DNH).cpu().numpy()
            counts[name].update(references_N, predictions_DN, treatments_N)
    if state.num_processes == 1:
        return counts
    parts = gather_object([counts])
    return {name: merged([part[name] for part in parts]) for name in decoders}


def require_fit(model: PreTrainedModel, tokens: Tokens) -> None:
    """Raise ValueError if `model` has fewer token ids or positions than `tokens` need."""
    needed = tokens.description
    if model.config.vocab_size < needed.vocab_size:
        raise ValueError(
            f"the tokenizer has {needed.vocab_size} tokens and the model only "
            f"{model.config.vocab_size}: they do not belong together."
        )
    positions = _num_positions(model)
    if positions is not None and positions < needed.sequence_length:
        raise ValueError(
            f"sequences of {needed.sequence_length} tokens are longer than the model's "
            f"{positions} positions: choose a smaller sequence length."
        )


def _num_positions(model: PreTrainedModel) -> int | None:
    """The longest sequence that `model` takes, if it says so."""
    positions = getattr(model.config, "max_position_embeddings", None)
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            if module.padding_idx is not None:
                # RoBERTa and its kin count positions from behind the padding id.
                return module.num_embeddings - module.padding_idx - 1
    return positions
