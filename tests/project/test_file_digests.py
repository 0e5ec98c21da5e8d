"""Laws of digests: those of the content, read again where it may have changed."""

import os

import pytest

from hf_apt.file_digests import once, sha256

OLD = 1_600_000_000


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    return path


def test_it_is_the_sha_256(file):
    """FIPS 180-2, B.1."""
    value = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(file) == sha256(file) == value


def test_what_was_just_written_is_read_again(file):
    """Of the same size, within what a file system's dates can tell apart."""
    seen = []
    for content in (b"abc", b"abd", b"abe"):
        file.write_bytes(content)
        once(lambda path: seen.append(path.read_bytes()) or "", file)
    assert seen == [b"abc", b"abd", b"abe"]
    first = sha256(file)
    file.write_bytes(b"abf")
    assert sha256(file) != first


def test_what_has_settled_is_read_once(file, monkeypatch):
    monkeypatch.setattr("hf_apt.file_digests._SETTLED", 0)
    read = []

    def digest(path):
        read.append(path)
        return path.read_text()

    assert [once(digest, file) for _ in range(3)] == ["abc"] * 3
    assert len(read) == 1
    file.write_bytes(b"abcd")
    os.utime(file, (OLD, OLD))
    assert [once(digest, file) for _ in range(3)] == ["abcd"] * 3
    assert len(read) == 2
