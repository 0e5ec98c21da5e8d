"""The benchmark of the demo over seeds: its shares, of counts that are known, and its bar."""

import json

import numpy as np

from hf_apt.stats.counts import DepthCounts
from tests.benchmarks import demo_seeds

IS_CONTENT = np.array([False, True, True, False])
"""Of four words the two in the middle; the others are function words."""


def answers(num_right: int) -> np.ndarray:
    """The answers to ten questions for each word: function words right, others so many times."""
    answers_N = np.repeat(np.arange(4), 10)
    answers_N[10 + num_right : 20] = 2
    answers_N[20 + num_right : 30] = 1
    return answers_N


def counts(*num_right: int) -> DepthCounts:
    """One depth for each number of right answers to content words, of ten."""
    references_N = np.repeat(np.arange(4), 10)
    answers_DN = np.array([answers(right) for right in num_right])
    return DepthCounts.empty(len(num_right), 4).update(references_N, answers_DN, 0 * references_N)


def test_it_is_the_last_depth_over_the_ceiling_with_and_without_function_words(capsys):
    best = counts(8).at(0)
    assert demo_seeds.reaches(42, counts(1, 7), best, IS_CONTENT)
    assert not demo_seeds.reaches(43, counts(9, 6), best, IS_CONTENT)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["ratio"] for line in lines] == [
        round((2 + 1.4) / (2 + 1.6), 3),  # of four words two are always right
        round(0.7 / 0.8, 3),
        round((2 + 1.2) / (2 + 1.6), 3),
        round(0.6 / 0.8, 3),
    ]
    assert ["seed 42" in line["benchmark"] for line in lines] == [True, True, False, False]
