"""Fingerprints of files and of checkpoints: the first 16 hexadecimal digits of a SHA-256."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hf_apt.file_digests import sha256
from hf_apt.reading import read_json
from hf_apt.records.checkpoints import cached_folder, checkpoint_path, commit_of
from hf_apt.stats.counts import DepthCounts

SAYS_NOTHING = (
    *("_name_or_path", "transformers_version", "dtype", "torch_dtype", "architectures"),
    "auto_map",
)
"""Keys of a model's configuration that change none of its answers."""

_OF_THE_BASE = ("base_model_name_or_path", "revision")
_OF_PEFT = ("peft_version", "inference_mode", *_OF_THE_BASE)
"""Keys of an adapter's configuration that change none of its answers, or are looked at apart."""

_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_ADAPTERS = ("adapter_model.safetensors", "adapter_model.bin")


def file_fingerprint(path: Path) -> str:
    """The fingerprint of a file's content."""
    return sha256(path)[:16]


def content_fingerprint(path: Path) -> str:
    """The fingerprint of what a JSON file says, however it is written.

    Raises ValueError, with the file's name, if it is not valid JSON.
    """
    return _of_content(read_json(path))


def counts_fingerprint(counts: DepthCounts) -> str:
    """The fingerprint of counts, whatever file they are from."""
    digest = hashlib.sha256(str(counts.vocab_size).encode())
    for pair_counts in itertools.chain.from_iterable(counts.pairs):
        for array in (pair_counts.keys, pair_counts.counts):
            digest.update(f"{array.dtype} {array.shape}".encode() + array.tobytes())
    return digest.hexdigest()[:16]


def checkpoint_identity(checkpoint: str) -> dict[str, Any]:
    """The fingerprints of a checkpoint: of its `weights` and of its `model_config`.

    Both are None if it is neither a local folder nor in the cache of the Hub's files.
    """
    return {
        "weights": weights_fingerprint(checkpoint),
        "model_config": config_fingerprint(checkpoint),
    }


def recorded_identity(checkpoint: str) -> dict[str, Any]:
    """What `checkpoint_identity` gives, and the commit of a checkpoint of the Hub as `revision`."""
    commit = commit_of(checkpoint)
    return checkpoint_identity(checkpoint) | ({"revision": commit} if commit else {})


def is_same_checkpoint(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two records, each with what `checkpoint_identity` gives, are of the same checkpoint.

    They are not if the weights of one are unknown. Configurations are compared where both records
    have one.
    """
    configs = {record.get("model_config") for record in (one, other)} - {None}
    return one.get("weights") == other.get("weights") is not None and len(configs) < 2


def require_still_the_same(checkpoint: str, identity: Mapping[str, Any]) -> None:
    """Raise ValueError unless a checkpoint has the `identity` that it had when it was read.

    That is what `recorded_identity` gave then.
    """
    if recorded_identity(checkpoint) != identity:
        raise ValueError(
            f"{checkpoint} was changed while it was measured: give the command again when nothing "
            "writes there."
        )


def weights_fingerprint(checkpoint: str) -> str | None:
    """The fingerprint of a checkpoint's weights in any form of file; None if they are not here.

    That of a single file is the file's own. Shards are those that the index names; to an adapter's
    weights belong those of the model that it was made for.

    Raises ValueError, with the file's name, for a folder that lacks a shard, and for an adapter of
    no other model.
    """
    folder = _folder_of(checkpoint)
    if folder is None:
        return None
    for name in _ADAPTERS:
        if (folder / name).exists():
            base = weights_fingerprint(_base_of(folder))
            return _together([file_fingerprint(folder / name), str(base)])
    for name in _WEIGHTS:
        if (folder / name).exists():
            return file_fingerprint(folder / name)
        index = folder / f"{name}.index.json"
        if index.exists():
            shards = [folder / shard for shard in _shards(index)]
            missing = [shard.name for shard in shards if not shard.exists()]
            if missing and not Path(checkpoint_path(checkpoint)).expanduser().is_dir():
                return None  # not yet downloaded
            if missing:
                raise ValueError(f"{index} names {missing[0]}, which is missing: restore it.")
            return _together([file_fingerprint(shard) for shard in shards])
    return None


def config_fingerprint(checkpoint: str) -> str | None:
    """The fingerprint of a checkpoint's configuration; None if it is not here.

    Left out is what changes no answer, such as the version of transformers. To an adapter's
    configuration belongs that of the model that it was made for.
    """
    folder = _folder_of(checkpoint)
    if folder is None:
        return None
    if (folder / "adapter_config.json").exists():
        adapted = _adapted(folder)
        base = config_fingerprint(_base_of(folder))
        own = {name: _unordered(value) for name, value in adapted.items() if name not in _OF_PEFT}
        return _together([_of_content(own), base or str([adapted.get(n) for n in _OF_THE_BASE])])
    if not (folder / "config.json").exists():
        return None
    content = read_json(folder / "config.json")
    if isinstance(content, dict):
        content = {name: content[name] for name in content if name not in SAYS_NOTHING}
    return _of_content(content)


def _folder_of(checkpoint: str) -> Path | None:
    """The folder of a checkpoint: a local one, or that of what was last read from the Hub."""
    folder = Path(checkpoint_path(checkpoint)).expanduser()
    return folder if folder.is_dir() else cached_folder(checkpoint)


def _adapted(folder: Path) -> dict[str, Any]:
    content = read_json(folder / "adapter_config.json")
    return content if isinstance(content, dict) else {}


def _base_of(folder: Path) -> str:
    """The checkpoint that the adapter in `folder` was made for."""
    base = _adapted(folder).get("base_model_name_or_path")
    if not isinstance(base, str) or not base or Path(base).absolute() == folder.absolute():
        raise ValueError(
            f"{folder / 'adapter_config.json'} names no other model that the adapter is for "
            f"(base_model_name_or_path is {base!r}): restore it."
        )
    return base


def _unordered(value: Any) -> Any:
    """Names in any order are the same set to peft."""
    is_names = isinstance(value, list) and all(isinstance(each, str) for each in value)
    return sorted(value) if is_names else value


def _shards(index: Path) -> list[str]:
    """The names of the files that an index of shards names."""
    places = read_json(index)
    places = places.get("weight_map") if isinstance(places, dict) else None
    if not isinstance(places, dict) or not places:
        raise ValueError(f"{index} is no index of weights: it has no weight_map. Restore it.")
    return sorted({str(name) for name in places.values()})


def _of_content(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _together(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
