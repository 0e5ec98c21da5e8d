"""What a batch with labels asks of a model."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int
from torch import Tensor, nn

from hf_apt.data.measurement_batches import AskedBatch
from hf_apt.depths.causality import is_causal
from hf_apt.stats.counts import NOT_ASKED, TREATMENTS

if TYPE_CHECKING:
    from hf_apt.depths.trunk import Trunk

_MASKED, _REPLACED, _UNCHANGED = range(len(TREATMENTS))


def labels_asked(
    batch: Mapping[str, Any],
    numbers_B: Sequence[int] | Int[np.ndarray, " rows"],
    trunk: Trunk,
    mask_id: int | None,
    label_names: Sequence[str] = (),
) -> AskedBatch:
    """What a labelled batch asks of a model.

    A masked LM is asked for the tokens under labels other than -100, a causal one for the next
    token at each position before such a label. The rows of the batch count as sequences, whose
    numbers in the text are `numbers_B`.

    Labels are the first column of `label_names` that has the shape of the `input_ids`, or else
    `labels`.

    A masked LM's positions are told apart by what they show: `mask_id`, the label itself, or
    something else. Without a `mask_id` they cannot be told apart, and all count as masked. A causal
    LM never sees the token in question: its positions all count as masked.

    Raises ValueError if the batch has no labels of the shape of its `input_ids`, or if one of these
    is outside the vocabulary, which an accelerator would not survive.
    """
    ids_BT, labels_BT = _ids_and_labels(batch, label_names)
    _refuse_unknown(ids_BT, trunk.model.config.vocab_size)
    causal = is_causal(trunk.model)
    if causal:
        labels_BT = nn.functional.pad(labels_BT[:, 1:], (0, 1), value=NOT_ASKED)
    asked_BT = labels_BT != NOT_ASKED
    references_N = labels_BT[asked_BT].numpy()
    shown_N = ids_BT[asked_BT].numpy()
    treatments_N = np.full(len(references_N), _MASKED, np.uint8)
    if not causal and mask_id is not None:
        treatments_N[shown_N == references_N] = _UNCHANGED
        treatments_N[(shown_N != references_N) & (shown_N != mask_id)] = _REPLACED
    known = inspect.signature(trunk.module.forward).parameters
    labels = {"labels", *label_names}
    return AskedBatch(
        inputs={name: v for name, v in batch.items() if name in known and name not in labels},
        asked_BT=asked_BT,
        references_N=references_N,
        sequences_N=np.asarray(numbers_B)[asked_BT.nonzero()[:, 0].numpy()],
        treatments_N=treatments_N,
    )


def _ids_and_labels(batch: Any, label_names: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Input ids and labels, of one shape, on the processor."""
    if not isinstance(batch, Mapping):
        raise ValueError(
            f"a batch is a {type(batch).__name__} and no dictionary with input_ids and labels."
        )
    ids_BT = batch.get("input_ids")
    if not isinstance(ids_BT, Tensor) or ids_BT.dim() != 2:
        raise ValueError(
            f"a batch has the columns {', '.join(map(str, batch))} and no input_ids of shape "
            "(rows, tokens): tokens are asked for where their ids stand."
        )
    for name in (*label_names, "labels"):
        labels_BT = batch.get(name)
        if isinstance(labels_BT, Tensor) and labels_BT.shape == ids_BT.shape:
            return ids_BT.cpu(), labels_BT.cpu()
    raise ValueError(
        f"a batch has the columns {', '.join(map(str, batch))} and no labels of the shape of "
        f"input_ids, {tuple(ids_BT.shape)}: give a collator that makes them, such as "
        "DataCollatorForLanguageModeling, or name their column in label_names of the "
        "TrainingArguments."
    )


def _refuse_unknown(ids_BT: Tensor, vocab_size: int) -> None:
    unknown = ids_BT[(ids_BT < 0) | (ids_BT >= vocab_size)]
    if len(unknown):
        raise ValueError(
            f"input id {int(unknown[0])} is outside the vocabulary of {vocab_size} tokens."
        )
