"""Laws of a run's folder: what is written is read, and what is missing is named."""

import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hf_apt.records.run import READOUTS, Run
from hf_apt.records.unchanged import write_fingerprints
from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.measures.answers import Answers
from hf_apt.stats.measures.readout import Readout
from hf_apt.stats.measures.registry import MEASURES


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


def written(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


@pytest.mark.parametrize(
    "content",
    [{"a": 1, "b": [None, True, 0.1, 1e-300]}, [], "ß 漢字 \u2028 😀", {"": {"": []}}, 2**70],
    ids=repr,
)
def test_json_reads_back_as_it_was_written(run: Run, content: object) -> None:
    run.write_json("summary.json", {"content": content})
    assert run.read_json("summary.json", "content") == {"content": content}
    assert run.path("summary.json").read_text(encoding="utf-8").endswith("\n")
    assert written(run.folder) == ["summary.json"]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.int64(1), {1, 2}], ids=repr)
def test_what_is_no_strict_json_is_refused_and_the_earlier_file_stays(
    run: Run, value: object
) -> None:
    run.write_json("summary.json", {"earlier": True})
    with pytest.raises((ValueError, TypeError), match="JSON"):
        run.write_json("summary.json", {"half": 1, "bad": value})
    assert run.read_json("summary.json") == {"earlier": True}
    assert written(run.folder) == ["summary.json"]


def test_json_is_written_in_readable_letters(run: Run) -> None:
    run.write_json("vocabulary.json", ["ß", "漢"])
    assert run.path("vocabulary.json").read_text(encoding="utf-8") == '[\n "ß",\n "漢"\n]\n'


def test_a_missing_file_is_named_with_its_run(run: Run) -> None:
    with pytest.raises(ValueError, match=r"no finished hf_apt run: it has no config\.json") as e:
        run.read_json("config.json")
    assert str(run.folder) in str(e.value)


@pytest.mark.parametrize("text", ["", "{", '{"a": 1} rest'])
def test_a_broken_file_is_named(run: Run, text: str) -> None:
    run.folder.mkdir()
    run.path("config.json").write_text(text)
    with pytest.raises(ValueError, match=r"config\.json is no valid JSON"):
        run.read_json("config.json")


@pytest.mark.parametrize("array", [np.arange(5), np.array([2**62, 1, 0]), np.empty(0, np.int64)])
def test_arrays_read_back_as_they_were_written(run: Run, array: np.ndarray) -> None:
    run.write_array("frequency.npy", array)
    run.write_array("planted.npy", array[::-1])
    planted = run.planted()
    assert planted is not None
    assert run.frequency().tolist() == array.tolist()
    assert planted.tolist() == array[::-1].tolist()
    assert run.frequency().dtype == array.dtype
    assert written(run.folder) == ["frequency.npy", "planted.npy"]


def test_an_array_of_objects_is_refused_and_leaves_nothing(run: Run) -> None:
    with pytest.raises(ValueError, match="[Oo]bject arrays"):
        run.write_array("frequency.npy", np.array([{}], object))
    assert written(run.folder) == []


def test_only_a_planted_language_has_planted_classes(run: Run) -> None:
    assert run.planted() is None


def test_the_vocabulary_reads_back_by_token_id(run: Run) -> None:
    run.write_json("vocabulary.json", ["[PAD]", "été", "##s"])
    assert run.vocabulary() == ["[PAD]", "été", "##s"]


def test_readouts_are_those_counted_in_their_fixed_order(run: Run) -> None:
    assert run.readouts() == []
    for num, readout in enumerate(reversed(READOUTS), start=1):
        DepthCounts.empty(1, 3).save(run.counts_path(readout))
        assert run.readouts() == list(READOUTS[-num:])
    assert written(run.folder) == sorted(f"counts/{readout}.npz" for readout in READOUTS)


def test_counts_read_back_by_readout(run: Run) -> None:
    for token, readout in enumerate(READOUTS[:-1]):
        counts = DepthCounts.empty(2, 10)
        counts.update(np.array([token]), np.array([[token], [9]]), np.array([0]))
        counts.save(run.counts_path(readout))
    for token, readout in enumerate(READOUTS[:-1]):
        hits = run.counts(readout).hits()
        assert np.flatnonzero(hits[0]).tolist() == [token]
        assert hits[1].sum() == 0


# A run whose files do not fit each other.

VOCAB, DEPTHS, POSITIONS = 40, 3, 900


@pytest.fixture
def measured(tmp_path: Path) -> Run:
    """A run of the planted language, as far as its answers are counted."""
    run = Run(str(tmp_path / "run"))
    rng = np.random.default_rng(2)
    readout = Readout.empty(DEPTHS, VOCAB, MEASURES)
    readout.update(
        Answers(
            rng.integers(0, VOCAB, POSITIONS),
            rng.integers(0, 3, POSITIONS),
            np.sort(rng.integers(0, 50, POSITIONS)),
            rng.integers(0, VOCAB, (DEPTHS, POSITIONS)),
            rng.random((DEPTHS, POSITIONS)),
        )
    )
    run.write_readout("own_head", readout)
    run.write_json("config.json", {"corpus": {"num_documents": 7}})
    run.write_json("model.json", {"depths": ["a", "b", "c"], "vocab_size": VOCAB})
    run.write_json("vocabulary.json", [f"w{index}" for index in range(VOCAB)])
    run.write_array("frequency.npy", np.arange(VOCAB))
    run.write_array("planted.npy", np.arange(VOCAB) % 5 - 1)
    write_fingerprints(run.folder)
    return run


def read_all(run: Run) -> None:
    run.readout("own_head")
    run.frequency(), run.planted(), run.vocabulary()


def test_measures_that_are_made_no_more_do_not_stay(measured: Run) -> None:
    former = measured.path("measures/own_head-of_old.npz")
    other = measured.path("measures/own_head_too-of_old.npz")
    for path in (former, other):
        path.write_bytes(b"")
    measured.write_readout("own_head", measured.readout("own_head"))
    assert not former.exists()
    assert other.exists()
    read_all(measured)


def test_a_run_given_as_text_is_read_whole(measured: Run) -> None:
    read_all(measured)
    assert measured == Run(measured.folder)
    readout = measured.readout("own_head")
    assert set(readout.measures) == {measure.name for measure in MEASURES}
    assert readout.counts.num_depths == DEPTHS


def arrays_of(run: Run, name: str, **changes: Callable[[np.ndarray], np.ndarray]) -> None:
    with np.load(run.path(name)) as loaded:
        arrays = dict(loaded)
    for key, change in changes.items():
        arrays[key] = change(arrays[key])
    run.write_arrays(name, **arrays)


LOSSES, PREDICTED = "measures/own_head-cross_entropy.npz", "measures/own_head-prediction_depth.npz"

MISFITS: dict[str, tuple[str, Callable[[Run], object]]] = {
    "vocabulary shorter": (
        "vocabulary.json",
        lambda run: run.write_json("vocabulary.json", list("abcdefghij")),
    ),
    "vocabulary of numbers": (
        "vocabulary.json",
        lambda run: run.write_json("vocabulary.json", list(range(VOCAB))),
    ),
    "vocabulary an object": ("vocabulary.json", lambda run: run.write_json("vocabulary.json", {})),
    "frequencies shorter": (
        "frequency.npy",
        lambda run: run.write_array("frequency.npy", np.arange(VOCAB - 1)),
    ),
    "frequencies of fractions": (
        "frequency.npy",
        lambda run: run.write_array("frequency.npy", np.ones(VOCAB)),
    ),
    "a negative frequency": (
        "frequency.npy",
        lambda run: run.write_array("frequency.npy", np.arange(VOCAB) - 1),
    ),
    "frequencies cut": ("frequency.npy", lambda run: truncated(run, "frequency.npy", 0.5)),
    "frequencies empty": ("frequency.npy", lambda run: truncated(run, "frequency.npy", 0)),
    "planted missing": ("planted.npy is missing", lambda run: run.path("planted.npy").unlink()),
    "planted longer": (
        "planted.npy",
        lambda run: run.write_array("planted.npy", np.zeros(VOCAB + 1, int)),
    ),
    "another planted class": (
        "planted.npy was changed",
        lambda run: run.write_array("planted.npy", np.roll(run.planted(), 1)),
    ),
    "frequencies of other tokens": (
        "frequency.npy was changed",
        lambda run: run.write_array("frequency.npy", np.roll(run.frequency(), 1)),
    ),
    "a token renamed": (
        "vocabulary.json was changed",
        lambda run: run.write_json("vocabulary.json", [*run.vocabulary()[:-1], "other"]),
    ),
    "planted cut": ("planted.npy", lambda run: truncated(run, "planted.npy", 0.9)),
    "other tokens": (
        "description.json",
        lambda run: run.write_json("tokens/train/description.json", {"vocab_size": VOCAB + 2}),
    ),
    "a depth more in the model": (
        "own_head.npz is of 3 depths",
        lambda run: run.write_json("model.json", {"depths": list("abcd"), "vocab_size": VOCAB}),
    ),
    "more tokens in the model": (
        "own_head.npz is of 40 tokens",
        lambda run: run.write_json("model.json", {"depths": list("abc"), "vocab_size": 99}),
    ),
    "losses of one depth fewer": (
        LOSSES,
        lambda run: arrays_of(run, LOSSES, sums_DS=lambda sums_DS: sums_DS[:-1]),
    ),
    "a loss that is no number": (
        LOSSES,
        lambda run: arrays_of(run, LOSSES, sums_DS=lambda sums_DS: sums_DS * np.nan),
    ),
    "losses of fewer sequences": (
        LOSSES,
        lambda run: arrays_of(run, LOSSES, sums_DS=lambda sums_DS: sums_DS[:, 1:]),
    ),
    "more positions": (
        LOSSES,
        lambda run: arrays_of(run, LOSSES, positions_S=lambda positions_S: positions_S + 1),
    ),
    "losses cut": (LOSSES, lambda run: truncated(run, LOSSES, 0.5)),
    "settled beyond final": (
        PREDICTED,
        lambda run: arrays_of(run, PREDICTED, settled_DV=lambda settled_DV: settled_DV + 1),
    ),
    "other final answers": (
        PREDICTED,
        lambda run: arrays_of(run, PREDICTED, same_DV=lambda a: 2 * a, settled_DV=lambda a: 2 * a),
    ),
    "answers of fractions": (
        PREDICTED,
        lambda run: arrays_of(run, PREDICTED, same_DV=lambda same_DV: same_DV * 0.5),
    ),
    "counts cut": ("counts/own_head.npz", lambda run: truncated(run, "counts/own_head.npz", 0.5)),
}


def truncated(run: Run, name: str, left: float) -> None:
    content = run.path(name).read_bytes()
    run.path(name).write_bytes(content[: int(left * len(content))])


@pytest.mark.parametrize("kind", MISFITS)
def test_files_that_do_not_fit_each_other_are_named(measured: Run, kind: str) -> None:
    named, damage = MISFITS[kind]
    damage(measured)
    with pytest.raises(ValueError, match=re.escape(named)) as refusal:
        read_all(measured)
    assert "\n" not in str(refusal.value)


def test_a_run_of_other_text_needs_no_planted_classes(measured: Run) -> None:
    measured.path("planted.npy").unlink()
    write_fingerprints(measured.folder)
    measured.write_json("config.json", {"corpus": {"name": "wikitext"}})
    assert measured.planted() is None


def test_a_record_of_another_type_or_without_a_key_is_named(measured: Run) -> None:
    measured.path("environment.json").write_text("[]")
    with pytest.raises(ValueError, match=r"environment\.json holds no JSON object"):
        measured.read_json("environment.json")
    measured.path("environment.json").write_text("{}")
    with pytest.raises(ValueError, match=r"environment\.json does not say command"):
        measured.read_json("environment.json", "command")


def test_best_answers_of_other_positions_are_refused(measured: Run) -> None:
    best = DepthCounts.empty(1, VOCAB)
    own = measured.counts("own_head").support()
    tokens = np.repeat(np.arange(VOCAB), own)
    best.update(tokens, tokens[None], 0 * tokens).save(measured.counts_path("bayes"))
    assert measured.counts("bayes").support().tolist() == own.tolist()
    best.update(tokens[:1], tokens[None, :1], 0 * tokens[:1]).save(measured.counts_path("bayes"))
    with pytest.raises(ValueError, match=r"bayes\.npz is of other positions than .*own_head\.npz"):
        measured.counts("bayes")
