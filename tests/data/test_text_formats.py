"""Laws of documents in files: each ending has a reader, and every fault names the file."""

import json

import pytest

from hf_apt.data.text_formats import BUILDERS, read_texts

CONTENT = {
    "json": "\n".join(json.dumps({"text": text}) for text in ("A", "B")),
    "text": "A\nB\n",
    "csv": "text\nA\nB\n",
    "fasta": ">1\nA\n>2\nB\n",
}


@pytest.mark.parametrize("suffix", sorted({*BUILDERS} - {".parquet", ".ds"}))
def test_every_ending_has_a_reader(tmp_path, suffix) -> None:
    (tmp_path / f"a{suffix}").write_text(CONTENT[BUILDERS[suffix]])
    assert list(read_texts(tmp_path / f"a{suffix}", "text", paragraphs=False)) == ["A", "B"]


@pytest.mark.parametrize("suffix", [".jsonl", ".txt", ".csv", ".fasta"])
def test_what_is_no_text_names_the_file_and_the_encoding(tmp_path, suffix) -> None:
    (tmp_path / f"a{suffix}").write_bytes(b"text\n>\xff\xfe\x00" * 50)
    with pytest.raises(ValueError, match=rf"a{suffix} cannot be read as .*--encoding"):
        list(read_texts(tmp_path / f"a{suffix}", "text"))


def test_lines_keep_their_blanks_and_blank_ones_are_no_documents(tmp_path) -> None:
    (tmp_path / "a.txt").write_text(" a b \n\n  \nc")
    assert list(read_texts(tmp_path / "a.txt", "", paragraphs=False)) == [" a b ", "c"]
    assert list(read_texts(tmp_path / "a.txt", "")) == [" a b ", "c"]


@pytest.mark.parametrize(
    ("value", "kind"), [([1], "a list"), (["a", None], "a list"), ({"a": 1}, "an object")]
)
def test_a_list_of_anything_but_texts_is_refused(tmp_path, value, kind) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": value}) + "\n")
    with pytest.raises(ValueError, match=rf"'text' of .*a\.jsonl holds {kind} in line 1, not text"):
        list(read_texts(tmp_path / "a.jsonl", "text"))


def test_token_ids_are_no_text(tmp_path) -> None:
    (tmp_path / "a.ds").write_bytes(b"\1\0")
    with pytest.raises(ValueError, match=r"a\.ds holds token ids, not text: only run"):
        list(read_texts(tmp_path / "a.ds", "text"))
