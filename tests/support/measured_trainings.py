"""A training of three measured steps, in which a word is learnt at each."""

from __future__ import annotations

import numpy as np

from hf_apt.report.acquisition import Acquisition
from hf_apt.report.results.acquisition_page import acquisition_page
from hf_apt.report.results.result_page import ResultPage
from hf_apt.report.results.steps import MeasuredTraining
from hf_apt.stats.acquisition.measured_steps import MeasuredSteps, ages
from hf_apt.stats.acquisition.step_confusions import TakenFor

STEPS = (10, 20, 50)
WORDS = ("the", "of", "<b>odd&", "never")
SUPPORT = np.array([40, 30, 20, 50])
AT_LAST = [[40, 0, 0, 0], [40, 30, 0, 0], [40, 30, 20, 0]]
"""Right answers at the last depth, by step; there are none at the first."""


def learnt(*, confusions: bool = True, missing: bool = False) -> Acquisition:
    """Its ages, with confusions from the second step on; or without answers of the first depth."""
    hits_SDV = np.stack([np.stack([np.zeros(4, int), np.array(hits)]) for hits in AT_LAST])
    if missing:
        hits_SDV[:, 0] = -1
    measured = MeasuredSteps(np.array(STEPS), hits_SDV, SUPPORT, None)
    taken = [[TakenFor(3, 0, 0.75)], [TakenFor(3, 2, 0.254)]]
    return Acquisition(
        name="runs/training/apt",
        words=WORDS,
        min_support=5,
        measured=measured,
        ages=ages(measured, min_support=5),
        confusions=(None, taken, taken) if confusions else (),
    )


def training_of(learnt: Acquisition) -> MeasuredTraining:
    """What the page's slider reads."""
    words = learnt.words or ()
    return MeasuredTraining(learnt.measured, learnt.ages, learnt.confusions, words.__getitem__)


def page_of(learnt: Acquisition) -> ResultPage:
    """The page, with its tables."""
    return acquisition_page(
        learnt.name,
        training_of(learnt),
        answer=learnt.sentence,
        tables=learnt.tables(),
        notes=learnt.notes(),
    )
