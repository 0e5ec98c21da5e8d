"""Laws of streamed corpora: every document once, in an order that any place goes on from."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_apt.data.corpora import open_corpus
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.held_out import SplitByHash
from hf_apt.data.streamed_shards import Shards

SIZES = [37, 2, 1, 50, 12, 50, 9, 50, 50, 3, 41, 44, 50, 5]
"""Rows in each of 14 shards: more than are open at a time, of very different sizes."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    for shard, size in enumerate(SIZES):
        # Every ninth row has no text.
        texts = [f"shard {shard} row {row}" if row % 9 else None for row in range(size)]
        table = pa.table({"id": list(range(size)), "text": pa.array(texts, pa.string())})
        pq.write_table(table, folder / f"{shard:02}.parquet", row_group_size=7)
    return folder


def shards(folder: Path, *, seed: int = 3, block_size: int = 20) -> Shards:
    """The files, streamed, as a Hub data set is."""
    from datasets import load_dataset

    files = [str(path) for path in sorted(folder.glob("*.parquet"))]
    streamed = load_dataset("parquet", data_files=files, split="train", streaming=True)
    return Shards(
        dataset=streamed.select_columns(["text"]), column="text", seed=seed, block_size=block_size
    )


def everything() -> list[str]:
    return [
        f"shard {shard} row {row}"
        for shard, size in enumerate(SIZES)
        for row in range(size)
        if row % 9
    ]


@pytest.mark.parametrize("block_size", [1, 20, 10_000])
def test_every_document_is_read_once(block_size, folder):
    blocks = list(shards(folder, block_size=block_size).blocks())
    texts = [text for block in blocks for text in block.texts]
    assert sorted(texts) == sorted(everything())
    assert texts != everything()
    assert len(blocks) == -(-sum(SIZES) // block_size)


@pytest.mark.parametrize("block_size", [pytest.param(4, marks=pytest.mark.slow), 20, 150])
def test_any_place_goes_on_with_the_same_documents(block_size, folder):
    """Through JSON and a new data set, as in another process."""
    blocks = list(shards(folder, block_size=block_size).blocks())
    assert len(blocks) >= 3
    for number, block in enumerate(blocks):
        place = json.loads(json.dumps(block.place))
        rest = list(shards(folder, block_size=block_size).blocks(place))
        assert [it.texts for it in rest] == [it.texts for it in blocks[number + 1 :]]


def test_a_place_that_was_gone_on_from_can_be_gone_on_from_again(folder):
    """Killed after every block; at times before a shard was read that had been open."""
    place = None
    for expected in shards(folder, block_size=4).blocks():
        block = next(shards(folder, block_size=4).blocks(place))
        assert block.texts == expected.texts
        place = json.loads(json.dumps(block.place))
    assert list(shards(folder, block_size=4).blocks(place)) == []


def test_the_order_is_the_seeds(folder):
    one, again, other = (
        [text for block in shards(folder, seed=seed).blocks() for text in block.texts]
        for seed in (1, 1, 2)
    )
    assert one == again
    assert one != other


def test_the_first_block_is_of_ten_shards(folder):
    """Of a corpus whose files are sorted, a small part is not the beginning of one file."""
    first = next(shards(folder).blocks())
    assert len({text.split()[1] for text in first.texts}) >= 6


def test_a_streamed_corpus_goes_on_in_the_middle_of_a_limit(folder):
    def sides() -> SplitByHash:
        return SplitByHash(
            name="c",
            documents=shards(folder),
            share=0.2,
            max_train=100,
            max_validation=15,
        )

    blocks = list(sides().blocks())
    assert sum(len(block.train) for block in blocks) == 100
    assert sum(len(block.validation) for block in blocks) == 15
    assert sides().num_documents == 115
    for number, block in enumerate(blocks):
        place = json.loads(json.dumps(block.place))
        rest = [(it.train, it.validation) for it in sides().blocks(place)]
        assert rest == [(it.train, it.validation) for it in blocks[number + 1 :]]


def test_the_hub_is_streamed_by_shards_where_a_part_is_asked_for(folder, monkeypatch):
    import datasets

    streamed = shards(folder).dataset
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: streamed)
    corpus = open_corpus(CorpusSource(name="someone/corpus", max_documents=60))
    train = list(corpus.train)
    assert len(train) == len(set(train)) == 60
    assert set(train) < set(everything())
    assert list(corpus.train) == train
