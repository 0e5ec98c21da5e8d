"""Which arithmetic the trunk of a measured model multiplies with, by a trial of a few sequences."""

from __future__ import annotations

import numpy as np
import torch

from hf_apt.arithmetic.arithmetic import Arithmetic
from hf_apt.arithmetic.matmul import fastest_matmul
from hf_apt.arithmetic.precision import MeasurePrecision
from hf_apt.arithmetic.step_trial import candidates, chosen, seconds_of
from hf_apt.data.tokens import Tokens
from hf_apt.depths.trunk import Trunk

_NUM_SEQUENCES = 4
"""Sequences that are read in each way; a measurement reads hundreds."""


def measuring_arithmetic(trunk: Trunk, tokens: Tokens, precision: MeasurePrecision) -> Arithmetic:
    """How `trunk` reads `tokens` fastest in that precision.

    On a graphics card, and in float32 on a processor whose default library is the fastest, nothing
    is tried and torch's own way is taken. Otherwise libraries and ways of attention are timed on
    the first sequences, once in a process for a model and a length of sequences.

    Args:
        trunk: the trunk of the model.
        tokens: the text.
        precision: `fp32`, whose results agree to the rounding of float32 in whatever way they are
            made; or `bf16`.

    Returns:
        The arithmetic, of that precision.
    """
    plain = Arithmetic(precision=precision)
    is_settled = precision == "fp32" and fastest_matmul() == "default"
    if trunk.model.device.type != "cpu" or is_settled or not len(tokens):
        return plain
    length = tokens.description.sequence_length
    key = (precision, repr(trunk.model), trunk.num_depths, length, torch.get_num_threads())
    if key not in _CHOSEN:
        _CHOSEN[key] = _tried(trunk, tokens, precision)
    return _CHOSEN[key]


_CHOSEN: dict[tuple[object, ...], Arithmetic] = {}
"""What trials of this process have chosen, by all that the choice depends on."""


def _tried(trunk: Trunk, tokens: Tokens, precision: MeasurePrecision) -> Arithmetic:
    few = np.arange(min(_NUM_SEQUENCES, len(tokens)))
    ids_BT = torch.from_numpy(tokens.padded(few, to_longest=True).astype(np.int64))
    asked_BT = torch.zeros_like(ids_BT, dtype=torch.bool)
    asked_BT[:, ::7] = True

    def read(way: Arithmetic) -> None:
        with way.applied(), way.autocast("cpu"):
            trunk.at({"input_ids": ids_BT}, asked_BT)

    return chosen(seconds_of(read, candidates(precision)))
