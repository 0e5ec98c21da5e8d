"""Fingerprints of texts: contents, names and order count, dates and folders do not."""

import os

from hf_apt.data import text_fingerprints
from hf_apt.data.text_fingerprints import files_fingerprint


def test_contents_names_and_order_count_and_dates_and_folders_do_not(tmp_path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        for name in ("a.txt", "b.txt"):
            (tmp_path / folder / name).write_text(name * 100)
    one, two = (
        [tmp_path / folder / name for name in ("a.txt", "b.txt")] for folder in ("one", "two")
    )
    assert files_fingerprint(one) == files_fingerprint(two)
    os.utime(one[0], (1, 1))
    assert files_fingerprint(one) == files_fingerprint(two)
    assert files_fingerprint(one[::-1]) != files_fingerprint(one)
    before = two[0].stat()
    two[0].write_text("c.txt" * 100)
    os.utime(two[0], ns=(before.st_atime_ns, before.st_mtime_ns))
    assert files_fingerprint(one) != files_fingerprint(two)


def test_of_a_large_file_pieces_are_read(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(text_fingerprints, "WHOLE", 2**21)
    path = tmp_path / "a.txt"
    path.write_bytes(b"a" * (2**21 + 1))
    before = files_fingerprint([path])
    for place in (0, 2**20, 2**21):
        content = bytearray(b"a" * (2**21 + 1))
        content[place] = 98
        path.write_bytes(content)
        assert files_fingerprint([path]) != before
