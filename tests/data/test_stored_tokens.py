"""Laws of stored tokens: a folder whose files do not fit each other is refused, and named."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hf_apt.data.tokens import Tokens


@pytest.fixture
def folder(tokens, tmp_path) -> Path:
    for path in tokens.folder.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    assert len(Tokens(str(tmp_path))) == 101
    return tmp_path


def described(**changes: object) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / "description.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return damage


def without(key: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        content = json.loads((folder / "description.json").read_text())
        del content[key]
        (folder / "description.json").write_text(json.dumps(content))

    return damage


def cut(name: str, left: float) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(len(content) * left)])

    return damage


def doubled(folder: Path) -> None:
    (folder / "ids.bin").write_bytes((folder / "ids.bin").read_bytes() * 2)


def starts(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    return lambda folder: np.save(folder / "starts.npy", change(np.load(folder / "starts.npy")))


def swapped(array: np.ndarray) -> np.ndarray:
    array[[3, 4]] = array[[4, 3]]
    return array


def joined(array: np.ndarray) -> np.ndarray:
    """Two sequences made one, and another one made two: one is too long."""
    return np.sort(np.append(np.delete(array, 7), array[20] + 1))


def moved(array: np.ndarray) -> np.ndarray:
    """A boundary one token earlier, before a short sequence: all lengths are possible ones."""
    lengths = np.diff(array)
    array[1 + np.flatnonzero((lengths[1:] < lengths.max()) & (lengths[:-1] > 1))[0]] -= 1
    return array


def changed(folder: Path, place: int) -> None:
    """Another token of the vocabulary at one place."""
    ids = np.fromfile(folder / "ids.bin", np.uint16)
    ids[place] = ids[place] % 64 + 1
    ids.tofile(folder / "ids.bin")


DAMAGE: dict[str, tuple[str, Callable[[Path], None]]] = {
    "ids cut to half": ("ids.bin", cut("ids.bin", 0.5)),
    "ids empty": ("ids.bin", cut("ids.bin", 0)),
    "ids missing": ("ids.bin", lambda folder: (folder / "ids.bin").unlink()),
    "ids doubled": ("ids.bin", doubled),
    "starts cut to half": ("starts.npy", cut("starts.npy", 0.5)),
    "starts empty": ("starts.npy", cut("starts.npy", 0)),
    "starts missing": ("starts.npy", lambda folder: (folder / "starts.npy").unlink()),
    "starts of fractions": ("starts.npy", starts(lambda array: array.astype(float))),
    "starts of two rows": ("starts.npy", starts(lambda array: array[None])),
    "starts unsorted": ("starts.npy", starts(swapped)),
    "starts without their end": ("starts.npy", starts(lambda array: array[:-1])),
    "starts moved": ("starts.npy", starts(lambda array: array + 1)),
    "a sequence too long": ("starts.npy", starts(joined)),
    "description cut": ("description.json", cut("description.json", 0.5)),
    "description empty": ("description.json", cut("description.json", 0)),
    "description a list": (
        "description.json",
        lambda folder: (folder / "description.json").write_text("[]") and None,
    ),
    "key missing": ("pad_id is missing", without("pad_id")),
    "key unknown": ("extra is unknown", described(extra=1)),
    "mask of no special token": ("mask_id 9 is not among special_ids", described(mask_id=9)),
    "mask outside": ("mask_id 65 is outside the vocabulary of 65", described(mask_id=65)),
    "padding negative": ("pad_id -1 is outside", described(pad_id=-1)),
    "special ids outside": ("special_ids 700 is outside", described(special_ids=[0, 4, 700])),
    "special ids a number": ("special_ids is 4, not a list", described(special_ids=4)),
    "vocabulary of none": ("vocab_size is 0", described(vocab_size=0)),
    "vocabulary of 32 bits": ("ids.bin", described(vocab_size=70_000)),
    "vocabulary a text": ("vocab_size is '65'", described(vocab_size="65")),
    "length true": ("sequence_length is True", described(sequence_length=True)),
    "length too short": ("starts.npy", described(sequence_length=8)),
    "layout unknown": ("layout is 'last'", described(layout="last")),
    "tokens more": ("starts.npy", described(num_tokens=10**6)),
    "sequences fewer": ("starts.npy", described(num_sequences=100)),
    "fingerprints a list": ("fingerprints is [1]", described(fingerprints=[1])),
    "a token another one": ("ids.bin was changed", lambda folder: changed(folder, 5)),
    "mask another special token": ("description.json was changed", described(mask_id=0)),
    "padding another special token": ("description.json was changed", described(pad_id=4)),
    "a sequence longer by one": ("starts.npy was changed", starts(moved)),
    "not a number": ("description.json", described(num_tokens=float("nan"))),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_files_that_do_not_fit_each_other_are_refused_by_name(folder, kind) -> None:
    named, damage = DAMAGE[kind]
    damage(folder)
    with pytest.raises(ValueError, match=re.escape(named)) as refusal:
        Tokens(folder)
    assert str(folder) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_folder_made_before_there_were_fingerprints_is_opened(folder) -> None:
    without("fingerprints")(folder)
    assert len(Tokens(folder)) == 101


def test_an_id_outside_the_vocabulary_is_refused_where_it_is_read(folder) -> None:
    """In a folder without fingerprints, where nothing else shows it."""
    without("fingerprints")(folder)
    before = Tokens(folder)
    ids = np.array(before.ids)
    ids[before.starts[5] + 1] = 65
    (folder / "ids.bin").write_bytes(ids.tobytes())
    tokens = Tokens(folder)
    with pytest.raises(ValueError, match=r"ids\.bin holds the id 65, .* ends at 64"):
        tokens.frequency()
    with pytest.raises(ValueError, match=r"ids\.bin holds the id 65"):
        tokens.padded(np.array([4, 5]))
    far = np.array([90])
    assert np.array_equal(tokens.padded(far), before.padded(far))
