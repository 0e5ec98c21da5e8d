"""What goes into every normalisation of an encoder, and what comes out, told by its blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True)
class Place:
    """One call of a normalisation in a forward pass."""

    block: int
    """The block that it is in, from 1; 0 before the first one, and the number of blocks plus 1
    after the last."""

    name: str
    """What the module is called in its block, or in the model outside of blocks."""


Seen = Callable[[Place, Tensor, Tensor], None]
"""Is shown a place, and the states (B, T, H) before and after it."""


class Normalisations:
    """The normalisations of an encoder, and the blocks in which they are called.

    A normalisation is a module whose class is named after one, such as LayerNorm or RMSNorm, and
    that gives states of the shape of those that it is given. Blocks are the modules of the list of
    blocks; where one is called several times, as ALBERT's is, each call is a block.

    Args:
        model: an encoder of transformers, or a model with a head on one.

    Raises:
        ValueError: for a model without a list of blocks that hold normalisations.
    """

    def __init__(self, model: nn.Module):
        self._blocks = _blocks_of(model)
        self._names = {block: name for name, block in self._blocks.items()}
        self._norms: dict[nn.Module, str] = {}
        for name, module in model.named_modules():
            if _is_norm(module) and module not in self._norms:
                self._norms[module] = self._short(name)
        self._block = 0
        self._is_inside = False

    @property
    def num_blocks(self) -> int:
        """Blocks that were called in the latest pass."""
        return self._block

    def _short(self, name: str) -> str:
        """The name below the block that it is in."""
        above = [block for block in self._blocks if name.startswith(f"{block}.")]
        return name[len(above[0]) + 1 :] if above else name

    @contextmanager
    def seen_by(self, seen: Seen, width: int) -> Iterator[None]:
        """Within the context, `seen` is shown every normalisation of states of this width."""
        self._block, self._is_inside = 0, False

        def begins(*_: Any) -> None:
            self._block, self._is_inside = self._block + 1, True

        def ends(*_: Any) -> None:
            self._is_inside = False

        def normalises(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
            given = next(
                (each for each in (*args, *kwargs.values()) if _is_state(each, width)), None
            )
            if given is None or not _is_state(output, width) or output.shape != given.shape:
                return
            outside = 0 if self._block == 0 else self._block + 1
            block = self._block if self._is_inside else outside
            seen(Place(block, self._norms[module]), given, output)

        with ExitStack() as stack:
            for block in self._blocks.values():
                stack.callback(block.register_forward_pre_hook(begins).remove)
                stack.callback(block.register_forward_hook(ends).remove)
            for norm in self._norms:
                hook = norm.register_forward_hook(normalises, with_kwargs=True)
                stack.callback(hook.remove)
            yield


def _blocks_of(model: nn.Module) -> dict[str, nn.Module]:
    """The blocks, by their names: of the outermost list whose members hold most normalisations."""
    lists = [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList) and not any(map(str.isdigit, name.split(".")))
    ]
    held = [
        (sum(_is_norm(below) for block in blocks for below in block.modules()), name, blocks)
        for name, blocks in lists
        if not any(_is_norm(block) for block in blocks)
    ]
    num, name, blocks = max(held, key=lambda each: each[0], default=(0, "", ()))
    if not num:
        raise ValueError(
            f"{type(model).__name__} has no list of blocks with normalisations: give an encoder "
            "such as BERT, RoBERTa, ALBERT or ModernBERT."
        )
    return {f"{name}.{at}": block for at, block in enumerate(blocks)}


def _is_norm(module: nn.Module) -> bool:
    return "norm" in type(module).__name__.lower() and not any(module.children())


def _is_state(value: Any, width: int) -> bool:
    return isinstance(value, Tensor) and value.dim() == 3 and value.shape[-1] == width
