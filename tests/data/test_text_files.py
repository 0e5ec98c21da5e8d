"""Readers of a user's files: each gives documents, or one sentence with the file's name."""

import gzip
import json
import os
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hf_apt.data.corpora import open_corpus
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.local_files import local_files
from hf_apt.data.tasks.known_tasks import RowSource
from hf_apt.data.tasks.rows import read_rows
from hf_apt.data.text_files import require_encoding, text_lines
from hf_apt.data.text_formats import read_texts

TEXTS = [f"Dokument Nummer {number}, für Wort {number % 7}." for number in range(60)]
EXAMPLES = int(os.environ.get("HF_APT_FUZZ_EXAMPLES", "40"))
"""Random files for each kind; 100,000 of them take some minutes."""


def documents(path: Path, encoding: str = "utf-8") -> list[str]:
    """Both sides of the corpus in a file, sorted."""
    source = CorpusSource(name=str(path), validation_share=0.3, encoding=encoding)
    corpus = open_corpus(source)
    return sorted([*corpus.train, *corpus.validation])


def lines(texts: list[str]) -> str:
    return "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)


KINDS = {"a.txt": "\n\n".join(TEXTS), "a.jsonl": lines(TEXTS), "a.json": lines(TEXTS)}
KINDS["list.json"] = json.dumps([{"text": text} for text in TEXTS], ensure_ascii=False)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-le"])
def test_texts_are_read_in_their_encoding_without_a_mark(tmp_path, name, encoding) -> None:
    path = tmp_path / name
    path.write_text(KINDS[name], encoding=encoding)
    asked = "utf-8" if encoding == "utf-8-sig" else encoding
    assert documents(path, asked) == sorted(TEXTS)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_another_encoding_is_refused_with_the_file_and_the_option(tmp_path, name, encoding):
    path = tmp_path / name
    path.write_text(KINDS[name], encoding=encoding)
    with pytest.raises(ValueError, match=rf"{name} cannot be read .* codec .*--encoding"):
        documents(path)


@pytest.mark.parametrize("encoding", ["nosuch", "base64", "", "rot13", "a\0b"])
def test_an_unknown_encoding_is_refused(encoding) -> None:
    with pytest.raises(ValueError, match="is unknown: utf-8"):
        require_encoding(encoding)


@pytest.mark.parametrize("name", KINDS)
def test_packed_files_are_read(tmp_path, name) -> None:
    path = tmp_path / f"{name}.gz"
    path.write_bytes(gzip.compress(KINDS[name].encode()))
    assert documents(path) == sorted(TEXTS)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ValueError, match=rf"{name}.gz cannot be read"):
        documents(path)


def test_a_packed_table_is_refused_by_name(tmp_path) -> None:
    path = tmp_path / "a.parquet.gz"
    path.write_bytes(gzip.compress(b"PAR1"))
    with pytest.raises(ValueError, match=r"a.parquet.gz cannot be read: its ending"):
        documents(path)


def test_lines_of_blanks_divide_documents(tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\n \t\n\n".join(TEXTS))
    assert documents(path) == sorted(TEXTS)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.txt", "\n \n\n", "holds no document"),
        ("a.jsonl", "\n\n", "holds no document"),
        ("a.jsonl", '{"text": "  "}\n', "holds no document"),
        ("a.json", "[]", "holds no document"),
        ("a.jsonl", '{"text": "a"}\n\n{"text"\n', "read as json: line 3: .*delimiter"),
        ("a.jsonl", '["a"]\n', "line 1 holds a list, not an object"),
        ("a.jsonl", '{"text": "a"}\n"b"\n', "line 2 holds a text, not an object"),
        ("a.json", "[1, 2]", "element 1 is a number, not an object"),
        ("a.json", '{\n "text": "a"\n}', "line 1: .*one object is expected in each line"),
        ("a.jsonl", '{"text": "a"}\n{"text": 3}\n', "holds a number in line 2, not text"),
        ("a.jsonl", '{"text": "\\ud800"}\n', "line 1 of .*half of a surrogate pair"),
        ("a.jsonl", '{"body": "a"}\n', "no column 'text': it has body"),
        ("a.jsonl", "[" * 100_000, "read as json: line 1: "),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path, name, content, sentence) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ValueError, match=sentence) as error:
        documents(path)
    assert name in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["a.jsonl", "a.txt", "a.jsonl.gz"])
def test_a_line_of_200_mb_is_refused_before_it_is_read(tmp_path, name) -> None:
    path = tmp_path / name
    content = b'{"text": "fine"}\n{"text": "' + b"a " * 100_000_000
    path.write_bytes(gzip.compress(content, 1) if name.endswith("gz") else content)
    del content
    tracemalloc.start()
    with pytest.raises(ValueError, match=rf"line 2 of .*{name} has more than 32000000"):
        list(read_texts(path, "text"))
    assert tracemalloc.get_traced_memory()[1] < 250e6
    tracemalloc.stop()


def test_long_documents_are_refused_in_every_kind(tmp_path) -> None:
    (tmp_path / "a.txt").write_text("short\n\n" + "word\n" * 50)
    (tmp_path / "a.json").write_text(json.dumps([{"text": "word " * 50}]))
    pq.write_table(pa.table({"text": ["word " * 50]}), tmp_path / "a.parquet")
    for name, sentence in (
        ("a.txt", "document that begins in line 3 of .*a.txt has more than 100"),
        ("a.json", "document 1 of .*a.json has 250 characters"),
        ("a.parquet", "document 1 of .*a.parquet has 250 characters"),
    ):
        with pytest.raises(ValueError, match=sentence):
            list(read_texts(tmp_path / name, "text", longest=100))


# Parquet.


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())],
    ids=str,
)
def test_other_columns_of_parquet_are_not_looked_at(tmp_path, kind) -> None:
    one, other = TEXTS[:30], TEXTS[30:]
    pq.write_table(pa.table({"text": one, "score": range(30)}), tmp_path / "a.parquet")
    table = {"id": range(30), "text": pa.array(other).cast(kind), "score": ["x"] * 30}
    pq.write_table(pa.table(table), tmp_path / "b.parquet")
    assert documents(tmp_path) == sorted(TEXTS)


def test_tables_without_rows_and_with_a_column_twice_are_named(tmp_path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), path)
    with pytest.raises(ValueError, match=r"a.parquet holds no document"):
        documents(path)
    pq.write_table(pa.Table.from_arrays([["a"], ["b"]], names=["text", "text"]), path)
    with pytest.raises(ValueError, match=r"a.parquet has 2 columns 'text'"):
        documents(path)


# Names.


@pytest.mark.parametrize("name", ["part [1].jsonl", "articles [2024]/a.jsonl", "a*b?.jsonl"])
def test_a_path_that_exists_is_that_path(tmp_path, name) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(lines(TEXTS))
    assert documents(path) == documents(path.parent) == sorted(TEXTS)


def test_names_that_lead_nowhere_are_refused(tmp_path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    for name, sentence in (
        (f"{tmp_path}/loop", "link that leads to no file"),
        (f"{tmp_path}/pipe", "neither a file nor a folder"),
        ("~nobody-of-that-name/a.txt", "cannot be looked up"),
        ("a" * 5000, "cannot be looked up"),
        ("a\0b.txt", "no name of a file"),
        (f"{tmp_path}/**a.txt", "no pattern|no file matches"),
    ):
        with pytest.raises(ValueError, match=sentence):
            local_files(name, [".txt"])


# The same text read again.


def test_replaced_text_of_the_same_size_and_date_is_read_anew(tmp_path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(lines(TEXTS))
    before, key = path.stat(), open_corpus(CorpusSource(name=str(path))).key
    documents(path)
    other = [text.replace("Wort", "Bild") for text in TEXTS]
    path.write_text(lines(other))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert documents(path) == sorted(other)
    assert open_corpus(CorpusSource(name=str(path))).key != key
    path.touch()
    path.write_text(lines(TEXTS))
    assert open_corpus(CorpusSource(name=str(path))).key == key, "the date is no content"


# Random files.


def parquet_bytes(values: list) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"text": values, "label": ["a"] * len(values)}), sink)
    return sink.getvalue().to_pybytes()


WHOLE = {
    ".txt": "a\n\n\ufeffb\r\n\r\nc\x00\n \nd".encode(),
    ".jsonl": lines(["a", "b\n", "\u2028"]).encode(),
    ".json": b'[{"text": "a", "label": 1}, {"text": null}]',
    ".csv": b'text,label\n"a, b",x\nc,y\n',
    ".parquet": parquet_bytes(["a", None, "c"]),
    ".jsonl.gz": gzip.compress(lines(["a"] * 9).encode()),
}


@st.composite
def damaged(draw, whole: bytes) -> bytes:
    """Random bytes, or a good file with some bytes replaced and its end cut off."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=200))
    content = bytearray(whole)
    for _ in range(draw(st.integers(0, 4))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.integers(1, len(content)))])


@pytest.mark.parametrize("suffix", WHOLE)
def test_no_file_gives_anything_but_documents_or_a_sentence(tmp_path, suffix) -> None:
    path = tmp_path / f"a{suffix}"

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=EXAMPLES <= 1000,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(damaged(WHOLE[suffix]))
    @example(WHOLE[suffix])
    def reads(content: bytes) -> None:
        path.write_bytes(content)
        readers = [lambda: read_rows(RowSource(name=str(path))).train.texts]
        if suffix == ".txt":
            readers = []
        if suffix != ".csv":
            readers += [lambda: list(read_texts(path, "text"))]
        for read in readers:
            try:
                texts = read()
            except ValueError as error:
                texts = None
                sentence = str(error)
                is_named = str(path) in sentence and "\n" not in sentence
            else:
                is_named = True
            assert is_named
            assert all(text is None or isinstance(text, str) for text in texts or ())

    reads()


def test_lines_have_their_ends(tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfa\r\nb\rc")
    assert list(text_lines(path)) == ["a\n", "b\n", "c"]
