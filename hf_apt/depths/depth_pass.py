"""One forward pass over batches that ask for tokens, read by any number of readers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import reduce
from typing import Any, Protocol, Self, TypeVar

from torch import Tensor

from hf_apt.arithmetic.arithmetic import Arithmetic
from hf_apt.data.measurement_batches import AskedBatch
from hf_apt.depths.trunk import Trunk
from hf_apt.models.devices import process_state

TORCH_ARITHMETIC = Arithmetic()
"""float32 in torch's own way."""


class Mergeable(Protocol):
    """What a reader adds up: its totals over parts of the batches can be put together."""

    def merge(self, other: Self) -> Self:
        """This total and `other`, which is of other batches."""
        ...


T = TypeVar("T", bound=Mergeable, covariant=True)


class Reader(Protocol[T]):
    """Anything that is shown the hidden states of every batch.

    What is read off a decoder's answers needs no reader of its own: it is a measure
    (`hf_apt.stats.measures.measure`), and all measures share the reader
    `hf_apt.depths.decoded.Decoded`. A reader is for what needs the hidden states themselves.
    """

    @property
    def total(self) -> T:
        """What was added up so far, over the batches of this process; it can be pickled."""
        ...

    def update(self, batch: AskedBatch, hidden_DNH: Tensor) -> Callable[[], None] | None:
        """Read a batch; what may wait until the device is at the next batch is returned."""
        ...


def read(
    trunk: Trunk,
    batches: Iterable[AskedBatch],
    readers: Iterable[Reader[Any]],
    *,
    arithmetic: Arithmetic = TORCH_ARITHMETIC,
) -> None:
    """Show the hidden states of each batch, from one forward pass of `trunk`, to every reader.

    They are those of `trunk.at`, and for a reader with a true `reads_bare` those that it leaves
    bare.

    The trunk multiplies by `arithmetic`; states have the type of the model's weights all the same,
    and what readers do with them is in that type. A batch is added up on the processor while a
    graphics card is at the next one.
    """
    device = trunk.model.device
    readers = list(readers)
    waiting: list[Callable[[], None] | None] = []
    with _closed(batches):
        for batch in batches:
            inputs = {
                name: values.to(device, non_blocking=True) for name, values in batch.inputs.items()
            }
            with arithmetic.applied(), arithmetic.autocast(device.type):
                bare_DNH = trunk.at(inputs, batch.asked_BT, bare=True)
            bare_DNH = bare_DNH.to(trunk.model.dtype)
            hidden_DNH = trunk.normalised(bare_DNH)
            begun = [
                reader.update(batch, bare_DNH if _reads_bare(reader) else hidden_DNH)
                for reader in readers
            ]
            _finish(waiting)
            waiting = begun
    _finish(waiting)


def _reads_bare(reader: Reader[Any]) -> bool:
    return getattr(reader, "reads_bare", False)


@contextmanager
def _closed(batches: Iterable[AskedBatch]) -> Iterator[None]:
    """After the block a generator is closed, so that its progress bar ends before an error is said.

    What is no generator stays as it is.
    """
    try:
        yield
    finally:
        if isinstance(batches, Generator):
            batches.close()


def totals(readers: Mapping[str, Reader[T]]) -> dict[str, T]:
    """The totals of all processes by the readers' names, the same in each: one collective call."""
    own = {name: reader.total for name, reader in readers.items()}
    if process_state().num_processes == 1:
        return own
    from accelerate.utils import gather_object

    parts = gather_object([own])
    return {name: reduce(lambda a, b: a.merge(b), [part[name] for part in parts]) for name in own}


def _finish(waiting: list[Callable[[], None] | None]) -> None:
    for add in filter(None, waiting):
        add()
