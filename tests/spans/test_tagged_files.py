"""Sentences as the same from columns, JSON and Parquet; what is wrong is named with its place."""

import json

import pytest

from hf_apt.spans.mentions import Mention
from hf_apt.spans.tagged_files import read_tagged

WORDS = [["EU", "rejects"], ["Ann", "Lee", "left"], ["ok"]]
TAGS = [["B-org", "O"], ["B-per", "I-per", "O"], ["O"]]
MENTIONS = [(Mention(0, 1, "org"),), (Mention(0, 2, "per"),), ()]


def conll(words=WORDS, tags=TAGS) -> str:
    sentences = (
        "\n".join(f"{word} NN {tag}" for word, tag in zip(*pair, strict=True))
        for pair in zip(words, tags, strict=True)
    )
    return "-DOCSTART- -X- O\n\n" + "\n\n".join(sentences) + "\n"


def rows(words=WORDS, tags=TAGS, **more) -> list[dict]:
    pairs = zip(words, tags, strict=True)
    return [{"tokens": w, "ner_tags": t, **more} for w, t in pairs]


def written(folder, name: str, content) -> str:
    path = folder / name
    if name.endswith(".parquet"):
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(content), path)
    elif name.endswith(".jsonl"):
        path.write_text("\n".join(map(json.dumps, content)))
    else:
        path.write_text(content if isinstance(content, str) else conll())
    return str(path)


@pytest.mark.parametrize("name", ["a.conll", "a.bio", "a.tsv", "a.txt", "a.jsonl", "a.parquet"])
def test_sentences_are_the_same_whatever_the_file(tmp_path, name) -> None:
    read = read_tagged(written(tmp_path, name, rows()))
    assert [list(each.words) for each in read.train] == WORDS
    assert [each.mentions for each in read.train] == MENTIONS
    assert read.test == ()
    assert [file.name for file in read.files] == [name]


def test_a_column_says_the_split(tmp_path) -> None:
    parts = [*rows(split="train"), *rows(split="validation"), *rows(split="test")[:2]]
    read = read_tagged(written(tmp_path, "a.parquet", parts))
    assert (len(read.train), len(read.test), read.num_left_out) == (3, 2, 3)


def test_names_of_files_say_the_split(tmp_path) -> None:
    written(tmp_path, "train.conll", None)
    written(tmp_path, "test.conll", conll(WORDS[:1], TAGS[:1]))
    read = read_tagged(str(tmp_path))
    assert (len(read.train), len(read.test)) == (3, 1)


def test_other_columns_can_be_named(tmp_path) -> None:
    lines = [{"words": w, "tags": t} for w, t in zip(WORDS, TAGS, strict=True)]
    path = written(tmp_path, "a.jsonl", lines)
    assert len(read_tagged(path, tokens_column="words", tags_column="tags").train) == 3
    with pytest.raises(ValueError, match="has no column 'tokens': it has words, tags"):
        read_tagged(path)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.jsonl", rows([["a"]], [["O", "O"]]), "line 1 of .* has 1 words and 2 tags"),
        ("a.jsonl", rows([["a"]], [["I-x"]]), "line 1 of .*: tag 0 is 'I-x' and follows the start"),
        ("a.jsonl", rows([["a"]], [[3]]), "line 1 of .* holds int in 'ner_tags': words and tags"),
        ("a.jsonl", rows(["ab"], [["O"]]), "holds str in 'tokens'"),
        ("a.jsonl", rows([["\ud800"]], [["O"]]), "half of a surrogate pair"),
        ("a.parquet", rows([["a"]], [[3]]), "row 1 of .* holds int in 'ner_tags'"),
        ("a.parquet", [{"text": "a"}], "has no column 'tokens': it has text"),
        ("a.conll", "EU\n", "line 1 of .* is 'EU': a line holds a word and"),
        ("a.conll", "EU B-x\nis O\n\nhe S-x\n", "the sentence in line 4 of .*: tag 0 is 'S-x'"),
        ("a.conll", "\n\n", "holds no sentence to train on"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, name, content, told) -> None:
    with pytest.raises(ValueError, match=told) as error:
        read_tagged(written(tmp_path, name, content))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nowhere.conll", "does not exist"),
        ("nothing", "does not exist"),
        ("a.csv", "its ending is"),
    ],
)
def test_files_that_are_none_are_named(tmp_path, monkeypatch, name, told) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("a")
    with pytest.raises(ValueError, match=told):
        read_tagged(name)
    (tmp_path / "bad.parquet").write_text("nothing")
    with pytest.raises(ValueError, match=r"bad\.parquet cannot be read as tagged sentences"):
        read_tagged("bad.parquet")
