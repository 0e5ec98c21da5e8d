"""Laws of the fingerprints of a run's own files."""

import pytest

from hf_apt.records.unchanged import NAME, require_unchanged, write_fingerprints


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "vocabulary.json").write_text('["a"]')
    (tmp_path / "frequency.npy").write_bytes(b"1")
    (tmp_path / "others.json").write_text("{}")
    write_fingerprints(tmp_path)
    require_unchanged(tmp_path)
    return tmp_path


def test_a_changed_file_is_named_where_it_is_asked_for(folder):
    (folder / "frequency.npy").write_bytes(b"2")
    (folder / "others.json").write_text("[]")
    require_unchanged(folder, "vocabulary.json", "planted.npy", "others.json")
    for names in ((), ("frequency.npy",)):
        with pytest.raises(ValueError, match=r"frequency\.npy was changed: restore it"):
            require_unchanged(folder, *names)


def test_a_missing_file_is_named(folder):
    (folder / "vocabulary.json").unlink()
    with pytest.raises(ValueError, match=r"vocabulary\.json is missing: restore it"):
        require_unchanged(folder)


def test_files_without_fingerprints_are_taken_as_they_are(folder):
    (folder / NAME).unlink()
    (folder / "vocabulary.json").unlink()
    require_unchanged(folder)


@pytest.mark.parametrize("content", ["[]", "{", ""])
def test_broken_fingerprints_are_named(folder, content):
    (folder / NAME).write_text(content)
    with pytest.raises(ValueError, match=NAME):
        require_unchanged(folder)


def test_a_vocabulary_with_other_line_ends_says_the_same(folder):
    (folder / "vocabulary.json").write_bytes(b'[\r\n"a"\r\n]')
    require_unchanged(folder)
    (folder / "vocabulary.json").write_text('["b"]')
    with pytest.raises(ValueError, match=r"vocabulary\.json was changed"):
        require_unchanged(folder)


def test_what_a_killed_process_left_is_taken_away(folder):
    (folder / f".{NAME}.x1y2z3").write_text("{")
    write_fingerprints(folder)
    assert not list(folder.glob(f".{NAME}.*"))
