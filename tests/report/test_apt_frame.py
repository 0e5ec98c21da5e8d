"""The table of APT by token and depth, against values by hand."""

import numpy as np
import pytest

from hf_apt.report.apt_frame import apt_frame
from hf_apt.stats.counts import DepthCounts


@pytest.fixture
def counts() -> DepthCounts:
    """Token 3 asked four times and right 1 and 3 of them, token 1 asked twice and right 0 and 2."""
    references = np.array([3, 3, 1, 3, 3, 1])
    answers = np.array([[3, 0, 0, 0, 0, 0], [3, 3, 1, 3, 0, 1]])
    return DepthCounts.empty(2, 5).update(references, answers, np.array([0, 1, 2, 0, 0, 0]))


def test_a_row_for_each_token_that_was_asked_for_and_a_column_for_each_depth(counts):
    frame = apt_frame(counts, vocabulary=list("abcde"), frequency_V=np.arange(5) * 10)
    assert frame.to_dict("list") == {
        "token": ["d", "b"],
        "support": [4, 2],
        "frequency": [30, 10],
        "embeddings": [0.25, 0.0],
        "block 1": [0.75, 1.0],
    }
    assert frame.index.tolist() == [3, 1]
    assert list(apt_frame(counts, depths=["x", "y"]).columns) == ["support", "x", "y"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"vocabulary": ["a"]}, "1 texts in vocabulary, and the counts are of 5"),
        ({"frequency_V": np.zeros(6, int)}, "6 frequencies, and the counts are of 5"),
        ({"depths": ["x"]}, "1 names in depths, and the counts are of 2"),
    ],
)
def test_what_is_of_other_counts_is_refused(counts, given, told):
    with pytest.raises(ValueError, match=told):
        apt_frame(counts, **given)


def test_counts_show_what_they_are(counts):
    assert repr(counts) == "DepthCounts(2 depths, 6 positions of 2 tokens)"


def test_nothing_asked_is_an_empty_table():
    assert len(apt_frame(DepthCounts.empty(2, 5), vocabulary=list("abcde"))) == 0
