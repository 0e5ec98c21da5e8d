"""Whether a measurement asks for what the one before it has asked for."""

from __future__ import annotations

import logging
import zipfile
from contextlib import suppress

import numpy as np

from trainer_callbacks.files import StepFiles

_logger = logging.getLogger(__name__)


class SamePositions:
    """Warns, once for each data set, if figures of two steps are not of the same text.

    Told by the number of times that each token is asked, which tables of earlier steps hold: those
    of a training that is resumed among them.
    """

    def __init__(self) -> None:
        self._warned: set[str] = set()

    def check(self, files: StepFiles, prefix: str, step: int, support_V: np.ndarray) -> None:
        """Compare with the latest table of the data called `prefix` from before `step`."""
        before = max((each for each in files.steps(prefix, "npz") if each < step), default=None)
        if before is None or prefix in self._warned:
            return
        with suppress(OSError, ValueError, KeyError, zipfile.BadZipFile):  # somebody else's file
            with np.load(files.path(prefix, before, "npz")) as arrays:
                is_same = np.array_equal(arrays["support"], support_V)
            if not is_same:
                self._warned.add(prefix)
                _logger.warning(
                    "the %s data ask for other tokens at step %d than at step %d, so that figures "
                    "of the two are not of the same text: give the callback an eval_dataset of "
                    "rows, and leave batch size, collator and seed as they were.",
                    prefix,
                    step,
                    before,
                )
