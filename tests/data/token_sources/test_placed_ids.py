"""Laws of ids that are read where they lie: those of any place, and each fault is one sentence."""

import os
from pathlib import Path

import numpy as np
import pytest
from token_files import write_ds

from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.corpus_tokens import tokenise
from hf_apt.data.token_sources.placed_ids import PlacedIds
from hf_apt.data.token_sources.token_corpus import cutter_of, token_corpus
from hf_apt.data.tokens import Tokens

LENGTH = 10


@pytest.fixture(params=["packed", "first"])
def stored(request, tokenizer, documents, tmp_path) -> tuple[Path, list[int]]:
    """A folder of tokens that lie in three files, and their ids as plain lists."""
    rows = tokenizer(documents[:30], add_special_tokens=False)["input_ids"]
    whole = [[2, *row, 3] for row in rows]
    for name, part in (("a", whole[:9]), ("b", whole[9:10]), ("c", whole[10:])):
        write_ds(tmp_path / f"ids/{name}.ds", part)
    source = CorpusSource(name=str(tmp_path / "ids"), validation_share=1)
    corpus = token_corpus(source)
    assert corpus is not None
    layout = request.param
    cutter = cutter_of(corpus, tokenizer, "it", length=LENGTH, layout=layout)
    tokenise(tmp_path / "tokens", corpus, cutter)
    if layout == "first":
        return tmp_path / "tokens/train", [i for row in rows for i in [2, *row[:8], 3]]
    stream = [i for row in rows for i in [*row, 3]]
    pieces = [stream[at : at + 8] for at in range(0, len(stream) - 7, 8)]
    return tmp_path / "tokens/train", [i for piece in pieces for i in [2, *piece, 3]]


def test_every_place_is_that_of_the_plain_list(stored):
    folder, expected = stored
    ids = Tokens(folder).ids
    assert isinstance(ids, PlacedIds)
    assert len(ids) == len(expected)
    assert ids[:].tolist() == np.asarray(ids).tolist() == expected
    for part in (slice(3, 17), slice(-5, None), slice(40, 40), slice(1, 60, 7)):
        assert ids[part].tolist() == expected[part]
    assert ids.frequency(65).tolist() == np.bincount(expected, minlength=65).tolist()
    with pytest.raises(ValueError, match="train holds the id 64, and the vocabulary ends at 63"):
        ids.frequency(64)
    places = np.random.default_rng(1).integers(0, len(expected), (7, 5))
    assert ids.take(places).tolist() == np.asarray(expected)[places].tolist()
    assert ids.take(np.array([-3, len(expected) + 9])).tolist() == [expected[0], expected[-1]]


def test_a_file_of_another_date_is_the_same_if_its_contents_are(stored):
    folder, expected = stored
    os.utime(folder.parents[1] / "ids/a.ds", (1, 1))
    assert np.asarray(Tokens(folder).ids).tolist() == expected


def test_each_fault_is_a_sentence(stored):
    folder, _ = stored
    path = folder.parents[1] / "ids/a.ds"
    content = path.read_bytes()
    path.write_bytes(content[:4] + b"\5\0" + content[6:])
    with pytest.raises(ValueError, match=r"a\.ds was changed since .*train was made of it"):
        Tokens(folder)
    path.write_bytes(content[:-2])
    with pytest.raises(ValueError, match=r"a\.ds was changed since .*train was made of it"):
        Tokens(folder)
    path.unlink()
    with pytest.raises(ValueError, match=r"a\.ds, which .*train was made of, cannot be read \(No"):
        Tokens(folder)
    path.write_bytes(content)
    Tokens(folder)


@pytest.mark.parametrize("name", ["begins.bin", "ends.bin", "starts.npy", "shards.json"])
def test_a_changed_file_of_the_folder_is_named(stored, name):
    folder, _ = stored
    path = folder / name
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=name.replace(".", r"\.")):
        Tokens(folder)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("shards.json", b'{"files": [1]}', r"shards\.json names no files of token ids"),
        ("shards.json", b"[]", r"shards\.json names no files of token ids"),
        ("begins.bin", bytes(16), r"ends\.bin has 30 documents, and begins\.bin 2"),
        ("ends.bin", bytes(15), r"ends\.bin has 15 bytes, no whole numbers of 8"),
        ("ends.bin", bytes(240), r"ends\.bin gives 0 tokens, and \d+ are described"),
    ],
)
def test_what_does_not_fit_is_named(stored, name, content, sentence):
    folder, _ = stored
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=sentence):
        Tokens(folder)
