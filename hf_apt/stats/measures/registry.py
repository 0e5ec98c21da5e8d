"""All measures, in the order in which tables show them."""

from __future__ import annotations

from hf_apt.stats.measures.cross_entropy import CrossEntropy
from hf_apt.stats.measures.measure import Column, Measure
from hf_apt.stats.measures.prediction_depth import PredictionDepth
from hf_apt.stats.measures.rarefied_apt import RarefiedApt
from hf_apt.stats.measures.token_cross_entropy import TokenCrossEntropy

MEASURES: tuple[type[Measure], ...] = (
    RarefiedApt,
    CrossEntropy,
    PredictionDepth,
    TokenCrossEntropy,
)
"""A new measure is a line here (`hf_apt.stats.measures.measure`)."""

COLUMNS: tuple[Column, ...] = tuple(column for measure in MEASURES for column in measure.columns)
"""The figures of all measures."""
