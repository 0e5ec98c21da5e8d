"""Laws of minimal pairs: accuracies by paradigm, ties, the mean over paradigms."""

import numpy as np
import pytest

from hf_apt.stats.likelihood.pair_scores import PairScores
from hf_apt.stats.likelihood.sentence_scores import SentenceScore, SentenceScores


def of(values_DP) -> SentenceScores:
    return SentenceScores(
        "original",
        tuple(
            SentenceScore("", ("x",), np.array(column_D)[:, None], None, None)
            for column_D in zip(*values_DP, strict=True)
        ),
    )


SCORES = PairScores(
    good=of([[-1.0, -1.0, -1.0, -5.0], [-1.0, -2.0, -3.0, -4.0]]),
    bad=of([[-2.0, -1.0, -0.5, -6.0], [-2.0, -3.0, -4.0, -3.0]]),
    paradigms=("a", "a", "b", "b"),
)


def test_which_sentence_is_preferred() -> None:
    assert SCORES.preferred_DP.tolist() == [[1.0, 0.5, 0.0, 1.0], [1.0, 1.0, 1.0, 0.0]]


def test_accuracy_is_by_paradigm_and_depth() -> None:
    by_depth = {name: [at.value for at in depths] for name, depths in SCORES.accuracy().items()}
    assert by_depth == {"a": [0.75, 1.0], "b": [0.5, 0.5]}
    assert SCORES.accuracy()["b"][0].standard_error == pytest.approx(0.5)
    frame = SCORES.to_pandas()
    assert frame["accuracy"].tolist() == [0.75, 1.0, 0.5, 0.5]
    assert frame["num_pairs"].tolist() == [2] * 4


def test_overall_weighs_paradigms_alike_however_many_their_pairs() -> None:
    overall = SCORES.overall()
    assert [at.value for at in overall] == [0.625, 0.75]
    assert overall[1].standard_error == pytest.approx(0.25)
    more = PairScores(
        of([[-1.0] * 5]), of([[-2.0, -2.0, -2.0, -0.5, -0.5]]), ("a", "a", "a", "b", "b")
    )
    assert more.overall()[0].value == 0.5


def test_a_notebook_shows_the_accuracy() -> None:
    assert "0.75 ± 0.25" in SCORES._repr_html_()
