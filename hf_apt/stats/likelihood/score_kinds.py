"""The kinds, units and levels of scores, by name."""

from typing import Literal

ScoreKind = Literal["original", "within_word_l2r", "causal"]
"""What a token's probability is given: all other tokens; all but the later ones of its word; those
before it."""

ScoreUnit = Literal["nats", "bits"]
"""Logarithms to the base e, or to the base 2."""

ScoreLevel = Literal["sentence", "word", "token"]
"""What a row of a table is about."""
