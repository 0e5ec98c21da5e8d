"""How much memory tensors take at the most, as one operation after the other makes them."""

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of what operations have made; what they hold inside is not seen."""

    def __init__(self):
        super().__init__()
        self.now = self.peak = 0
        self._seen: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {id_of(each) for each in tree_leaves((args, kwargs)) if is_tensor(each)}
        result = func(*args, **(kwargs or {}))
        for each in tree_leaves(result):
            if is_tensor(each) and id_of(each) not in given | self._seen:
                self._count(each.untyped_storage())
        return result

    def _count(self, storage: torch.UntypedStorage) -> None:
        identity, num_bytes = storage._cdata, storage.nbytes()
        self._seen.add(identity)
        self.now += num_bytes
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._forget, identity, num_bytes)

    def _forget(self, identity: int, num_bytes: int) -> None:
        self._seen.discard(identity)
        self.now -= num_bytes


def is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)


def id_of(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage()._cdata


def peak_bytes(call: Callable[[], object]) -> int:
    """The most that was alive at once of what `call` made."""
    with LiveBytes() as live:
        call()
    return live.peak
