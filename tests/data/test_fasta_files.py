"""Laws of FASTA files: the sequence of each record, and nothing of its header."""

import pytest

from hf_apt.data.fasta_files import fasta_sequences


def test_the_lines_of_a_record_are_joined(tmp_path) -> None:
    path = tmp_path / "a.fasta"
    path.write_text("\n>one a header\nEVQL\nVESG \n\n>two\n; a comment\nACDE\n>empty\n>three\nK")
    assert list(fasta_sequences(path)) == ["EVQLVESG", "ACDE", "K"]


def test_letters_before_the_first_header_are_refused(tmp_path) -> None:
    path = tmp_path / "a.fasta"
    path.write_text("\nEVQL\n>one\nACDE\n")
    with pytest.raises(ValueError, match=r"a\.fasta cannot be read as fasta: line 2 comes before"):
        list(fasta_sequences(path))


def test_a_record_that_is_too_long_is_refused(tmp_path) -> None:
    path = tmp_path / "a.fasta"
    path.write_text(">one\n" + "ACDE\n" * 3)
    assert list(fasta_sequences(path, longest=12)) == ["ACDEACDEACDE"]
    with pytest.raises(ValueError, match="goes on in line 4 has more than 11 letters"):
        list(fasta_sequences(path, longest=11))
