"""The ids of a run's sequences, put together when they are read from where datatrove wrote them.

Nothing is copied before: of a batch, the ids are looked up in memory-mapped files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Int, Integer

from hf_apt.data.sequences import Layout
from hf_apt.data.text_fingerprints import files_fingerprint
from hf_apt.data.token_sources.datatrove_files import mapped_ids
from hf_apt.data.token_sources.place_files import FILES, SHARDS
from hf_apt.reading import read_json

_COUNTED_AT_ONCE = 4096
"""Documents whose ids are counted at once."""

_REMEDY = "Restore it, or delete the folder and make it again."


class PlacedIds:
    """All ids of a run's sequences, one after the other; an array to index, take from and slice."""

    def __init__(self, folder: Path, layout: Layout, sequence_length: int, dtype: np.dtype):
        """Open a folder of `PlaceFiles`.

        Raises ValueError, with the file's name, for a file that is missing, changed or that does
        not fit the others.
        """
        self._folder = folder
        shards = _read_shards(folder / SHARDS)
        self.dtype = dtype
        """Type of the ids."""
        self._files = _ShardIds(shards["files"], folder)
        begins_D, ends_D = (_places(folder / name) for name in FILES[1:3])
        if len(begins_D) != len(ends_D):
            raise ValueError(
                f"{folder / FILES[2]} has {len(ends_D)} documents, and {FILES[1]} "
                f"{len(begins_D)}. {_REMEDY}"
            )
        self._begins_D, self._ends_D = begins_D, ends_D
        before, after = (np.asarray(shards[name], dtype) for name in ("before", "after"))
        separator = np.asarray(shards["separator"], dtype)
        nothing = np.empty(0, dtype)
        is_packed = layout == "packed"
        self._around = (nothing, separator) if is_packed else (before, after)
        """Ids before and after each document in the stream."""
        self._frame = (before, after) if is_packed else None
        """Ids before and after each piece of the stream; None where documents are the pieces."""
        self._length = sequence_length

    def __len__(self) -> int:
        stream = int(self._ends_D[-1]) if len(self._ends_D) else 0
        if self._frame is None:
            return stream
        return stream // self._room * self._length

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)

    def __getitem__(self, part: slice) -> Integer[np.ndarray, " ids"]:
        return self.take(np.arange(*part.indices(len(self))))

    def take(
        self, places: Int[np.ndarray, ...], mode: Literal["clip"] = "clip"
    ) -> Integer[np.ndarray, ...]:
        """The ids at `places`, in their shape; one past an end counts as that end.

        Raises ValueError, with the file's name, for a file of ids that is gone.
        """
        flat_N = np.clip(places.reshape(-1), 0, len(self) - 1)
        return self._framed(flat_N).reshape(places.shape)

    def frequency(self, vocab_size: int) -> Int[np.ndarray, " vocab"]:
        """Occurrences of each id, int64, counted document by document where they lie.

        Raises ValueError, with the folder's name, for an id outside the vocabulary.
        """
        frequency_V = np.zeros(vocab_size, np.int64)
        num_documents, stream = len(self._ends_D), int(self._ends_D[-1])
        for start in range(0, num_documents, _COUNTED_AT_ONCE):
            end = min(start + _COUNTED_AT_ONCE, num_documents)
            counts = np.bincount(self._bodies(start, end), minlength=vocab_size)
            if len(counts) > vocab_size:
                raise ValueError(
                    f"{self._folder} holds the id {len(counts) - 1}, and the vocabulary ends at "
                    f"{vocab_size - 1}: it was changed. {_REMEDY}"
                )
            frequency_V += counts
        _add(frequency_V, self._around, num_documents)
        if self._frame is not None:
            num_sequences = stream // self._room
            dropped = self._streamed(np.arange(num_sequences * self._room, stream))
            frequency_V -= np.bincount(dropped, minlength=vocab_size)
            _add(frequency_V, self._frame, num_sequences)
        return frequency_V

    def _bodies(self, start: int, end: int) -> Integer[np.ndarray, " ids"]:
        """The ids of the texts of some documents, one after the other."""
        ends_M = self._ends_D[start:end]
        first = self._ends_D[start - 1] if start else 0
        around = sum(map(len, self._around))
        lengths_M = np.diff(ends_M, prepend=first) - around
        return self._files.stretches(self._begins_D[start:end], lengths_M)

    @property
    def _room(self) -> int:
        before, after = self._frame or ((), ())
        return self._length - len(before) - len(after)

    def _framed(self, places_N: Int[np.ndarray, " N"]) -> Integer[np.ndarray, " N"]:
        if self._frame is None:
            return self._streamed(places_N)
        sequences_N, offsets_N = np.divmod(places_N, self._length)
        offsets_N = offsets_N - len(self._frame[0])
        is_text_N = (offsets_N >= 0) & (offsets_N < self._room)
        ids_N = np.empty(len(places_N), self.dtype)
        ids_N[is_text_N] = self._streamed((sequences_N * self._room + offsets_N)[is_text_N])
        _fill_around(ids_N, offsets_N, np.full(len(ids_N), self._room), self._frame)
        return ids_N

    def _streamed(self, places_N: Int[np.ndarray, " N"]) -> Integer[np.ndarray, " N"]:
        """The ids of the stream of documents."""
        before, after = self._around
        documents_N = self._documents(places_N)
        firsts_N = np.where(documents_N, self._ends_D[np.maximum(documents_N, 1) - 1], 0)
        offsets_N = places_N - firsts_N - len(before)
        rooms_N = self._ends_D[documents_N] - firsts_N - len(before) - len(after)
        is_text_N = (offsets_N >= 0) & (offsets_N < rooms_N)
        ids_N = np.empty(len(places_N), self.dtype)
        stored_N = (self._begins_D[documents_N] + offsets_N)[is_text_N]
        ids_N[is_text_N] = self._files.take(stored_N)
        _fill_around(ids_N, offsets_N, rooms_N, self._around)
        return ids_N

    def _documents(self, places_N: Int[np.ndarray, " N"]) -> Int[np.ndarray, " N"]:
        """The number of the document at each place; those of a stretch are sought among few."""
        lowest, highest = places_N.min(initial=len(self)), places_N.max(initial=0)
        first, last = np.searchsorted(self._ends_D, [lowest, highest], "right")
        return first + np.searchsorted(self._ends_D[first : last + 1], places_N, "right")


def _add(frequency_V: np.ndarray, around: tuple[np.ndarray, np.ndarray], times: int) -> None:
    for ids in around:
        np.add.at(frequency_V, ids, times)


def _fill_around(
    ids_N: np.ndarray,
    offsets_N: np.ndarray,
    rooms_N: np.ndarray,
    around: tuple[np.ndarray, np.ndarray],
) -> None:
    """Write the ids before (offset below 0) and after (from `rooms` on) into `ids_N`."""
    before, after = around
    is_before_N, is_after_N = offsets_N < 0, offsets_N >= rooms_N
    ids_N[is_before_N] = before[offsets_N[is_before_N] + len(before)]
    ids_N[is_after_N] = after[(offsets_N - rooms_N)[is_after_N]]


@dataclass(frozen=True)
class _Shard:
    path: Path
    token_size: int


class _ShardIds:
    """The ids of several files, one after the other."""

    def __init__(self, shards: Sequence[dict[str, Any]], folder: Path):
        self._shards = [_Shard(Path(each["path"]), each["token_size"]) for each in shards]
        self._firsts = np.cumsum([0, *(each["num_ids"] for each in shards)])
        for each in shards:
            _require_there(each, folder)

    def take(self, places_N: Int[np.ndarray, " N"]) -> Integer[np.ndarray, " N"]:
        """The ids at `places_N`."""
        files_N = np.searchsorted(self._firsts, places_N, "right") - 1
        ids_N = np.empty(len(places_N), np.uint32)
        for number in np.flatnonzero(np.bincount(files_N)).tolist():
            here_N = files_N == number
            ids_N[here_N] = self._opened(number)[places_N[here_N] - self._firsts[number]]
        return ids_N

    def stretches(
        self, begins_M: Int[np.ndarray, " M"], lengths_M: Int[np.ndarray, " M"]
    ) -> Integer[np.ndarray, " ids"]:
        """The ids of stretches, each within one file, one after the other."""
        files_M = np.searchsorted(self._firsts, begins_M, "right") - 1
        places = zip(files_M.tolist(), begins_M.tolist(), lengths_M.tolist(), strict=True)
        firsts = self._firsts.tolist()
        opened = {number: self._opened(number) for number in set(files_M.tolist())}
        return np.concatenate(
            [opened[at][begin - firsts[at] :][:length] for at, begin, length in places]
        )

    def _opened(self, number: int) -> np.ndarray:
        shard = self._shards[number]
        return np.asarray(mapped_ids(shard.path, shard.token_size))


def _require_there(shard: dict[str, Any], folder: Path) -> None:
    """Raise ValueError unless the file is as it was when `folder` was made of it.

    What has its size and date is taken as it was; of another date, the contents are read.
    """
    path = Path(shard["path"])
    try:
        status = path.stat()
    except OSError as error:
        raise ValueError(
            f"{path}, which {folder} was made of, cannot be read ({error.strerror}): restore it, "
            "or delete the folder and name the tokens where they are."
        ) from None
    is_as_big = status.st_size == shard["num_ids"] * shard["token_size"]
    is_as_old = status.st_mtime_ns == shard["modified"]
    if is_as_big and (is_as_old or files_fingerprint([path]) == shard["fingerprint"]):
        return
    raise ValueError(
        f"{path} was changed since {folder} was made of it: restore it, or delete the folder and "
        "make it again."
    )


def _read_shards(path: Path) -> dict[str, Any]:
    content = read_json(path)
    names = {"path", "token_size", "num_ids", "modified", "fingerprint"}
    try:
        known = {*content} == {"files", "before", "after", "separator"}
        known = known and all({*file} == names for file in content["files"])
    except TypeError:
        known = False
    if not known:
        raise ValueError(f"{path} names no files of token ids: it was changed. {_REMEDY}")
    return content


def _places(path: Path) -> np.ndarray:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}). {_REMEDY}") from None
    if size % 8 or not size:
        raise ValueError(f"{path} has {size} bytes, no whole numbers of 8. {_REMEDY}")
    return np.asarray(np.memmap(path, mode="r", dtype="<i8"))
