"""One law: tokens made elsewhere are our own tokens of the same text: ids, order and sides."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from token_files import tokenised_by_datatrove, write_ds

from hf_apt.data.corpora import source_key
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.corpus_tokens import tokenise
from hf_apt.data.document_blocks import Block
from hf_apt.data.token_sources.id_documents import id_row
from hf_apt.data.token_sources.placed_ids import PlacedIds
from hf_apt.data.token_sources.token_corpus import cutter_of, token_corpus
from hf_apt.data.tokens import Tokens, write_tokens

LENGTH = 24
SIDES = ("train", "validation")


@pytest.fixture(scope="module", params=["packed", "first"])
def layout(request):
    return request.param


@pytest.fixture(scope="module")
def ours(layout, documents, tokenizer, tmp_path_factory) -> dict[str, Tokens]:
    """The first 70 documents and the rest, tokenised here."""
    folder = tmp_path_factory.mktemp("ours")
    parts = (documents[:70], documents[70:])
    return {
        side: write_tokens(folder / side, part, tokenizer, sequence_length=LENGTH, layout=layout)
        for side, part in zip(SIDES, parts, strict=True)
    }


@pytest.fixture(scope="module", params=["whole", "separator"])
def stored(request, documents, tokenizer, tmp_path_factory) -> Path:
    """The same documents as datatrove writes them, those of the first side by three tasks."""
    pytest.importorskip("datatrove")
    aside = tmp_path_factory.mktemp("datatrove")
    options = {"eos_token": "[SEP]"} if request.param == "separator" else {}
    folder = aside / "tokens"
    parts = [documents[:30], [], documents[30:70]]
    tokenised_by_datatrove(folder, parts, tokenizer, aside, **options)
    options |= {"save_filename": "validation"}
    return tokenised_by_datatrove(folder, [documents[70:]], tokenizer, aside, **options)


@pytest.fixture(scope="module", params=["whole", "bare"])
def tables(request, documents, tokenizer, tmp_path_factory) -> Path:
    """A Parquet file with a row of token ids for each of the documents."""
    folder = tmp_path_factory.mktemp("tables")
    parts = {"a": documents[:30], "b": documents[30:70], "validation": documents[70:]}
    for name, part in parts.items():
        rows = tokenizer(part, add_special_tokens=request.param == "whole")["input_ids"]
        table = pa.table({"input_ids": pa.array([None, *rows], pa.list_(pa.int32()))})
        pq.write_table(table, folder / f"{name}.parquet", row_group_size=7)
    return folder


def made(folder: Path, source: CorpusSource, tokenizer, layout, **options) -> dict[str, Tokens]:
    corpus = token_corpus(source)
    assert corpus is not None
    cutter = cutter_of(corpus, tokenizer, "it", length=LENGTH, layout=layout)
    tokenise(folder, corpus, cutter, **options)
    return {side: Tokens(folder / side) for side in SIDES}


def assert_same(one: Tokens, other: Tokens) -> None:
    assert one.description == other.description
    assert np.array_equal(one.starts, other.starts)
    assert np.array_equal(np.asarray(one.ids), np.asarray(other.ids))
    assert np.asarray(one.ids).dtype == np.asarray(other.ids).dtype
    assert np.array_equal(one.frequency(), other.frequency())
    assert one.shares() == other.shares()
    numbers = np.random.default_rng(3).permutation(len(one))
    assert np.array_equal(one.padded(numbers), other.padded(numbers))


def test_files_of_datatrove_are_our_tokens_without_a_copy(
    stored, ours, layout, tokenizer, tmp_path
):
    there = made(tmp_path / "tokens", CorpusSource(name=str(stored)), tokenizer, layout)
    for side in SIDES:
        assert_same(there[side], ours[side])
        assert isinstance(there[side].ids, PlacedIds)
        assert not (tmp_path / "tokens" / side / "ids.bin").exists()


def test_rows_of_ids_are_our_tokens(tables, ours, layout, tokenizer, tmp_path):
    source = CorpusSource(name=str(tables), column="input_ids")
    there = made(tmp_path / "tokens", source, tokenizer, layout)
    for side in SIDES:
        assert_same(there[side], ours[side])


@pytest.fixture
def numbered(tmp_path, tokenizer, documents) -> Path:
    """All documents in two hand-written files, every fifth of them twice."""
    rows = tokenizer([*documents, *documents[::5]])["input_ids"]
    write_ds(tmp_path / "ids/a.ds", rows[:40])
    write_ds(tmp_path / "ids/b.ds", rows[40:])
    return tmp_path / "ids"


def documents_in(side: Tokens) -> list[tuple[int, ...]]:
    """The sequences of a side with layout `first`."""
    ids = np.asarray(side.ids)
    return [tuple(part.tolist()) for part in np.split(ids, side.starts[1:-1])]


def test_a_document_is_held_out_by_its_ids_wherever_it_is(numbered, documents, tokenizer, tmp_path):
    source = CorpusSource(name=str(numbered), validation_share=0.3)
    there = made(tmp_path / "tokens", source, tokenizer, "first")
    train, validation = (documents_in(there[side]) for side in SIDES)
    assert len(train) + len(validation) == len(documents) + len(documents[::5])
    assert not {*train} & {*validation}
    assert 15 < len(validation) < 60


def test_all_of_it_can_be_measured(numbered, documents, tokenizer, tmp_path):
    source = CorpusSource(name=str(numbered), validation_share=1)
    there = made(tmp_path / "tokens", source, tokenizer, "packed")
    assert_same(there["train"], there["validation"])
    texts = [*documents, *documents[::5]]
    ours = write_tokens(
        tmp_path / "ours", texts, tokenizer, sequence_length=LENGTH, layout="packed"
    )
    assert_same(there["train"], ours)


def test_the_first_documents_are_read(numbered, documents, tokenizer, tmp_path):
    (numbered / "b.ds").rename(numbered / "test.ds")
    for ending in ("index", "metadata"):
        (numbered / f"b.ds.{ending}").rename(numbered / f"test.ds.{ending}")
    source = CorpusSource(name=str(numbered), max_documents=7, max_validation_documents=5)
    there = made(tmp_path / "tokens", source, tokenizer, "first")
    rows = [tuple(row) for row in tokenizer(documents, truncation=True, max_length=24)["input_ids"]]
    assert documents_in(there["train"]) == rows[:7]
    assert documents_in(there["validation"]) == rows[40:45]


@pytest.mark.parametrize("layout", ["packed", "first"])
@pytest.mark.parametrize("killed_after", [1, 3])
def test_an_interruption_changes_no_byte(numbered, tokenizer, tmp_path, layout, killed_after):
    source = CorpusSource(name=str(numbered), validation_share=0.3)
    whole = made(tmp_path / "whole", source, tokenizer, layout)
    corpus = token_corpus(source)
    assert corpus is not None
    blocks = _InBlocks(corpus.stream.documents, 13)
    corpus = replace(corpus, stream=replace(corpus.stream, documents=blocks))
    cutter = cutter_of(corpus, tokenizer, "it", length=LENGTH, layout=layout)
    blocks.killed_after = killed_after
    with pytest.raises(KeyboardInterrupt):
        tokenise(tmp_path / "killed", corpus, cutter, record_every=1)
    blocks.killed_after = None
    cutter = cutter_of(corpus, tokenizer, "it", length=LENGTH, layout=layout)
    tokenise(tmp_path / "killed", corpus, cutter, record_every=1)
    assert blocks.num_read == len(blocks.begun) - 1  # the block that was killed is read again
    for side in SIDES:
        assert_same(Tokens(tmp_path / "killed" / side), whole[side])


class _InBlocks:
    """Documents in small blocks, interrupted before one of them."""

    def __init__(self, documents, size):
        self.documents, self.size, self.killed_after = documents, size, None
        self.begun, self.num_read = [], 0

    @property
    def num_documents(self):
        return self.documents.num_documents

    def blocks(self, after=None):
        for number, start in enumerate(range(after or 0, self.num_documents, self.size)):
            self.begun.append(start)
            if number == self.killed_after:
                raise KeyboardInterrupt
            end = min(start + self.size, self.num_documents)
            self.num_read += 1
            yield Block(list(self.documents.between(start, end)), end)


def test_a_hub_data_set_of_ids_is_streamed(documents, tokenizer, tmp_path, monkeypatch):
    import datasets

    rows = tokenizer(documents)["input_ids"]
    table = pa.table({"input_ids": pa.array(rows, pa.list_(pa.int32())), "n": range(len(rows))})
    pq.write_table(table, tmp_path / "a.parquet")
    read = datasets.load_dataset

    def load_dataset(name, config, *, split, streaming):
        assert (name, streaming) == ("me/ids", True)
        files = str(tmp_path / "a.parquet")
        return read("parquet", data_files=files, split=split, streaming=True)

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    source = CorpusSource(name="me/ids", column="input_ids", validation_share=0.3)
    there = made(tmp_path / "tokens", source, tokenizer, "first")
    cut = tokenizer(documents, truncation=True, max_length=24)["input_ids"]
    both = [*documents_in(there["train"]), *documents_in(there["validation"])]
    assert sorted(both) == sorted(map(tuple, cut))
    pq.write_table(table.rename_columns(["ids", "n"]), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="has no column 'input_ids'"):
        token_corpus(source)


@pytest.mark.parametrize("value", ["1 2", [1.5], [[1]], 7])
def test_what_is_no_list_of_ids_is_refused(value):
    with pytest.raises(ValueError, match="column 'input_ids' of me/ids holds .*, not a list of"):
        id_row("me/ids", value)


def test_text_is_no_corpus_of_ids(tmp_path):
    (tmp_path / "a.txt").write_text("text")
    for name in ("sotu", "me/text", str(tmp_path / "a.txt")):
        assert token_corpus(CorpusSource(name=name)) is None


def test_files_of_two_kinds_are_refused(numbered, tmp_path):
    (numbered / "a.txt").write_text("text")
    with pytest.raises(ValueError, match=r"files of text and of token ids, as a\.txt and a\.ds"):
        token_corpus(CorpusSource(name=str(numbered)))
    (tmp_path / "b.jsonl").write_text('{"input_ids": [1]}')
    with pytest.raises(ValueError, match=r"b\.jsonl is no \.parquet file"):
        token_corpus(CorpusSource(name=str(tmp_path / "b.jsonl"), column="input_ids"))
    (tmp_path / "c.ds.gz").write_bytes(b"1")
    with pytest.raises(ValueError, match=r"c\.ds\.gz is packed"):
        token_corpus(CorpusSource(name=str(tmp_path / "c.ds.gz")))


def test_files_without_a_document_are_refused(tmp_path):
    path = write_ds(tmp_path / "a.ds", [[]])
    path.with_name("a.ds.index").write_bytes(b"")
    with pytest.raises(ValueError, match=r"holds no document: all of its \.ds files are empty"):
        token_corpus(CorpusSource(name=str(tmp_path)))


def test_another_index_is_another_corpus(numbered):
    keys = {source_key(CorpusSource(name=str(numbered)))}
    index = np.fromfile(numbered / "a.ds.index", "<u8")
    index[0] -= 1
    index.tofile(numbered / "a.ds.index")
    keys.add(source_key(CorpusSource(name=str(numbered))))
    assert len(keys) == 2
