"""Laws of reading: a sentence names the file, whatever its bytes are."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_apt.reading import read_array, read_arrays, read_json


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("files")
    np.save(folder / "a.npy", np.arange(50))
    np.savez_compressed(folder / "a.npz", allow_pickle=False, x=np.arange(50), y=np.ones((3, 2)))
    (folder / "a.json").write_text(json.dumps({"a": [1, 2.5, None, "ß"]}))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


READERS = {"a.npy": read_array, "a.npz": read_arrays, "a.json": read_json}


def test_what_was_written_is_read(files, tmp_path) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    assert read_array(tmp_path / "a.npy").tolist() == list(range(50))
    arrays = read_arrays(str(tmp_path / "a.npz"))
    assert arrays["x"].tolist() == list(range(50))
    assert arrays["y"].shape == (3, 2)
    assert read_json(str(tmp_path / "a.json")) == {"a": [1, 2.5, None, "ß"]}


@given(data=st.data())
@pytest.mark.parametrize("name", READERS)
def test_changed_bytes_are_read_or_named(files, tmp_path_factory, name, data) -> None:
    content = bytearray(files[name])
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    refusal = ""
    try:
        READERS[name](path)
    except ValueError as error:
        refusal = str(error)
    assert not refusal or str(path) in refusal


@pytest.mark.parametrize("name", READERS)
def test_a_missing_file_and_a_folder_are_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}.*No such file"):
        READERS[name](tmp_path / name)
    (tmp_path / name).mkdir()
    with pytest.raises(ValueError, match=f"{name}.*Is a directory"):
        READERS[name](tmp_path / name)


def test_one_array_is_not_several(files, tmp_path) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.npz holds several arrays"):
        read_array(tmp_path / "a.npz")
    with pytest.raises(ValueError, match=r"a\.npy holds one array"):
        read_arrays(tmp_path / "a.npy")


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"a\.npy cannot be read"):
        read_array(tmp_path / "a.npy")


@pytest.mark.parametrize("text", ["NaN", '{"a": Infinity}', "[" * 10**5, "", "{", "\udcff"])
def test_json_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text, errors="surrogateescape")
    with pytest.raises(ValueError, match=r"a\.json is no valid JSON"):
        read_json(tmp_path / "a.json")
