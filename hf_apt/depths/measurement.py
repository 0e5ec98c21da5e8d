"""The measurement: one forward pass over masked text, counted at every depth by every decoder."""
# B batch, T sequence position.

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from hf_apt.data.measurement_batches import (
    AskedBatch,
    MaskedBatches,
    MeasureConfig,
    asked_batch,
)
from hf_apt.data.tokens import Tokens
from hf_apt.depths.depth_pass import Decoder, count, summed
from hf_apt.depths.trunk import Trunk
from hf_apt.models.devices import process_state
from hf_apt.models.loading import require_room
from hf_apt.stats.counts import DepthCounts, merged_counts

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
    return summed(count(trunk, batches, decoders), merged_counts)


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
            yield np.arange(start, start + len(tokens_BT)), asked_batch(tokens, tokens_BT, batch)
            progress.update(tokens_BT.size)


def require_fit(model: PreTrainedModel, tokens: Tokens) -> None:
    """Raise ValueError if `model` has fewer token ids or positions than `tokens` need."""
    needed = tokens.description
    require_room(model, needed.vocab_size, needed.sequence_length)
