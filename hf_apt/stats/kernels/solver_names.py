"""Names of what solves a kernel."""

from __future__ import annotations

from typing import Literal, get_args

Solver = Literal["ridge", "logistic", "asymmetric"]
"""How a kernel predicts: least squares, softmax regression, or least squares for both sides."""

SOLVERS: tuple[Solver, ...] = get_args(Solver)
