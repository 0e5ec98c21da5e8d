"""Training dynamics in a file."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from hf_apt.atomic import writing
from hf_apt.stats.dynamics.training_dynamics import DynamicsRecord

FILE = "training_dynamics.npz"
"""The record's file in the Trainer's folder."""


def save_dynamics(record: DynamicsRecord, path: Path) -> None:
    """Write the arrays of `record`, by their names."""
    with writing(path, "wb") as file:
        np.savez(file, **vars(record))


def read_dynamics(path: Path | str) -> DynamicsRecord:
    """The record that the method `training_dynamics` has written.

    Args:
        path: the file, `training_dynamics.npz` in the Trainer's folder.

    Returns:
        The probabilities of the labels by epoch and example, and what is read off them.

    Raises:
        ValueError: for a file that holds something else.
        OSError: for one that is not there.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            record = DynamicsRecord(**arrays)
    except (TypeError, ValueError, EOFError, BadZipFile) as error:
        raise ValueError(f"{path} is no record of training dynamics.") from error
    shape = record.probability_EN.shape
    if len(shape) != 2 or record.is_right_EN.shape != shape or record.step_E.shape != shape[:1]:
        raise ValueError(f"{path} is no record of training dynamics: its shapes differ.")
    return record
