"""The rows of a stream in the order in which the workers of a DataLoader would serve them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from torch.utils.data._utils import worker as torch_worker


class StreamReader:
    """Reads the batches of a stream, as the workers of a DataLoader would, in turn.

    Args:
        stream: an `IterableDataset`, which may ask which worker it is read by.
        batch_size: largest number of rows of a batch.
        num_workers: workers that read the stream, each from its beginning; 0 stands for none.
    """

    def __init__(self, stream: Any, batch_size: int, num_workers: int):
        self.stream, self.batch_size, self.num_workers = stream, batch_size, num_workers
        self._iterators: dict[int, Iterator[Any]] = {}
        self._left = list(range(max(num_workers, 1)))
        self._turn = 0

    def rows(self) -> list[Any] | None:
        """Read one batch further.

        Returns:
            The rows of the next batch, fewer at a worker's end; None when no worker has any left.
        """
        while self._left:
            worker = self._left[self._turn % len(self._left)]
            with self._as_worker(worker):
                if worker not in self._iterators:
                    self._iterators[worker] = iter(self.stream)
                rows = list(islice(self._iterators[worker], self.batch_size))
            if rows:
                self._turn = self._turn % len(self._left) + 1
                return rows
            place = self._left.index(worker)
            self._left.remove(worker)
            self._turn = place
        return None

    @contextmanager
    def _as_worker(self, worker: int) -> Iterator[None]:
        """Within the block `torch.utils.data.get_worker_info` tells a stream of this worker."""
        before = torch_worker._worker_info
        if self.num_workers:
            torch_worker._worker_info = torch_worker.WorkerInfo(
                id=worker, num_workers=self.num_workers, seed=worker, dataset=self.stream
            )
        try:
            yield
        finally:
            torch_worker._worker_info = before
