"""Logits of inputs as they are and perturbed, kept as two numbers an input."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from jaxtyping import Float

from hf_apt.stats.metric_modules.array_inputs import array_of, refuse_other_shape
from hf_apt.stats.smoothness.moved_answers import (
    MovedAnswers,
    divergences,
    flips,
    moved_answers,
)


class MovedStream:
    """How far the answer to each input moved, and whether it flipped. 16 bytes an input."""

    def __init__(self) -> None:
        self._batches: list[np.ndarray] = []
        self._num_outputs: int | None = None

    def __len__(self) -> int:
        return sum(batch.shape[1] for batch in self._batches)

    def update(self, predictions: Any, references: Any) -> Self:
        """This stream with one more batch; a batch that is refused leaves no trace.

        `predictions` are the logits of perturbed inputs, `references` those of the same inputs as
        they are, a row an input. Raises ValueError for what are no logits.
        """
        perturbed_NC, clean_NC = (
            _logits("predictions", predictions),
            _logits("references", references),
        )
        refuse_other_shape("predictions", perturbed_NC, "references", clean_NC)
        num_outputs = clean_NC.shape[1]
        if self._num_outputs not in (None, num_outputs):
            raise ValueError(
                f"references have {num_outputs} outputs an input, and those before "
                f"{self._num_outputs}: give logits of one model."
            )
        self._num_outputs = num_outputs
        is_flipped_N = flips(clean_NC, perturbed_NC)
        if is_flipped_N is None:
            is_flipped_N = np.zeros(len(clean_NC))
        self._batches.append(np.stack([divergences(clean_NC, perturbed_NC), is_flipped_N]))
        return self

    def merge(self, other: MovedStream) -> Self:
        """This stream with all the inputs of `other`, which is left as it was."""
        if None not in (self._num_outputs, other._num_outputs):
            if self._num_outputs != other._num_outputs:
                raise ValueError(
                    f"inputs of {self._num_outputs} and of {other._num_outputs} outputs do not go "
                    "together: give logits of one model."
                )
        self._num_outputs = self._num_outputs or other._num_outputs
        self._batches += other._batches
        return self

    def figures(self) -> MovedAnswers:
        """The figures of all inputs. Raises ValueError where there is none."""
        columns = np.concatenate([np.zeros((2, 0)), *self._batches], axis=1)
        return moved_answers(columns[0], None if self._num_outputs == 1 else columns[1] > 0)


def _logits(name: str, values: Any) -> Float[np.ndarray, "n outputs"]:
    array_NC = array_of(name, values)
    if array_NC.dtype.kind not in "iuf" or array_NC.ndim not in (1, 2):
        raise ValueError(
            f"{name} of shape {array_NC.shape} and type {array_NC.dtype} are no logits: give a row "
            "of numbers for each input, as model(...).logits."
        )
    array_NC = array_NC.astype(np.float64).reshape(len(array_NC), -1)
    if not array_NC.shape[1]:
        raise ValueError(f"{name} hold rows without a number: give the logits of each input.")
    if not np.isfinite(array_NC).all():
        raise ValueError(
            f"{name} hold {array_NC[~np.isfinite(array_NC)][0]}: give logits that are finite."
        )
    return array_NC
