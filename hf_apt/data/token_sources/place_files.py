"""Where the documents of a run lie in files of datatrove, in two files that grow at the end.

`begins.bin` holds where each document's text begins among the ids of all files; `ends.bin` where
the document ends in the run's own stream, separators or special ids around it included. Both are
int64. `shards.json` names the files, and how sequences are made of the stream.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import numpy as np

from hf_apt.atomic import writing
from hf_apt.data.sequence_files import Mark, cut_back
from hf_apt.data.text_counts import TextCounts
from hf_apt.data.text_fingerprints import files_fingerprint
from hf_apt.data.token_sources.datatrove_files import TokenFile
from hf_apt.data.token_sources.id_cutter import PlaceCutter

SHARDS = "shards.json"
"""Name of the file that names the files of ids."""

FILES = (SHARDS, "begins.bin", "ends.bin", "starts.npy")
"""Names of all files that take the place of the ids."""

_PLACE = np.dtype("<i8")


class PlaceFiles:
    """Places of documents, appended as `SequenceFiles` appends sequences.

    Both files are cut back to `mark`. Raises ValueError if they are shorter than that. Memory: what
    was appended since the last flush.
    """

    def __init__(
        self, folder: Path, files: Sequence[TokenFile], cutter: PlaceCutter, mark: Mark | None
    ):
        mark = mark or Mark()
        self._num_documents, self._end = mark.num_sequences, mark.num_tokens
        self.waiting: list[int] = []
        """Always empty: a document's ids wait where they lie."""
        self.text = TextCounts(**mark.text)
        """What was read, for `PlaceCutter.cut`."""
        self._cutter = cutter
        size = mark.num_sequences * _PLACE.itemsize
        self._begins, self._ends = (cut_back(folder / name, size) for name in FILES[1:3])
        self._ends_path = folder / FILES[2]
        with writing(folder / SHARDS) as file:
            json.dump(_shards(files, cutter), file, indent=1)

    def append(self, places: Iterable[Any]) -> None:
        """Add documents, each a `Place`, at the end."""
        cutter = self._cutter
        around = len(cutter.separator)
        if cutter.layout == "first":
            around = len(cutter.before) + len(cutter.after)
        begins, ends = [], []
        for begin, length in places:
            self._end += length + around
            begins.append(begin)
            ends.append(self._end)
        self._begins.write(np.asarray(begins, _PLACE).tobytes())
        self._ends.write(np.asarray(ends, _PLACE).tobytes())
        self._num_documents += len(begins)

    @property
    def num_sequences(self) -> int:
        """Number of sequences that the documents fill."""
        if self._cutter.layout == "first":
            return self._num_documents
        return self._end // self._cutter.room

    @property
    def num_tokens(self) -> int:
        """Number of ids in these sequences."""
        if self._cutter.layout == "first":
            return self._end
        return self.num_sequences * self._cutter.length

    @property
    def num_waiting(self) -> int:
        """Number of ids after the last full sequence."""
        return 0 if self._cutter.layout == "first" else self._end % self._cutter.room

    def mark(self) -> Mark:
        """The present contents, all of them flushed to disk: documents, and ids of the stream."""
        for file in (self._begins, self._ends):
            file.flush()
            os.fsync(file.fileno())
        return Mark(num_sequences=self._num_documents, num_tokens=self._end, text=asdict(self.text))

    def starts(self) -> np.ndarray:
        """Where each sequence starts, and where the last one ends, int64."""
        if self._cutter.layout == "packed":
            return np.arange(self.num_sequences + 1, dtype=np.int64) * self._cutter.length
        self._ends.flush()
        return np.concatenate([np.zeros(1, np.int64), np.fromfile(self._ends_path, _PLACE)])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._begins.close()
        self._ends.close()


def _shards(files: Sequence[TokenFile], cutter: PlaceCutter) -> dict[str, Any]:
    return {
        "files": [_shard(file) for file in files],
        "before": cutter.before,
        "after": cutter.after,
        "separator": cutter.separator,
    }


def _shard(file: TokenFile) -> dict[str, Any]:
    status = file.path.stat()
    return {
        "path": str(file.path.resolve()),
        "token_size": file.token_size,
        "num_ids": file.num_ids,
        "modified": status.st_mtime_ns,
        "fingerprint": files_fingerprint([file.path]),
    }
