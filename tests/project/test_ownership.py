"""Laws of ownership: nothing of the user's is written over, and a folder has one writer."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hf_apt.atomic import writing_folder
from hf_apt.ownership import LOCK, MARKER, mark, one_writer, require_ours, require_replaceable

_HOLDER = """
import sys, time
from pathlib import Path
from hf_apt.ownership import one_writer
folder = Path(sys.argv[1])
with one_writer(folder / ".hf_apt.lock", folder):
    print("held", flush=True)
    time.sleep(60)
"""


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A folder of the user's."""
    (tmp_path / "mine" / "sub").mkdir(parents=True)
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    (tmp_path / "mine" / "sub" / ".hidden").write_text("more of it")
    return tmp_path / "mine"


def held_by_another(folder: Path) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


# Whose a folder is.


def test_a_missing_an_empty_and_a_marked_folder_may_be_written_into(tmp_path: Path) -> None:
    require_ours(tmp_path / "missing", "run")
    require_ours(tmp_path, "run")
    mark(tmp_path, "run")
    (tmp_path / "notes.txt").write_text("mine")
    require_ours(tmp_path, "run")
    assert not (tmp_path / "missing").exists()


def test_a_folder_of_the_users_is_refused_by_name(theirs: Path) -> None:
    before = bytes_below(theirs)
    with pytest.raises(ValueError, match=r"mine holds files that are not hf_apt's \(sub and 1 mo"):
        require_ours(theirs, "run")
    assert bytes_below(theirs) == before


def test_a_file_a_broken_link_and_a_foreign_marker_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "link"):
        with pytest.raises(ValueError, match=f"{name} is a file, and a folder is wanted"):
            require_ours(tmp_path / name, "run")
    for content in ("", "[]", "half {"):
        (tmp_path / MARKER).write_text(content)
        with pytest.raises(ValueError, match="is no marker of hf_apt"):
            require_ours(tmp_path, "run")


def test_a_folder_of_another_kind_is_refused(tmp_path: Path) -> None:
    with writing_folder(tmp_path / "tokens") as partial:
        (partial / "ids.bin").write_bytes(b"1")
    with pytest.raises(ValueError, match="holds a checkpoint or tokens, not a run"):
        require_ours(tmp_path / "tokens", "run")
    mark(tmp_path, "run")
    with pytest.raises(ValueError, match="holds a run, not a checkpoint or tokens"):
        require_replaceable(tmp_path)


# What is replaced as a whole.


@pytest.mark.parametrize("name", ["notes.txt", "sub/notes.txt", ".notes"])
def test_a_folder_of_ours_with_a_file_of_theirs_is_not_replaced(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "tokens"
    with writing_folder(folder) as partial:
        (partial / "ids.bin").write_bytes(b"1")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("mine")
    before = bytes_below(tmp_path)
    with pytest.raises(ValueError, match=r"holds files that hf_apt has not written \(.*notes"):
        with writing_folder(folder):
            raise AssertionError("the block began")
    assert bytes_below(tmp_path) == before


def test_a_file_of_theirs_that_comes_while_the_block_runs_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "tokens"
    with pytest.raises(ValueError, match=r"not hf_apt's \(notes\)"), writing_folder(folder):  # noqa: PT012
        folder.mkdir()
        (folder / "notes").write_text("mine")
    assert bytes_below(tmp_path) == {str(folder / "notes"): b"mine"}


def test_the_users_folder_is_left_alone_by_all_that_replaces(theirs: Path) -> None:
    before = bytes_below(theirs.parent)
    for folder in (theirs, theirs / "thesis.txt"):
        with pytest.raises(ValueError, match=folder.name), writing_folder(folder):
            raise AssertionError("the block began")
    assert bytes_below(theirs.parent) == before


def test_the_marker_names_the_files_and_not_itself(tmp_path: Path) -> None:
    for names in (["a"], ["b", "sub/c"]):
        with writing_folder(tmp_path / "made") as partial:
            (partial / "sub").mkdir()
            for name in names:
                (partial / name).write_text("ours")
        marker = json.loads((tmp_path / "made" / MARKER).read_text())
        assert marker == {"kind": "files", "files": names}


# One writer.


def test_a_second_process_is_refused_with_the_first_ones_number(tmp_path: Path) -> None:
    process = held_by_another(tmp_path)
    try:
        with (
            pytest.raises(ValueError, match=rf"another process writes .*process {process.pid} on"),
            one_writer(tmp_path / LOCK, tmp_path),
        ):
            raise AssertionError("two writers")
    finally:
        process.kill()
        process.wait()
    with one_writer(tmp_path / LOCK, tmp_path):
        pass  # a kill gives it up
    assert list(tmp_path.iterdir()) == []


def test_the_same_process_may_ask_again(tmp_path: Path) -> None:
    with one_writer(tmp_path / LOCK, tmp_path):
        with one_writer(tmp_path / LOCK, tmp_path):
            pass
        assert (tmp_path / LOCK).exists(), "the inner block gave up the lock of the outer one"
    assert not (tmp_path / LOCK).exists()


def test_the_lock_is_given_up_when_the_block_raises(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), one_writer(tmp_path / LOCK, tmp_path):
        raise KeyboardInterrupt
    with one_writer(tmp_path / LOCK, tmp_path):
        pass
