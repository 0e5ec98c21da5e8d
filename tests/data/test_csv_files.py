"""Laws of tables of separated values: what was written is read, and nothing is guessed."""

import csv

import pytest

from hf_apt.data.text_formats import read_texts

HARD = ["plain", "with, comma", 'with "quotes"', "two\nlines", "tab\there", "", "ü, ß", "'"]


@pytest.mark.parametrize(("name", "separator"), [("a.csv", ","), ("a.tsv", "\t")])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_was_written_is_read(tmp_path, name, separator, encoding) -> None:
    with (tmp_path / name).open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerow(["id", "text"])
        writer.writerows(enumerate(HARD))
    assert list(read_texts(tmp_path / name, "text", encoding)) == HARD


def test_a_field_may_be_longer_than_python_usually_takes(tmp_path) -> None:
    (tmp_path / "a.csv").write_text("text\n" + "x" * 200_000 + "\n\nshort\n")
    assert list(map(len, read_texts(tmp_path / "a.csv", "text"))) == [200_000, 5]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("a,b\n1,2\n", r"a\.csv has no column 'text': it has a, b\."),
        ("text,b\n1\n", r"line 2 of .*a\.csv has 1 fields, and the first line names 2"),
        ("text,b\n1,2\n1,2,3\n", r"line 3 of .*a\.csv has 3 fields"),
        ("text,text\n1,2\n", r"a\.csv has 2 columns 'text'"),
        ('text\nfine\n"not closed\n', r"a\.csv cannot be read as csv: line 3: unexpected end"),
        ('text\n"a" b\n', r"a\.csv cannot be read as csv: line 2: .*\.jsonl"),
    ],
)
def test_what_is_no_table_is_one_sentence(tmp_path, content, sentence) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(ValueError, match=sentence):
        list(read_texts(tmp_path / "a.csv", "text"))
