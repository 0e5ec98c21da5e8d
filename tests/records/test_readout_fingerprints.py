"""Counts and measures that are whole but not those that were measured are refused by name."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hf_apt.records.run import Run
from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.measures.answers import Answers
from hf_apt.stats.measures.readout import Readout
from hf_apt.stats.measures.registry import MEASURES

DEPTHS, VOCAB, POSITIONS = 3, 12, 400


def readout(seed: int) -> Readout:
    rng = np.random.default_rng(seed)
    readout = Readout.empty(DEPTHS, VOCAB, MEASURES)
    readout.update(
        Answers(
            np.arange(POSITIONS) % VOCAB,
            np.arange(POSITIONS) % 3,
            np.arange(POSITIONS) // 20,
            rng.integers(0, VOCAB, (DEPTHS, POSITIONS)),
            rng.random((DEPTHS, POSITIONS)),
        )
    )
    return readout


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run(tmp_path / "run")
    run.write_readout("own_head", readout(0))
    return run


def of_another_run(run: Run, name: str) -> None:
    other = Run(run.folder.parent / "other")
    other.write_readout("own_head", readout(1))
    run.path(name).write_bytes(other.path(name).read_bytes())


def edited(run: Run, name: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    with np.load(run.path(name)) as loaded:
        arrays = {key: change(loaded[key]) for key in loaded.files}
    run.write_arrays(name, **arrays)


@pytest.mark.parametrize(
    "name", ["counts/own_head.npz", *(f"measures/own_head-{m.name}.npz" for m in MEASURES)]
)
def test_a_file_of_another_run_is_named(run: Run, name: str) -> None:
    of_another_run(run, name)
    with pytest.raises(ValueError, match=re.escape(name.split("/")[1])):
        run.readout("own_head")


@pytest.mark.parametrize("name", ["cross_entropy", "token_cross_entropy"])
def test_losses_in_other_places_are_named(run: Run, name: str) -> None:
    # As many depths, tokens, sequences and positions: no law of the file's own is broken.
    edited(run, f"measures/own_head-{name}.npz", np.flip)
    with pytest.raises(ValueError, match=rf"own_head-{name}\.npz holds other numbers"):
        run.readout("own_head")


def test_numbers_not_bytes_are_compared(run: Run) -> None:
    for path in [*run.path("measures").glob("*.npz"), run.counts_path("own_head")]:
        with np.load(path) as loaded:
            np.savez(path, **dict(loaded))  # not compressed: other bytes
    assert run.readout("own_head").counts.num_depths == DEPTHS


def test_a_run_without_fingerprints_is_read_as_it_is(run: Run) -> None:
    of_another_run(run, "measures/own_head-cross_entropy.npz")
    run.path("measures/own_head.json").unlink()
    run.readout("own_head")


def test_a_file_of_fingerprints_that_is_none_is_named(run: Run) -> None:
    run.path("measures/own_head.json").write_text("[]")
    with pytest.raises(ValueError, match=r"measures/own_head\.json holds no JSON object"):
        run.readout("own_head")


def test_exact_best_answers_are_compared_too(run: Run) -> None:
    tokens = np.arange(POSITIONS) % VOCAB
    best = Readout(DepthCounts.empty(1, VOCAB).update(tokens, tokens[None], 0 * tokens), {})
    run.write_readout("bayes", best)
    worse = DepthCounts.empty(1, VOCAB).update(tokens, 0 * tokens[None], 0 * tokens)
    run.counts("bayes")
    worse.save(run.counts_path("bayes"))
    with pytest.raises(ValueError, match=r"bayes\.npz holds other numbers than were measured"):
        run.counts("bayes")
