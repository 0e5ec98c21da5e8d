"""Laws of writing whole or not at all: whatever goes wrong, a final name holds all of a version."""

import errno
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from hf_apt.atomic import writing, writing_folder
from hf_apt.ownership import MARKER, mark_files

INTERRUPTIONS = [RuntimeError("a bug"), KeyboardInterrupt(), SystemExit(1), GeneratorExit()]


def tree(folder: Path) -> dict[str, str]:
    """Every file in `folder` but markers, with its content; folders with a slash."""
    return {
        str(path.relative_to(folder)) + ("/" if path.is_dir() else ""): (
            "" if path.is_dir() else path.read_text(encoding="utf-8")
        )
        for path in folder.rglob("*")
        if path.name != MARKER
    }


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def full_disk(limit: int = 1000) -> Iterator[None]:
    """No file can grow beyond `limit` bytes: the kernel itself refuses the write, in its midst."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def no_space(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


# Files.


def test_a_file_appears_when_the_block_ends_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file.txt"
    with writing(path) as file:
        file.write("Zürich\n")
        file.flush()
        assert not path.exists()
    assert tree(path.parent) == {"file.txt": "Zürich\n"}


def test_bytes_are_written_as_they_are(tmp_path: Path) -> None:
    with writing(tmp_path / "file", "wb") as file:
        file.write(b"\x00\r\n\xff")
    assert (tmp_path / "file").read_bytes() == b"\x00\r\n\xff"


_IN_ASCII_LOCALE = """
import locale, sys
from pathlib import Path
from hf_apt.atomic import writing
assert "utf" not in locale.getpreferredencoding(False).lower()
with writing(Path(sys.argv[1])) as file:
    file.write("Z\\u00fcrich")
"""


def test_text_is_utf8_whatever_the_locale(tmp_path: Path) -> None:
    path = tmp_path / "file"
    ascii_locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    subprocess.run(
        [sys.executable, "-c", _IN_ASCII_LOCALE, str(path)],
        env={**os.environ, **ascii_locale},
        timeout=60,
        check=True,
    )
    assert path.read_bytes() == "Zürich".encode()


def test_an_earlier_file_is_replaced_only_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("a long earlier version")
    with writing(path) as file:
        file.write("new")
        file.flush()
        assert path.read_text() == "a long earlier version"
    assert tree(tmp_path) == {"file.txt": "new"}


@pytest.mark.parametrize("interruption", INTERRUPTIONS, ids=repr)
@pytest.mark.parametrize("earlier", [{}, {"file.txt": "earlier"}], ids=["new", "earlier"])
def test_an_exception_leaves_no_file_and_an_earlier_one_untouched(
    tmp_path: Path, earlier: dict[str, str], interruption: BaseException
) -> None:
    for name, text in earlier.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(type(interruption)), writing(tmp_path / "file.txt") as file:  # noqa: PT012
        file.write("half")
        file.flush()
        raise interruption
    assert tree(tmp_path) == earlier


@pytest.mark.parametrize("size", [1001, 10**6])
def test_a_write_that_the_disk_refuses_leaves_the_earlier_file(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file.txt"
    path.write_text("earlier")
    with full_disk(), pytest.raises(OSError, match="too large"), writing(path) as file:
        file.write("x" * size)  # 1001 bytes wait in the buffer until the block ends
    assert tree(tmp_path) == {"file.txt": "earlier"}


@pytest.mark.parametrize("call", ["fsync", "chmod", "replace"])
def test_a_full_disk_at_any_later_step_leaves_the_earlier_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "file.txt"
    path.write_text("earlier")
    monkeypatch.setattr(os, call, no_space)
    with pytest.raises(OSError, match="No space left") as raised, writing(path) as file:
        file.write("new")
    assert raised.value.errno == errno.ENOSPC
    assert tree(tmp_path) == {"file.txt": "earlier"}


def test_all_bytes_are_on_disk_before_the_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    def recorded(name: str, call: Callable[..., object]) -> Callable[..., object]:
        def record(*args: object) -> object:
            size = os.fstat(args[0]).st_size if isinstance(args[0], int) else ""
            steps.append(f"{name}{size}")
            return call(*args)

        return record

    for name in ("fsync", "replace"):
        monkeypatch.setattr(os, name, recorded(name, getattr(os, name)))
    with writing(tmp_path / "file.txt") as file:
        file.write("12345")
    assert steps == ["fsync5", "replace"]


_KILLED = """
import os, sys
from pathlib import Path
from hf_apt.atomic import writing, writing_folder
from hf_apt.ownership import MARKER, mark_files
with writing(Path(sys.argv[1], "file.txt")) as file, writing_folder(Path(sys.argv[1], "run")) as f:
    file.write("half")
    file.flush()
    (f / "part").write_text("half")
    os._exit(9)
"""


def test_a_killed_process_leaves_the_earlier_file_and_folder_under_their_names(
    tmp_path: Path,
) -> None:
    (tmp_path / "file.txt").write_text("earlier")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "whole").write_text("earlier")
    mark_files(tmp_path / "run")
    done = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path)], timeout=60)
    assert done.returncode == 9
    named = {name: text for name, text in tree(tmp_path).items() if not name.startswith(".")}
    assert named == {"file.txt": "earlier", "run/": "", "run/whole": "earlier"}


@pytest.mark.parametrize("mask", [0o022, 0o002, 0o077, 0o000])
def test_permissions_follow_the_umask_which_stays_as_it_was(tmp_path: Path, mask: int) -> None:
    with umask(mask):
        with writing(tmp_path / "file") as file:
            file.write("x")
        with writing_folder(tmp_path / "folder"):
            pass
        assert os.umask(mask) == mask
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o666 & ~mask
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o777 & ~mask


# Folders.

EARLIER = {"run/": "", "run/whole": "earlier", "run/sub/": "", "run/sub/part": "earlier"}
NEW = {"run/": "", "run/new": "new"}


@pytest.fixture(params=[False, True], ids=["new", "earlier"])
def before(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """What is there before: nothing, or an earlier folder with a subfolder."""
    if not request.param:
        return {}
    (tmp_path / "run" / "sub").mkdir(parents=True)
    (tmp_path / "run" / "whole").write_text("earlier")
    (tmp_path / "run" / "sub" / "part").write_text("earlier")
    mark_files(tmp_path / "run")
    return EARLIER


def test_a_folder_appears_or_is_replaced_whole_when_the_block_ends(
    tmp_path: Path, before: dict[str, str]
) -> None:
    with writing_folder(tmp_path / "run") as folder:
        (folder / "new").write_text("new")
        named = {name: text for name, text in tree(tmp_path).items() if not name.startswith(".")}
        assert named == before
    assert tree(tmp_path) == NEW


@pytest.mark.parametrize("interruption", INTERRUPTIONS, ids=repr)
def test_an_exception_leaves_no_folder_and_an_earlier_one_untouched(
    tmp_path: Path, before: dict[str, str], interruption: BaseException
) -> None:
    with pytest.raises(type(interruption)), writing_folder(tmp_path / "run") as folder:  # noqa: PT012
        (folder / "new").write_text("half")
        raise interruption
    assert tree(tmp_path) == before


def test_a_write_that_the_disk_refuses_leaves_the_earlier_folder(
    tmp_path: Path, before: dict[str, str]
) -> None:
    with full_disk(), pytest.raises(OSError, match="too large"):
        with writing_folder(tmp_path / "run") as folder:
            (folder / "new").write_text("x" * 10**6)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("is_done", [False, True], ids=["just before", "just after"])
@pytest.mark.parametrize("step", [1, 2])
def test_an_interruption_of_the_exchange_leaves_one_whole_folder(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    before: dict[str, str],
    step: int,
    is_done: bool,
) -> None:
    """Interrupted at each renaming, just before or just after it took place."""
    replace, num_calls = os.replace, 0

    def interrupted(source: Path, target: Path) -> None:
        nonlocal num_calls
        if target.name == MARKER:
            return replace(source, target)
        num_calls += 1
        if num_calls != step or is_done:
            replace(source, target)
        if num_calls == step:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    num_renamings = 2 if before else 1
    try:
        with writing_folder(tmp_path / "run") as folder:
            (folder / "new").write_text("new")
        assert num_renamings < step
        expected = NEW
    except KeyboardInterrupt:
        expected = NEW if is_done and step == num_renamings else before
    assert tree(tmp_path) == expected


def test_a_file_under_the_name_of_a_folder_is_replaced_or_kept_whole(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "x").write_text("folder")
    with pytest.raises(IsADirectoryError), writing(tmp_path / "run") as file:
        file.write("a file over a folder")
    assert tree(tmp_path) == {"run/": "", "run/x": "folder"}
