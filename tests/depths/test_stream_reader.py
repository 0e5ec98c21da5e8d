"""A stream's rows come as a DataLoader of as many workers serves them."""

import pytest
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from hf_apt.depths.stream_reader import StreamReader


class Shared(IterableDataset):
    """Numbers up to `size`, of which each worker has its own; the later, the more."""

    def __init__(self, size: int):
        self.size = size

    def __iter__(self):
        worker = get_worker_info()
        if worker is None:
            return iter(range(self.size))
        own = [row for row in range(self.size) if int(row**0.5) % worker.num_workers == worker.id]
        return iter(own)


def read_all(reader: StreamReader) -> list[list[int]]:
    return list(iter(reader.rows, None))


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize(
    ("size", "batch_size", "num_workers"),
    [(7, 3, 0), (7, 3, 1), (23, 3, 2), (9, 1, 3), (2, 2, 3), (0, 2, 2)],
)
def test_batches_are_those_of_a_data_loader(size, batch_size, num_workers) -> None:
    stream = Shared(size)
    loader = DataLoader(stream, batch_size, num_workers=num_workers, collate_fn=list)
    assert read_all(StreamReader(stream, batch_size, num_workers)) == list(loader)


def test_two_workers_take_turns_until_one_has_no_more() -> None:
    """Of 0-9 the first worker has 0, 4-8, the second 1-3, 9: known by hand."""
    batches = read_all(StreamReader(Shared(10), batch_size=2, num_workers=2))
    assert batches == [[0, 4], [1, 2], [5, 6], [3, 9], [7, 8]]


def test_no_worker_is_left_in_place_even_by_a_stream_that_fails() -> None:
    class Failing(IterableDataset):
        def __iter__(self):
            info = get_worker_info()
            assert info is not None
            assert (info.id, info.num_workers) == (0, 2)
            raise OSError("gone")
            yield

    with pytest.raises(OSError, match="gone"):
        StreamReader(Failing(), batch_size=2, num_workers=2).rows()
    assert get_worker_info() is None
