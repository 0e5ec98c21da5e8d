"""Laws of a file of ids: what it holds is what was written, and each fault is one sentence."""

import numpy as np
import pytest
from token_files import write_ds

from hf_apt.data.token_sources.datatrove_files import open_token_file, sidecars

DOCUMENTS = [[2, 7, 8, 3], [], [2, 9, 3]]


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("is_described", [True, False])
def test_documents_are_those_that_were_written(tmp_path, size, is_described):
    path = write_ds(tmp_path / "a.ds", DOCUMENTS, size=size, made_by="gpt2")
    if not is_described:
        path.with_name("a.ds.metadata").unlink()
    file = open_token_file(path)
    assert (file.token_size, file.num_ids, file.num_documents) == (size, 7, 3)
    assert file.made_by == ("gpt2" if is_described else None)
    parts = np.split(file.ids, file.ends[:-1].astype(int))
    assert [part.tolist() for part in parts] == DOCUMENTS
    assert isinstance(file.ids, np.memmap)
    assert len(sidecars(path)) == 1 + is_described


def test_a_task_without_input_leaves_an_empty_file(tmp_path):
    path = write_ds(tmp_path / "a.ds", [[]])
    path.with_name("a.ds.index").write_bytes(b"")
    assert open_token_file(path).num_documents == open_token_file(path).num_ids == 0


def cut(name, end):
    def change(folder):
        path = folder / name
        path.write_bytes(path.read_bytes()[:end])

    return change


def written(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def index_of(*ends):
    return written("a.ds.index", np.array(ends, "<u8").tobytes())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (cut("a.ds", -1), r"a\.ds has 13 bytes, which are no whole ids of 2: it is cut off"),
        (cut("a.ds", -2), r"a\.ds\.index does not fit its file: it ends at id 7, and .* holds 6"),
        (cut("a.ds.index", -3), r"a\.ds\.index has 21 bytes, which are no whole numbers of 8"),
        (cut("a.ds.index", 16), r"a\.ds\.index does not fit its file: it ends at id 4"),
        (index_of(5, 4, 7), r"a\.ds\.index does not rise"),
        (lambda folder: (folder / "a.ds.index").unlink(), r"has no a\.ds\.index .*save_index=True"),
        (written("a.ds.metadata", b"gpt2|3\n7\n"), r"a\.ds\.metadata is not what datatrove writes"),
        (written("a.ds.metadata", b"gpt2"), r"a\.ds\.metadata is not what datatrove writes"),
        (written("a.ds.metadata", b"gpt2|2\n8\n"), r"metadata counts 8 ids, and .* holds 7"),
        (written("a.ds.metadata", b"gpt2|4\n7\n"), r"no whole ids of 4"),
    ],
)
def test_each_fault_is_a_sentence(tmp_path, change, sentence):
    path = write_ds(tmp_path / "a.ds", DOCUMENTS)
    change(tmp_path)
    with pytest.raises(ValueError, match=sentence):
        open_token_file(path)


def test_without_metadata_the_size_of_an_id_has_to_fit(tmp_path):
    path = write_ds(tmp_path / "a.ds", DOCUMENTS)
    path.with_name("a.ds.metadata").unlink()
    cut("a.ds", -2)(tmp_path)
    with pytest.raises(ValueError, match="12 bytes, and its index ends at id 7: that fits neither"):
        open_token_file(path)


def test_a_file_that_is_written_again_is_read_again(tmp_path):
    path = write_ds(tmp_path / "a.ds", DOCUMENTS)
    assert open_token_file(path).ids[1] == 7
    write_ds(path, [[5, 6]])
    assert open_token_file(path).ids.tolist() == [5, 6]
