"""The answers of a model with all but some parts of a block silenced, its own head reading out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from hf_apt.analysis.experts.block_calls import WritingLayer
from hf_apt.analysis.experts.kept_parts import KeptParts, said_at
from hf_apt.data.measurement_batches import AskedBatch
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.sweep import NO_ANSWER
from hf_apt.depths.trunk import Trunk
from hf_apt.stats.experts.part_answers import PartAnswers

_ROWS = 1 << 25
"""Numbers of hidden states that are held at once, before they are decoded."""


def silenced_answers(
    trunk: Trunk,
    layer: WritingLayer,
    batches: Iterable[AskedBatch],
    choices: Mapping[str, Sequence[Tensor]],
    mean_I: Tensor | None = None,
) -> dict[str, PartAnswers]:
    """What the model answers where only some of a block's parts are kept, for every choice of them.

    One pass of the whole model for each batch, and for each choice the block and those above it
    again.

    Args:
        trunk: the whole trunk of a language model.
        layer: the layer that the parts write by.
        batches: what is asked.
        choices: by a name of the group, masks (I,) or directions (I, K) as
            `KeptParts.states` takes them.
        mean_I: what silenced numbers are set to; 0 if None.

    Returns:
        The answers by the names of the groups, a part for each choice; `whole` is the model as it
        is.

    Raises:
        ValueError: for logits that are not finite.
    """
    device = trunk.model.device
    kept_parts, head = KeptParts(trunk, layer, mean_I), OwnHead(trunk)
    flat = [choice.to(device) for group in choices.values() for choice in group]
    sizes = {"whole": 1} | {name: len(group) for name, group in choices.items()}
    vocab_size = trunk.model.config.vocab_size
    answers = {name: PartAnswers.empty(num, vocab_size) for name, num in sizes.items() if num}
    for batch in batches:
        inputs = {name: values.to(device) for name, values in batch.inputs.items()}
        ids_SN = torch.cat(
            [
                head(torch.stack(states))
                for states in _in_parts(kept_parts.states(inputs, batch.asked_BT, flat))
            ]
        )
        if bool((ids_SN == NO_ANSWER).any()):
            raise ValueError(
                f"{type(trunk.model).__name__} has no answer with parts of a block silenced: its "
                "logits are not finite. Take float32, or silence by the mean."
            )
        predictions_SN = ids_SN.cpu().numpy()
        start = 0
        for name, num in sizes.items():
            if num:
                answers[name].update(
                    batch.references_N,
                    predictions_SN[start : start + num],
                    batch.treatments_N,
                    batch.sequences_N,
                )
            start += num
    return answers


def _in_parts(states: Iterable[Tensor]) -> Iterable[list[Tensor]]:
    held: list[Tensor] = []
    for state_NH in states:
        held.append(state_NH)
        if sum(map(Tensor.numel, held)) >= _ROWS:
            yield held
            held = []
    if held:
        yield held


def mean_said(trunk: Trunk, layer: WritingLayer, batch: AskedBatch) -> Tensor:
    """What the parts say on average at the asked positions of one batch: shape (I,)."""
    device = trunk.model.device
    inputs = {name: values.to(device) for name, values in batch.inputs.items()}
    return said_at(trunk, layer, inputs, batch.asked_BT).mean(dim=0)
