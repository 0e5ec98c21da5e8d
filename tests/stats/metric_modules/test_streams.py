"""Laws of what a metric keeps: hits as from all pairs, at the cost of the tokens alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_apt.stats.metric_modules.hit_stream import HitStream
from hf_apt.stats.metric_modules.streams import (
    ConfidenceStream,
    PairStream,
)

settings.register_profile("laws", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("laws")

token = st.integers(0, 5)
pairs_of = st.lists(st.tuples(token, token, st.integers(0, 2)), min_size=1, max_size=40)


@given(pairs_of)
def test_hits_and_support_are_those_of_all_pairs(pairs: list[tuple[int, int, int]]) -> None:
    columns = np.array(pairs).T
    hits, whole = HitStream().update(*columns), PairStream().update(*columns)
    assert len(hits) == len(whole) == len(pairs)
    assert hits.treatments == whole.treatments == ("masked", "replaced", "unchanged")
    for treatment in (None, *whole.treatments):
        counts, expected = hits.pairs(treatment), whole.pairs(treatment)
        assert counts.vocab_size == expected.vocab_size == columns[:2].max() + 1
        assert counts.hits().tolist() == expected.hits().tolist()
        assert counts.support().tolist() == expected.support().tolist()
        assert len(counts.keys) <= 2 * len(set(columns[1].tolist()))


@given(pairs_of, st.integers(0, 40))
def test_merged_streams_are_one(pairs: list[tuple[int, int, int]], cut: int) -> None:
    columns = np.array(pairs).T
    parts = [PairStream().update(*columns[:, :cut]), PairStream().update(*columns[:, cut:])]
    merged = PairStream().merge(parts[1]).merge(parts[0])
    assert len(parts[0]) == min(cut, len(pairs))
    for treatment in (None, "masked"):
        counts, expected = merged.pairs(treatment), PairStream().update(*columns).pairs(treatment)
        assert (counts.keys.tolist(), counts.counts.tolist()) == (
            expected.keys.tolist(),
            expected.counts.tolist(),
        )


def test_a_merged_stream_is_left_as_it_was() -> None:
    first, second = (ConfidenceStream().update([0.5], [share]) for share in (0.1, 0.2))
    first.merge(second).update([0.7], [0.3])
    assert (len(first), len(second)) == (3, 1)
    pairs, others = PairStream().update([1], [2]), PairStream().update([3], [4])
    pairs.merge(others).update([5], [6])
    assert (len(pairs), len(others)) == (3, 1)
    assert others.pairs().vocab_size == 5


@pytest.mark.parametrize("stream_type", [HitStream, PairStream])
def test_an_id_of_any_size_is_counted_whenever_it_comes(stream_type) -> None:
    """Small ids are held in narrower keys, which give way to wide ones with what they counted."""
    last, far = 46_339, 70_000
    batches = [
        ([0, last, 3], [0, last, last]),
        ([last + 1, 0, far], [0, 1, far]),
        ([3, far], [3, last]),
    ]
    streams = [stream_type().update(predictions, true) for true, predictions in batches]
    whole, joined, turned = stream_type(), stream_type(), stream_type()
    for (true, predictions), part in zip(batches, streams, strict=True):
        whole.update(predictions, true)
        joined.merge(part)
    for part in reversed(streams):
        turned.merge(part)
    asked = {0: 2, 3: 2, last: 1, last + 1: 1, far: 2}
    right = {0: 1, 3: 1, last: 1, far: 1}
    for stream in (whole, joined, turned):
        pairs = stream.pairs()
        assert pairs.vocab_size == far + 1
        support, hits = pairs.support(), pairs.hits()
        assert {id_: support[id_] for id_ in np.flatnonzero(support).tolist()} == asked
        assert {id_: hits[id_] for id_ in np.flatnonzero(hits).tolist()} == right
    assert [len(part) for part in streams] == [3, 3, 2]
    assert streams[0].pairs().vocab_size == last + 1
