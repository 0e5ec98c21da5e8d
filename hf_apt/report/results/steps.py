"""What each step of a training brought: mean APT, the words learnt, and confusions."""
# S steps, D depths.

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hf_apt.report.formats import NOTHING, estimate, number, percent, short_depth
from hf_apt.stats.acquisition.measured_steps import Ages, MeasuredSteps
from hf_apt.stats.acquisition.step_confusions import TakenFor
from hf_apt.stats.apt import mean_apt
from hf_apt.stats.depth_figures import PlainEstimate
from hf_apt.stats.estimates import Estimate, plain

NUM_WORDS = 40
"""Words named of those that were learnt at a step and depth, where there is room."""
_BYTES, _BYTES_OF_AGES = 280_000, 120_000
"""Space of the page for the slider, and for the ages of single tokens, about."""
_BYTES_OF_CELL, _BYTES_OF_WORD, _BYTES_OF_PAIR = 25, 6, 15
NUM_PAIRS = 10
"""Confusions named of a step and depth, where there is room."""
_NUM_IN_TABLE = 8
"""Words and confusions of a step that the table names."""


@dataclass(frozen=True)
class MeasuredTraining:
    """What was measured of a training, and what follows from it."""

    measured: MeasuredSteps
    """Right answers by step, depth and token."""

    ages: Ages
    """When each token is training."""

    confusions: Sequence[list[list[TakenFor]] | None]
    """What tokens are taken for, by step and depth; None at steps where it was not kept."""

    word: Callable[[int], str]
    """A token as the page shows it."""


def means_by_step(measured: MeasuredSteps) -> list[list[PlainEstimate]]:
    """Mean APT at each step and depth; no value where answers are missing."""
    nothing: PlainEstimate = plain(Estimate(float("nan"), float("nan"), 0))
    return [
        [
            nothing if (hits_V < 0).any() else plain(mean_apt(hits_V, measured.support_V))
            for hits_V in hits_DV
        ]
        for hits_DV in measured.hits_SDV
    ]


def steps_content(
    training: MeasuredTraining, means_SD: Sequence[Sequence[PlainEstimate]], labels: Sequence[str]
) -> dict[str, Any]:
    """What the slider's script reads, as `script`, and the `rows` of a table of the last depth.

    A word counts as learnt at the step that is its age by APT. `script` has, by step and depth,
    `learnt`, the number of words and the most asked of them, and `taken`, pairs of token and answer
    with the share of the token's positions in per cent; tokens are numbers of its `words`. `ages`
    has, for each of the most asked tokens, its number and the index of its step at each depth, -1
    where it is not learnt.
    """
    numbers: dict[int, int] = {}

    def numbered(tokens: Sequence[int]) -> list[int]:
        return [numbers.setdefault(token, len(numbers)) for token in tokens]

    steps = training.measured.steps_S.tolist()
    room = _BYTES // max(len(steps) * len(labels), 1) - _BYTES_OF_CELL
    num_pairs = min(max(room * 2 // 3 // _BYTES_OF_PAIR, 2), NUM_PAIRS)
    most = min(max((room - num_pairs * _BYTES_OF_PAIR) // _BYTES_OF_WORD, 3), NUM_WORDS)
    learnt_SD = [
        [learnt_at(training, step, depth) for depth in range(len(labels))] for step in steps
    ]
    taken_SD = training.confusions or (None,) * len(steps)
    script = {
        "steps": steps,
        "depths": list(labels),
        "means": [[estimate(mean) for mean in means_D] for means_D in means_SD],
        "learnt": [
            [[len(tokens), *numbered(tokens[:most])] for tokens in by_depth]
            for by_depth in learnt_SD
        ],
        "taken": [
            by_depth
            and [
                [[*numbered([pair.token, pair.answer]), round(100 * pair.share)] for pair in pairs]
                for pairs in (each[:num_pairs] for each in by_depth)
            ]
            for by_depth in taken_SD
        ],
    }
    script["ages"] = _ages_of_tokens(training, numbered)
    script["words"] = [training.word(token) for token in numbers]
    rows = [
        {
            "step": number(step, 0),
            "mean": estimate(means_D[-1]),
            "num": number(len(by_depth[-1]), 0),
            "words": [training.word(token) for token in by_depth[-1][:_NUM_IN_TABLE]],
            "taken": [_said(training, pair) for pair in taken_D[-1][:_NUM_IN_TABLE]]
            if taken_D
            else [NOTHING],
        }
        for step, means_D, by_depth, taken_D in zip(
            steps, means_SD, learnt_SD, taken_SD, strict=True
        )
    ]
    options = [(depth, short_depth(label)) for depth, label in enumerate(labels)]
    return {"script": script, "rows": rows, "depth_options": options, "last": labels[-1]}


def learnt_at(training: MeasuredTraining, step: int, depth: int) -> list[int]:
    """The ids of the tokens whose age by APT is this step, the most asked first."""
    tokens = np.flatnonzero(training.ages.apt_ages_DV[depth] == step)
    order = np.argsort(-training.measured.support_V[tokens], kind="stable")
    return tokens[order].tolist()


def _ages_of_tokens(
    training: MeasuredTraining, numbered: Callable[[Sequence[int]], list[int]]
) -> list[list[int]]:
    ages_DV, support_V = training.ages.apt_ages_DV, training.measured.support_V
    most = _BYTES_OF_AGES // (12 + 4 * len(ages_DV))
    asked = np.flatnonzero(training.ages.final_apt_DV[-1] >= 0)  # NaN for those asked too seldom
    tokens = asked[np.argsort(-support_V[asked], kind="stable")][:most]
    steps_DT = np.searchsorted(training.measured.steps_S, np.nan_to_num(ages_DV[:, tokens]))
    steps_DT = np.where(np.isnan(ages_DV[:, tokens]), -1, steps_DT)
    return [
        [number, *steps_D]
        for number, steps_D in zip(numbered(tokens.tolist()), steps_DT.T.tolist(), strict=True)
    ]


def _said(training: MeasuredTraining, pair: TakenFor) -> str:
    return f"{training.word(pair.token)} → {training.word(pair.answer)} {percent(pair.share)}"
