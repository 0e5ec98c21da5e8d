"""One forward pass over batches that ask for tokens, counted at every depth by every decoder."""
# B batch, T sequence position, N asked positions, D depths.

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from torch import Tensor

from hf_apt.data.measurement_batches import AskedBatch
from hf_apt.depths.trunk import Trunk
from hf_apt.models.devices import process_state
from hf_apt.stats.counts import DepthCounts

_Part = TypeVar("_Part")
Decoder = Callable[[Tensor], Tensor]
"""From hidden states (D, N, H) to predicted token ids (D, N)."""


def count(
    trunk: Trunk, batches: Iterable[AskedBatch], decoders: Mapping[str, Decoder]
) -> dict[str, DepthCounts]:
    """The counts of every decoder by its name, over the batches of this process alone.

    A batch is counted while a graphics card is at the next one.
    """
    device = trunk.model.device
    vocab_size = trunk.model.config.vocab_size
    counts = {name: DepthCounts.empty(trunk.num_depths, vocab_size) for name in decoders}

    def add(batch: AskedBatch, predictions: dict[str, Tensor]) -> None:
        for name, predictions_DN in predictions.items():
            answered_DN = predictions_DN.cpu().numpy()
            counts[name].update(batch.references_N, answered_DN, batch.treatments_N)

    waiting: tuple[AskedBatch, dict[str, Tensor]] | None = None
    for batch in batches:
        inputs = {
            name: values.to(device, non_blocking=True) for name, values in batch.inputs.items()
        }
        hidden_DNH = trunk.at(inputs, batch.asked_BT)
        answered = {name: decode(hidden_DNH) for name, decode in decoders.items()}
        if waiting is not None:
            add(*waiting)
        waiting = batch, answered
    if waiting is not None:
        add(*waiting)
    return counts


def summed(own: dict[str, _Part], add: Callable[[Sequence[_Part]], _Part]) -> dict[str, _Part]:
    """What `add` makes of all processes' parts, by name, the same in each: one collective call."""
    from accelerate.utils import gather_object

    if process_state().num_processes == 1:
        return own
    parts = gather_object([own])
    return {name: add([part[name] for part in parts]) for name in own}
