"""The measurement: one forward pass over masked text, counted at every depth by every decoder."""
# B batch, T sequence position.

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from hf_apt.counts import DepthCounts, merged
from hf_apt.depth_pass import AskedBatch, Decoder, count, summed
from hf_apt.devices import process_state
from hf_apt.examples import model_inputs
from hf_apt.masked_batches import MaskedBatches, MeasureConfig
from hf_apt.masking import MaskedBatch
from hf_apt.tokens import Tokens
from hf_apt.trunk import Trunk

if TYPE_CHECKING:
    from transformers import PreTrainedModel


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
    require_fit(trunk.model, tokens)
    batches = (batch for _, batch in asked_batches(tokens, config, label=label))
    return summed(count(trunk, batches, decoders), merged)


def asked_batches(
    tokens: Tokens, config: MeasureConfig, *, label: str
) -> Iterator[tuple[np.ndarray, AskedBatch]]:
    """What this process asks, batch by batch, with the numbers (B,) of the sequences in it.

    Of several processes each has every k-th batch; the main one shows a progress bar.
    """
    from tqdm.auto import tqdm

    state = process_state()
    batches = MaskedBatches(tokens, config)
    share = (state.process_index, state.num_processes)
    starts = batches.starts[state.process_index :: state.num_processes]
    progress = tqdm(
        desc=label,
        total=batches.num_tokens(*share),
        unit=" tokens",
        unit_scale=True,
        disable=not state.is_main_process,
    )
    with progress:
        for (_, start), (tokens_BT, batch) in zip(starts, batches.part(*share), strict=True):
            yield np.arange(start, start + len(tokens_BT)), _asked(tokens, tokens_BT, batch)
            progress.update(tokens_BT.size)


def _asked(tokens: Tokens, tokens_BT: np.ndarray, batch: MaskedBatch) -> AskedBatch:
    return AskedBatch(
        model_inputs(tokens, tokens_BT, batch),
        torch.from_numpy(batch.modified_BT),
        batch.labels_BT[batch.modified_BT],
        batch.treatments_BT[batch.modified_BT],
    )


def require_fit(model: PreTrainedModel, tokens: Tokens) -> None:
    """Raise ValueError if `model` has fewer token ids or positions than `tokens` need."""
    needed = tokens.description
    require_room(model, needed.vocab_size, needed.sequence_length)


def require_room(model: PreTrainedModel, vocab_size: int, sequence_length: int) -> None:
    """Raise ValueError if `model` has not so many token ids, or not so many positions."""
    if model.config.vocab_size < vocab_size:
        raise ValueError(
            f"the tokenizer has {vocab_size} tokens and the model only "
            f"{model.config.vocab_size}: they do not belong together."
        )
    positions = _num_positions(model)
    if positions is not None and positions < sequence_length:
        raise ValueError(
            f"sequences of {sequence_length} tokens are longer than the model's "
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
