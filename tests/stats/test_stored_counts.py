"""Laws of stored counts: a file that breaks one is refused, and named."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hf_apt.stats.counts import TREATMENTS, DepthCounts
from hf_apt.stats.stored_counts import stored_tables

VOCAB = 30
Arrays = dict[str, np.ndarray]
KEYS, COUNTS = "depth_1.masked.keys", "depth_1.masked.counts"


@pytest.fixture
def path(tmp_path: Path) -> str:
    rng = np.random.default_rng(0)
    counts = DepthCounts.empty(3, VOCAB)
    counts.update(
        rng.integers(0, VOCAB, 400), rng.integers(0, VOCAB, (3, 400)), rng.integers(0, 3, 400)
    )
    counts.save(str(tmp_path / "own_head.npz"))  # a path may be text
    return str(tmp_path / "own_head.npz")


def change(name: str, new: Callable[[np.ndarray], np.ndarray]) -> Callable[[Arrays], None]:
    return lambda arrays: arrays.update({name: new(arrays[name])})


def swapped(array: np.ndarray) -> np.ndarray:
    return array[[1, 0, *range(2, len(array))]]


def repeated(array: np.ndarray) -> np.ndarray:
    return array[[0, 0, *range(2, len(array))]]


def replaced(place: int, value: int) -> Callable[[np.ndarray], np.ndarray]:
    def new(array: np.ndarray) -> np.ndarray:
        array[place] = value
        return array

    return new


def without(*endings: str) -> Callable[[Arrays], None]:
    def damage(arrays: Arrays) -> None:
        for name in [name for name in arrays if name.startswith(endings) or name.endswith(endings)]:
            del arrays[name]

    return damage


def of_size(size: object) -> Callable[[Arrays], None]:
    return lambda arrays: arrays.update(vocab_size=np.array(size))


DAMAGE: dict[str, tuple[str, Callable[[Arrays], None]]] = {
    "negative count": (f"{COUNTS[:-7]} holds a count below 1", change(COUNTS, replaced(0, -2))),
    "count of zero": ("count below 1", change(COUNTS, replaced(3, 0))),
    "enormous count": ("beyond 2\\^62", change(COUNTS, replaced(3, 2**62))),
    "counts of fractions": ("float64 counts", change(COUNTS, lambda array: array + 0.5)),
    "keys of fractions": ("float64 pairs", change(KEYS, lambda array: array + 0.5)),
    "wide keys": ("int64 pairs", change(KEYS, lambda array: array.astype(np.int64))),
    "unsorted": ("not ascending and distinct", change(KEYS, swapped)),
    "repeated": ("not ascending and distinct", change(KEYS, repeated)),
    "negative key": ("outside a vocabulary of 30", change(KEYS, replaced(0, -1))),
    "key of the square": ("outside a vocabulary of 30", change(KEYS, replaced(-1, VOCAB**2))),
    "fewer counts": ("and counts", change(COUNTS, lambda array: array[:-1])),
    "two rows": ("and counts", change(COUNTS, lambda array: array[None])),
    "middle depth missing": ("incomplete .depth_1", without("depth_1.")),
    "last depth half missing": ("incomplete .depth_2", without("depth_2.unchanged")),
    "a treatment missing": ("incomplete", without("masked.keys", "masked.counts")),
    "no depth": ("no depth", without("depth_")),
    "something else": ("incomplete .extra", lambda arrays: arrays.update(extra=np.zeros(3))),
    "doubled depth": ("at depth 1 other tokens", change(COUNTS, lambda array: 2 * array)),
    "no size": ("does not say vocab_size", without("vocab_size")),
    "size of a fraction": ("does not say vocab_size", of_size(30.0)),
    "size of a list": ("does not say vocab_size", of_size([30])),
    "size zero": ("vocab_size is 0", of_size(0)),
    "size smaller": ("outside a vocabulary of 9", of_size(9)),
    "size larger": ("other tokens", of_size(31)),
    "size of a thousand million": ("int32 pairs", of_size(10**9)),
    "size beyond all": ("vocab_size is 10000000000", of_size(10**10)),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_broken_law_is_refused_by_the_name_of_the_file(path: str, kind: str) -> None:
    said, damage = DAMAGE[kind]
    with np.load(path) as loaded:
        arrays = dict(loaded)
    damage(arrays)
    np.savez_compressed(path, allow_pickle=False, **arrays)
    with pytest.raises(ValueError, match=rf"own_head\.npz holds no counts: .*{said}"):
        DepthCounts.load(path)


@pytest.mark.parametrize("left", [0, 0.3, 0.5, 0.99])
def test_a_file_that_was_cut_short_is_named(path: str, left: float) -> None:
    content = Path(path).read_bytes()
    Path(path).write_bytes(content[: int(left * len(content))])
    with pytest.raises(ValueError, match=r"own_head\.npz cannot be read"):
        DepthCounts.load(path)


def test_every_changed_byte_is_refused_or_changes_nothing(path: str) -> None:
    """The checksums of the zip and the laws, together, let no other numbers through."""
    whole, content = DepthCounts.load(path), bytearray(Path(path).read_bytes())
    for place in range(0, len(content), 97):
        content[place] ^= 0x40
        Path(path).write_bytes(content)
        content[place] ^= 0x40
        again, refusal = whole, "own_head.npz"
        try:
            again = DepthCounts.load(path)
        except ValueError as error:
            refusal = str(error)
        assert "own_head.npz" in refusal
        assert np.array_equal(again.hits(), whole.hits())
        assert np.array_equal(again.support(), whole.support())


def test_no_hits_beyond_the_support(path: str) -> None:
    loaded = DepthCounts.load(path)
    assert (loaded.hits() <= loaded.support()).all()


def test_counts_of_nothing_are_counts() -> None:
    none = {
        f"depth_0.{treatment}.{part}": np.empty(0, dtype)
        for treatment in TREATMENTS
        for part, dtype in (("keys", np.int32), ("counts", np.int64))
    }
    size, tables = stored_tables({"vocab_size": np.array(3), **none}, TREATMENTS)
    assert (size, len(tables), len(tables[0])) == (3, 1, 3)
