"""What holds for every measure, so that tables, pages, logs and records can go over them all."""

import pickle

import numpy as np
import pytest

from hf_apt.stats.measures.answers import Answers
from hf_apt.stats.measures.readout import Readout
from hf_apt.stats.measures.registry import COLUMNS, MEASURES

DEPTHS, VOCAB = 3, 7


def batch(seed: int, num: int = 600) -> Answers:
    draw = np.random.default_rng(seed)
    return Answers(
        draw.integers(0, VOCAB, num),
        draw.integers(0, 3, num),
        draw.integers(0, 9, num),
        draw.integers(0, VOCAB, (DEPTHS, num)),
        draw.random((DEPTHS, num)),
    )


def read(*seeds: int) -> Readout:
    readout = Readout.empty(DEPTHS, VOCAB, MEASURES)
    for seed in seeds:
        readout.update(batch(seed))
    return readout


def test_keys_and_names_are_their_own():
    assert len({measure.name for measure in MEASURES}) == len(MEASURES)
    assert len({column.key for column in COLUMNS}) == len(COLUMNS)
    for column in COLUMNS:
        assert column.key.isidentifier()
        assert column.heading == column.heading.strip() != ""
        assert not column.meaning.endswith(".")


def test_every_column_has_a_figure_at_every_depth():
    figures = read(1, 2).figures()
    assert len(figures) == DEPTHS
    for depth in figures:
        assert list(depth) == [column.key for column in COLUMNS]
        assert all(np.isfinite(estimate.value) for estimate in depth.values())


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_a_measure_can_be_split_sent_and_kept(measure):
    whole, one, other = (read(*seeds).measures[measure.name] for seeds in ((1, 2), (1,), (2,)))
    sent = pickle.loads(pickle.dumps(one)).merge(pickle.loads(pickle.dumps(other)))
    kept = measure.from_arrays(sent.arrays())
    for mine, theirs in zip(kept.figures(), whole.figures(), strict=True):
        for key, estimate in theirs.items():
            assert mine[key].value == pytest.approx(estimate.value)
            assert mine[key].standard_error == pytest.approx(estimate.standard_error)
            assert mine[key].num == estimate.num


def test_readouts_merge_counts_and_measures():
    merged, whole = read(1).merge(read(2)), read(1, 2)
    assert np.array_equal(merged.counts.hits(), whole.counts.hits())
    for mine, theirs in zip(merged.figures(), whole.figures(), strict=True):
        assert {k: v.value for k, v in mine.items()} == pytest.approx(
            {k: v.value for k, v in theirs.items()}
        )


def test_a_bad_id_is_refused_before_anything_is_taken_in():
    readout = read(1, 2)
    before = readout.figures()
    wrong = batch(2)
    wrong.predictions_DN[1, 3] = VOCAB
    with pytest.raises(ValueError, match="prediction id 7 is outside 0 to 6"):
        readout.update(wrong)
    assert readout.figures() == before
