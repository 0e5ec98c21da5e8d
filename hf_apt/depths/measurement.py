"""The measurement: one forward pass over masked text, read at every depth by every decoder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.measurement_batches import AskedBatch, MaskedBatches, asked_batch
from hf_apt.data.tokens import Tokens
from hf_apt.depths.decoded import Decoded, Decoder, SweepingDecoder
from hf_apt.depths.depth_pass import read, totals
from hf_apt.depths.trunk import Trunk
from hf_apt.models.devices import process_state
from hf_apt.models.loading import require_room
from hf_apt.stats.measures.measure import Measure
from hf_apt.stats.measures.readout import Readout
from hf_apt.stats.measures.registry import MEASURES

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def measure(
    trunk: Trunk,
    tokens: Tokens,
    decoders: Mapping[str, Decoder | SweepingDecoder],
    config: MeasureConfig,
    *,
    measures: Sequence[type[Measure]] = MEASURES,
    label: str = "Measuring",
) -> dict[str, Readout]:
    """The counts and measures of every decoder, from one pass of `trunk` over `tokens`.

    A decoder without a `sweep`, any function from hidden states (D, N, H) to token ids (D, N), is
    only counted; so are all with `measures=()`, which is faster. Shows a progress bar. Under
    several processes each takes every k-th batch and the totals are merged once, at the end: all
    processes return the same.

    Raises ValueError if the model has fewer token ids or positions than the tokens need, and in
    all processes if no position is asked, or if a decoder has no answer at a position: a logit is
    NaN, or the largest infinite.
    """
    require_fit(trunk.model, tokens)
    readers = {name: Decoded(trunk, decoder, measures) for name, decoder in decoders.items()}
    read(trunk, asked_batches(tokens, config, label=label), readers.values())
    read_off = totals(readers)
    for name, total in read_off.items():
        if problem := total.problem(name):
            raise ValueError(problem)
        _require_asked(total.readout, tokens, config)
    return {name: total.readout for name, total in read_off.items()}


def _require_asked(readout: Readout, tokens: Tokens, config: MeasureConfig) -> None:
    """Raise ValueError if the counts are of nothing."""
    if readout.counts.at(0).total:
        return
    num = min(config.num_sequences or len(tokens), len(tokens))
    raise ValueError(
        f"no position of the {num} sequences in {tokens.folder} is asked: their tokens are special "
        "ones, [UNK] among them, or too few to be masked. Give more text, or the tokenizer that "
        "the text is for."
    )


def asked_batches(
    tokens: Tokens, config: MeasureConfig, *, label: str = "Measuring"
) -> Iterator[AskedBatch]:
    """What this process asks of a model, batch by batch.

    Of several processes each has every k-th batch; the main one shows a progress bar. Positions,
    masks and numbers of sequences do not depend on their number; realisations of a sequence have
    its number.
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
            numbers_B = np.arange(start, start + len(tokens_BT))
            yield asked_batch(tokens, tokens_BT, batch, numbers_B)
            progress.update(tokens_BT.size)


def require_fit(model: PreTrainedModel, tokens: Tokens) -> None:
    """Raise ValueError if `model` has fewer token ids or positions than `tokens` need, or if
    `tokens` are none, or have no mask token."""
    if not isinstance(tokens, Tokens):
        raise ValueError(
            f"tokens must be opened first, with hf_apt.Tokens(folder), got {tokens!r}."
        )
    if not isinstance(tokens.description.mask_id, int):
        raise ValueError(
            f"the tokens in {tokens.folder} have no mask token: write them with a tokenizer that "
            "has one."
        )
    needed = tokens.description
    require_room(model, needed.vocab_size, needed.sequence_length)
