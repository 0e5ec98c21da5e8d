"""Laws of scores: sums by word and sentence, units, and errors over sentences."""

import math
from typing import Any

import numpy as np
import pytest

from hf_apt.stats.likelihood.sentence_scores import SentenceScore, SentenceScores

WORDED = SentenceScore(
    "un happy !",
    ("un", "##happy", "!"),
    np.array([[-1.0, -2.0, -4.0], [-0.5, -0.25, -8.0]]),
    ("unhappy", "!"),
    (0, 0, 1),
)
SHORT = SentenceScore("no", ("no",), np.array([[-3.0], [-1.0]]), ("no",), (0,), num_unknown=1)
SCORES = SentenceScores("original", (WORDED, SHORT))


def test_words_and_sentences_are_sums_of_tokens() -> None:
    assert WORDED.word_log_likelihoods_DW.tolist() == [[-3.0, -4.0], [-0.75, -8.0]]
    assert SCORES.log_likelihood_DS.tolist() == [[-7.0, -3.0], [-8.75, -1.0]]


def test_means_and_their_errors_are_over_sentences() -> None:
    mean = SCORES.mean_log_likelihood()[0]
    assert (mean.value, mean.standard_error, mean.num) == (-5.0, 2.0, 2)
    surprisal = SCORES.token_surprisal()[0]
    # 10 nats over 4 tokens; residuals 7 - 3 * 2.5 and 3 - 2.5 are -0.5 and 0.5.
    assert surprisal.value == 2.5
    assert surprisal.standard_error == pytest.approx(math.sqrt(0.5 / 2) / 2)
    one = SentenceScores("original", (SHORT,)).token_surprisal()[0]
    assert one.value == 3.0
    assert math.isnan(one.standard_error)


def test_the_error_of_a_surprisal_is_its_spread_over_samples() -> None:
    """Over many corpora of sentences drawn alike."""
    generator = np.random.default_rng(1)

    def drawn() -> SentenceScores:
        lengths = generator.integers(1, 20, 60)
        rates = generator.gamma(4.0, 0.5, 60)
        return SentenceScores(
            "original",
            tuple(
                SentenceScore("", ("x",) * n, -np.full((1, n), rate), None, None)
                for n, rate in zip(lengths, rates, strict=True)
            ),
        )

    estimates = [drawn().token_surprisal()[0] for _ in range(400)]
    spread = np.std([each.value for each in estimates])
    assert np.mean([each.standard_error for each in estimates]) == pytest.approx(spread, rel=0.1)


def test_bits_are_nats_over_log_two() -> None:
    nats, bits = (SCORES.token_surprisal(unit)[1].value for unit in ("nats", "bits"))
    assert bits == pytest.approx(nats / math.log(2))
    frame = SCORES.to_pandas("word", "bits")
    assert frame.columns.tolist() == ["sentence", "depth", "index", "word", "surprisal"]
    row = frame[(frame["sentence"] == 1) & (frame["depth"] == 0)].iloc[0]
    assert (row["word"], row["surprisal"]) == ("unhappy", pytest.approx(3 / math.log(2)))


@pytest.mark.parametrize(("level", "num"), [("sentence", 4), ("word", 6), ("token", 8)])
def test_tables_have_a_row_for_each_thing_at_each_depth(level, num) -> None:
    frame = SCORES.to_pandas(level)
    assert len(frame) == num
    column = "log_likelihood" if level == "sentence" else "surprisal"
    assert abs(float(frame[column].to_numpy().sum())) == pytest.approx(19.75)


def test_unknown_levels_units_and_words_are_refused() -> None:
    wordless = SentenceScores(
        "original", (SentenceScore("no", ("no",), np.zeros((1, 1)), None, None),)
    )
    wrong: list[tuple[SentenceScores, Any, str]] = [
        (SCORES, ("line",), "level is 'line'"),
        (SCORES, ("token", "hartleys"), "unit is 'hartleys'"),
        (wordless, ("word",), "does not say which tokens make a word"),
    ]
    for scores, arguments, words in wrong:
        with pytest.raises(ValueError, match=words):
            scores.to_pandas(*arguments)


def test_a_notebook_shows_what_was_scored() -> None:
    assert "2.438 ±" in SCORES._repr_html_()
