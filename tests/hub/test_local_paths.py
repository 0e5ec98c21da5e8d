"""Absolute paths are found in records' texts, and nothing else is taken for one."""

from hf_apt.hub.local_paths import local_paths, without_paths


def test_addresses_and_names_are_no_paths():
    assert local_paths({"x": ["a/b", "https://x.org/a/b", "hf://a/b", "s3://a/b", "1/2"]}) == set()


def test_a_path_keeps_its_last_part_and_tags_stay():
    assert local_paths({"x": "/data/here/a.txt"}) == {"/data/here/a.txt"}
    text = without_paths(b"<p>/data/here/a.txt</p>", ["/data/here/a.txt"])
    assert text == b"<p>a.txt</p>"
