"""The sentences on the planted language: shares of known counts, nothing where nothing is known."""

from typing import Any

import numpy as np
import pytest

from hf_apt.cli.tables.measurement import footer
from hf_apt.report.planted_words import SEEDS, planted_words
from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.depth_summary import summarise_depths
from hf_apt.stats.readout_analysis import ReadoutAnalysis

PLANTED = np.array([-1, 0, 0, -1])
"""Two words of a class, two function words."""


def depths(num_right: tuple[int, ...], planted_V: np.ndarray | None):
    """Function words always right; each of the two others right in so many of 10, at each depth."""
    references = np.repeat(np.arange(4), 10)
    rows = []
    for right in num_right:
        answers = references.copy()
        answers[10 + right : 20] = 2
        answers[20 + right : 30] = 1
        rows.append(answers)
    counts = DepthCounts.empty(len(rows), 4).update(references, np.array(rows), 0 * references)
    return summarise_depths(ReadoutAnalysis.of_counts(counts), np.ones(4, int), planted_V=planted_V)


def summary(planted_V: np.ndarray | None = PLANTED) -> Any:
    return {
        "model": {"depths": ["embeddings", "block 1"]},
        "corpus": {"name": "planted", "sequences": "first", "sequence_length": 50},
        "masking": {"num_sequences": 10},
        "readouts": {"own_head": depths((1, 6), planted_V), "bayes": depths((8,), planted_V)},
    }


def test_the_share_is_that_of_the_last_depth_over_words_of_classes_alone():
    words, seeds = planted_words(summary(), "own_head")
    plain = words.replace("\xa0", " ")
    assert "Over the 2 words of planted classes, the 2 function words left out" in plain
    assert "0.600 ± 0.000 after block 1, 75 % of the exact ceiling (0.800 ± 0.000)" in plain
    assert seeds == SEEDS


@pytest.mark.parametrize("missing", ["ceiling", "classes", "figure", "function words alone"])
def test_nothing_is_said_where_it_is_not_known(missing):
    known = summary({"classes": None, "function words alone": np.full(4, -1)}.get(missing, PLANTED))
    if missing == "ceiling":
        del known["readouts"]["bayes"]
    if missing == "figure":
        del known["readouts"]["own_head"][-1]["mean_apt_planted"]
    assert planted_words(known, "own_head") == []


def test_the_terminal_says_it_in_lines_of_80():
    text = footer(summary())
    assert "75 % of the exact ceiling" in " ".join(text.split())
    assert "one seed of training" in " ".join(text.split())
    said = text[text.index("Over the") :].splitlines()
    assert max(map(len, said)) <= 80
