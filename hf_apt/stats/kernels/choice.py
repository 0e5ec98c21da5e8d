"""The settings of a kernel's solver, chosen on texts of their own."""
# J: texts that are predicted. O: outputs of a function.

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hf_apt.stats.kernels.asymmetric import asymmetric_solution
from hf_apt.stats.kernels.kernel_tensor import (
    ROUNDING,
    as_square,
    class_targets,
    is_symmetric,
    operator_norm,
    output_accuracy,
)
from hf_apt.stats.kernels.logistic import kernel_logistic
from hf_apt.stats.kernels.ridge import kernel_prediction
from hf_apt.stats.kernels.solver_names import SOLVERS, Solver

REGULARISATIONS = (0.0, 0.001, 0.01, 0.1, 1.0)
"""Relative to the operator norm, as in arXiv 2210.05643."""

START_SCALES = (10.0, 100.0, 1000.0, 10_000.0, float("inf"))
"""What outputs before training are divided by, as in arXiv 2210.05643; infinite drops them."""


@dataclass(frozen=True)
class ChosenPrediction:
    """What a kernel predicts with the settings that were best elsewhere."""

    outputs_JO: Float[np.ndarray, "J O"]
    """Predicted for the texts that nothing was chosen with."""

    regularisation: float
    """Relative to the operator norm."""

    start_scale: float
    """What outputs before training were divided by."""

    validation_accuracy: float
    """Accuracy on the texts that settings were chosen with, in [0, 1]."""


Solved = Iterator[tuple[float, float, np.ndarray]]
"""Regularisation, scale of the start, and coefficients."""


def chosen_prediction(
    kernels: tuple[np.ndarray, np.ndarray, np.ndarray],
    labels_I: np.ndarray,
    starts: tuple[np.ndarray, np.ndarray, np.ndarray],
    validation_labels: np.ndarray,
    *,
    solver: Solver = "ridge",
    regularisations: Sequence[float] = REGULARISATIONS,
    start_scales: Sequence[float] = START_SCALES,
) -> ChosenPrediction:
    """The prediction of a kernel with the regularisation and start of best validation accuracy.

    Of equally good ones, that with the larger regularisation, then the larger scale. Ridge
    regression decomposes the kernel once, whatever is tried; the other solvers take no
    regularisation of 0, and the asymmetric one no start.

    Args:
        kernels: of training, validation and test texts, each with the training texts.
        labels_I: the class of each training text.
        starts: the outputs before training of the same three.
        validation_labels: the class of each validation text.
        solver: how it is solved.
        regularisations: relative to the operator norm, at least 0; one above 0 at least.
        start_scales: what outputs before training are divided by; one at least.

    Returns:
        The prediction for the test texts, and what was chosen.

    Raises:
        ValueError: for kernels that are not finite or do not fit, an unknown solver, and the
            asymmetric one for more than two classes.
    """
    if solver not in SOLVERS:
        raise ValueError(f"the solver {solver!r} is unknown: choose one of {', '.join(SOLVERS)}.")
    solved = {"ridge": _ridge, "logistic": _logistic, "asymmetric": _asymmetric}[solver](
        kernels[0], labels_I, starts[0], regularisations, start_scales
    )
    best: tuple[tuple[float, float, float], np.ndarray] | None = None
    for regularisation, scale, coefficients_IO in solved:
        outputs = kernel_prediction(kernels[1], coefficients_IO, starts[1] / scale)
        key = (output_accuracy(outputs, validation_labels), regularisation, scale)
        if best is None or key > best[0]:
            best = key, coefficients_IO
    assert best is not None, "nothing was tried"
    (accuracy, regularisation, scale), coefficients_IO = best
    outputs_JO = kernel_prediction(kernels[2], coefficients_IO, starts[2] / scale)
    return ChosenPrediction(outputs_JO, regularisation, scale, accuracy)


def _ridge(
    kernel_IOIO: np.ndarray,
    labels_I: np.ndarray,
    start_IO: np.ndarray,
    regularisations: Sequence[float],
    start_scales: Sequence[float],
) -> Solved:
    matrix = as_square(kernel_IOIO)
    targets_IO = class_targets(labels_I, start_IO.shape[1])
    rests = np.stack([(targets_IO - start_IO / by).reshape(-1) for by in start_scales], axis=1)
    solve, norm = _solver(matrix), operator_norm(matrix)
    for regularisation in regularisations:
        for scale, flat in zip(start_scales, solve(regularisation * norm, rests).T, strict=True):
            yield regularisation, scale, flat.reshape(start_IO.shape)


def _logistic(
    kernel_IOIO: np.ndarray,
    labels_I: np.ndarray,
    start_IO: np.ndarray,
    regularisations: Sequence[float],
    start_scales: Sequence[float],
) -> Solved:
    for regularisation in filter(None, regularisations):
        for scale in start_scales:
            coefficients_IO = kernel_logistic(
                kernel_IOIO, labels_I, regularisation=regularisation, start_IO=start_IO / scale
            )
            yield regularisation, scale, coefficients_IO


def _asymmetric(
    kernel_IOIO: np.ndarray,
    labels_I: np.ndarray,
    start_IO: np.ndarray,
    regularisations: Sequence[float],
    start_scales: Sequence[float],
) -> Solved:
    if start_IO.shape[1] > 1:
        raise ValueError(
            f"the asymmetric solver is for two classes, and there are {start_IO.shape[1]}: take "
            "ridge or logistic."
        )
    for regularisation in filter(None, regularisations):
        both = asymmetric_solution(kernel_IOIO[:, 0, :, 0], labels_I, regularisation=regularisation)
        yield regularisation, float("inf"), both.columns_I[:, None]


def _solver(matrix: np.ndarray) -> Callable[[float, np.ndarray], np.ndarray]:
    """What solves (K + r I) x = y for any r, K decomposed once where it is symmetric."""
    cut = len(matrix) * ROUNDING
    if is_symmetric(matrix):
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
        least = cut * np.abs(values).max()

        def solve(shift: float, rests: np.ndarray) -> np.ndarray:
            shifted = values + shift
            kept = np.abs(shifted) > least
            inverse = np.divide(1, shifted, out=np.zeros_like(shifted), where=kept)
            return vectors @ (inverse[:, None] * (vectors.T @ rests))

        return solve

    def solve_any(shift: float, rests: np.ndarray) -> np.ndarray:
        return np.linalg.lstsq(matrix + shift * np.eye(len(matrix)), rests, rcond=cut)[0]

    return solve_any
