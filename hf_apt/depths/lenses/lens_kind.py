"""Kinds of lenses that are fitted to a model."""

from __future__ import annotations

from typing import Literal

LensKind = Literal["jacobian", "translator"]
"""`jacobian`: the corpus mean of the derivative of the last state by that at the depth.
`translator`: trained to answer as the last depth does (the tuned lens of arXiv 2303.08112)."""
