"""The measurement: one forward pass over text, read at every depth by every decoder.

A masked language model is asked for tokens that are masked, a causal one for every next token.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_apt.data.masking import Masking
from hf_apt.data.measure_config import MeasureConfig, require_no_masks
from hf_apt.data.measurement_batches import (
    AskedBatch,
    MaskedBatches,
    NextTokenBatches,
    asked_batch,
)
from hf_apt.data.tokens import Tokens
from hf_apt.depths.asked_labels import labels_asked
from hf_apt.depths.causality import is_causal
from hf_apt.depths.decoded import Decoded, Decoder, SweepingDecoder
from hf_apt.depths.depth_pass import Reader, read, totals
from hf_apt.depths.precision.changed_answers import AnswersChanged
from hf_apt.depths.precision.measuring_arithmetic import measuring_arithmetic
from hf_apt.depths.trunk import Trunk
from hf_apt.models.devices import process_state
from hf_apt.models.loading import require_room
from hf_apt.records.changed_answers import changed_sentence
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
    others: Sequence[Reader[Any]] = (),
    label: str = "Measuring",
) -> dict[str, Readout]:
    """The counts and measures of every decoder, from one pass of a trunk over a text.

    A causal model (`hf_apt.depths.causality.is_causal`) is asked for every next token that is not
    special, by the counts of `trainer_callbacks.AptCallback`: all positions count as masked. Shows
    a progress bar. Under several processes each takes every k-th batch and the totals are merged
    once, at the end: all processes return the same. With `config.precision` bf16 the trunk
    multiplies in bfloat16; some of the batches are then read in float32 as well, and what changes
    is told on the terminal.

    Args:
        trunk: the trunk of the model, or its first depths.
        tokens: the text.
        decoders: what reads the states, by a name of the readout, such as `{"own_head":
            OwnHead(trunk)}`. A decoder without a `sweep`, any function from hidden states (D, N, H)
            to token ids (D, N), is only counted.
        config: which sequences and masks are used.
        measures: what is measured beside counts; `()` counts alone, which is faster.
        others: readers that are shown the states of the same pass and keep totals of their own.
        label: what the progress bar is called.

    Returns:
        Counts and measures at every depth, by the names of `decoders`.

    Raises:
        ValueError: if the model has fewer token ids or positions than the tokens need, if a masked
            language model is to read tokens without a mask token, or a causal one is to be masked
            (`hf_apt.data.measure_config.require_no_masks`), and in all processes if no position is
            asked, or if a decoder has no answer at a position: a logit is NaN, or the largest
            infinite.
    """
    require_fit(trunk.model, tokens)
    readers = {name: Decoded(trunk, decoder, measures) for name, decoder in decoders.items()}
    if predicts_next_tokens(trunk.model):
        require_no_masks(config)
        batches = next_tokens_asked(trunk, tokens, config, label=label)
    else:
        require_mask_token(tokens)
        batches = asked_batches(tokens, config, label=label)
    arithmetic = measuring_arithmetic(trunk, tokens, config.precision)
    rounded = _among(others) or AnswersChanged(trunk, decoders)
    compared = [rounded] if arithmetic.is_bfloat16 and rounded not in others else []
    read(trunk, batches, [*readers.values(), *others, *compared], arithmetic=arithmetic)
    if arithmetic.is_bfloat16:
        _tell_changes(rounded)
    read_off = totals(readers)
    for name, total in read_off.items():
        if problem := total.problem(name):
            raise ValueError(problem)
        _require_asked(total.readout, tokens, config)
    return {name: total.readout for name, total in read_off.items()}


def _among(readers: Sequence[Reader[Any]]) -> AnswersChanged | None:
    return next((each for each in readers if isinstance(each, AnswersChanged)), None)


def _tell_changes(rounded: AnswersChanged) -> None:
    """Say on the terminal what bfloat16 has changed."""
    from tqdm.auto import tqdm

    changes = totals({"changes": rounded})["changes"]
    if process_state().is_main_process:
        for name, changed in changes.of.items():
            tqdm.write(changed_sentence(name, changed.as_json()), sys.stderr)


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
    tokens: Tokens,
    config: MeasureConfig,
    *,
    masking: Masking | None = None,
    label: str = "Measuring",
) -> Iterator[AskedBatch]:
    """What this process asks of a model, batch by batch.

    Of several processes each has every k-th batch; the main one shows a progress bar. Positions,
    masks and numbers of sequences do not depend on their number; realisations of a sequence have
    its number. `masking` is another law than that of `config`.
    """
    from tqdm.auto import tqdm

    state = process_state()
    batches = MaskedBatches(tokens, config, masking)
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


def predicts_next_tokens(model: PreTrainedModel) -> bool:
    """Whether `measure` asks `model` for next tokens: one with logits, that is causal."""
    try:
        return is_causal(model)
    except ValueError:  # without logits, which decoders of others may not need
        return False


def next_tokens_asked(
    trunk: Trunk, tokens: Tokens, config: MeasureConfig, *, label: str = "Measuring"
) -> Iterator[AskedBatch]:
    """What this process asks of a causal model, batch by batch, shared as in `asked_batches`."""
    from tqdm.auto import tqdm

    state = process_state()
    batches = NextTokenBatches(tokens, config)
    share = (state.process_index, state.num_processes)
    progress = tqdm(
        desc=label,
        total=batches.num_tokens(*share),
        unit=" tokens",
        unit_scale=True,
        disable=not state.is_main_process,
    )
    with progress:
        for start, batch in batches.part(*share):
            ids_BT = batch["input_ids"]
            numbers_B = np.arange(start, start + len(ids_BT))
            yield labels_asked(batch, numbers_B, trunk, mask_id=None)
            progress.update(ids_BT.numel())


def require_fit(model: PreTrainedModel, tokens: Tokens) -> None:
    """Refuse tokens that a model cannot read.

    Raises ValueError if `model` has fewer token ids or positions than `tokens` need, or if `tokens`
    are none.
    """
    if not isinstance(tokens, Tokens):
        raise ValueError(
            f"tokens must be opened first, with hf_apt.Tokens(folder), got {tokens!r}."
        )
    needed = tokens.description
    require_room(model, needed.vocab_size, needed.sequence_length)


def require_masked_lm(trunk: Trunk, what: str) -> None:
    """Raise ValueError if `what`, which is fitted to fill masks, is asked of a causal model."""
    if predicts_next_tokens(trunk.model):
        raise ValueError(
            f"{type(trunk.model).__name__} predicts the next token and fills no masks: {what} is "
            "fitted at masked positions, so take a masked language model."
        )


def require_mask_token(tokens: Tokens) -> None:
    """Raise ValueError if `tokens` have no mask token to show to a masked language model."""
    if not isinstance(tokens.description.mask_id, int):
        raise ValueError(
            f"the tokens in {tokens.folder} have no mask token: write them with a tokenizer that "
            "has one."
        )
