"""Whether a checkpoint's configuration fits its files of weights, before a model is built of it.

A configuration is a few bytes, and a model of the sizes that it says can be larger than any memory:
to build it would end the process. What the weights can hold is told by their files' heads alone.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hf_apt.reading import read_json

_BLOCKS = ("num_hidden_layers", "n_layers", "n_layer", "num_layers", "conv_layers")
_WIDTHS = ("hidden_size", "d_model", "dim", "n_embd")
_INNER = ("intermediate_size", "hidden_dim", "d_ff", "n_inner")
_HEADS = ("num_attention_heads", "n_heads", "n_head", "num_heads")
_POSITIONS = ("max_position_embeddings", "n_positions")
_SIZES = (
    *_WIDTHS,
    *_INNER,
    "vocab_size",
    "embedding_size",
    "type_vocab_size",
    "num_labels",
    *_HEADS,
)
_SECOND = {
    "n_positions": "max_position_embeddings",
    **dict.fromkeys(("hidden_dim", "d_ff", "n_inner"), "intermediate_size"),
}
"""Names that are read only by models that do not have the other one."""
_SHARED = 1000
"""Blocks at most of a model whose blocks have the same weights (ALBERT)."""
_PICKLED_BLOCK = 1000
"""Bytes that a block takes in a pickle at least, the names of its weights included."""
_LARGEST_HEAD = 100_000_000
"""Bytes of the head of a file of safetensors at most, as that format has it."""


@dataclass(frozen=True)
class WeightsFiles:
    """What the files of a checkpoint's weights can hold at most."""

    num_weights: int
    """Number of single weights."""

    num_blocks: int
    """Number of blocks of weights of their own."""

    longest: int
    """Longest side of a tensor."""

    num_positions: int | None
    """Rows of the table of positions; None where there is none, or where it is not known."""


def require_weights_of_size(folder: str) -> None:
    """Raise ValueError if the `config.json` in `folder` says a larger model than the weights hold.

    Read are the configuration and the heads of the files of weights. A folder without weights, one
    that is not there, and files that are broken otherwise are left to their reader.
    """
    place = Path(folder).expanduser()
    try:
        config = read_json(place / "config.json")
        weights = weights_files(place)
    except Exception:  # files can be broken in any way, and their reader says how
        return
    if weights is None or not isinstance(config, dict):
        return
    members = config.get("members")
    for one in (config, *(members if isinstance(members, list) else ())):
        if isinstance(one, dict):
            _require_fit(one, weights, place / "config.json")


def weights_files(folder: Path) -> WeightsFiles | None:
    """What the weights in `folder` hold, by the heads of their files; None if there are none.

    Files that are broken raise what they happen to hit.
    """
    for name in ("model.safetensors", "pytorch_model.bin"):
        files = [folder / name] if (folder / name).is_file() else []
        if (folder / f"{name}.index.json").is_file() and not files:
            index = read_json(folder / f"{name}.index.json")
            files = [folder / Path(each).name for each in set(index["weight_map"].values())]
        if files and name.endswith(".safetensors"):
            return _of_shapes({key: s for file in files for key, s in tensor_shapes(file).items()})
        if files:
            size = sum(file.stat().st_size for file in files)
            return WeightsFiles(size, size // _PICKLED_BLOCK, size, None)
    return None


def tensor_shapes(file: Path) -> dict[str, list[int]]:
    """The shapes of the tensors in a file of safetensors, by name.

    Files that are broken raise what they happen to hit.
    """
    with file.open("rb") as opened:
        size = int.from_bytes(opened.read(8), "little")
        if size > _LARGEST_HEAD:
            raise ValueError("it is no file of safetensors")
        head = json.loads(opened.read(size))
    return {key: entry["shape"] for key, entry in head.items() if key != "__metadata__"}


def _of_shapes(shapes: dict[str, list[int]]) -> WeightsFiles:
    numbers = [int(digits) for key in shapes for digits in re.findall(r"\.(\d+)(?=\.)", key)]
    tables = [
        shape[0]
        for key, shape in shapes.items()
        if key.endswith(("position_embeddings.weight", "wpe.weight")) and shape
    ]
    return WeightsFiles(
        num_weights=sum(math.prod(shape) for shape in shapes.values()),
        num_blocks=max(numbers) + 1 if numbers else len(shapes),
        longest=max((side for shape in shapes.values() for side in shape), default=0),
        num_positions=max(tables, default=None),
    )


def _require_fit(config: dict[str, Any], weights: WeightsFiles, file: Path) -> None:
    # Names of other families stand in some files, and nobody reads them.
    config = {name: config[name] for name in config if _SECOND.get(name) not in config}
    shares = "num_hidden_groups" in config
    most_blocks = _SHARED if shares else 2 * weights.num_blocks
    limits = {
        **dict.fromkeys(_BLOCKS, most_blocks),
        **dict.fromkeys(_SIZES, weights.longest),
        **dict.fromkeys(_POSITIONS, weights.num_positions),
    }
    for name, limit in limits.items():
        value = config.get(name)
        if limit is not None and _is_size(value) and value > limit:
            raise ValueError(
                f"{file} says {name} {value}, and the weights beside it have room for {limit} at "
                "most: the two do not belong together; fetch the checkpoint again."
            )
    width = _largest(config, _WIDTHS)
    blocks = 1 if shares else max(_largest(config, _BLOCKS), 1)
    embedded = min(_largest(config, ("embedding_size",)) or width, width)
    implied = max(
        blocks * width * max(_largest(config, _INNER), width),
        _largest(config, ("vocab_size",)) * embedded,
    )
    if implied > 2 * weights.num_weights:
        raise ValueError(
            f"{file} says a model of {implied} weights at least, and the files beside it hold "
            f"{weights.num_weights}: the two do not belong together; fetch the checkpoint again."
        )


def _largest(config: dict[str, Any], names: tuple[str, ...]) -> int:
    return max((config[name] for name in names if _is_size(config.get(name))), default=0)


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
