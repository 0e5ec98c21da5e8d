"""What this processor offers: by which bars it can be judged, and what a line says where it can't.

Bars are those of a processor whose oneDNN multiplies float32 at twice the rate of torch's default
library and has bfloat16 (AVX-512, no AMX). Elsewhere what does not exist is not judged.
"""

from collections.abc import Callable

import torch

from hf_apt.arithmetic.arithmetic import Arithmetic
from hf_apt.arithmetic.matmul import fastest_matmul
from hf_apt.arithmetic.precision import MeasurePrecision
from hf_apt.arithmetic.step_trial import candidates, chosen, seconds_of
from hf_apt.training.costs.matrix_rate import matrix_rate

CPU = torch.device("cpu")


def has_faster_float32() -> bool:
    """Whether exact float32 is faster by oneDNN than by torch's default library."""
    return fastest_matmul() == "onednn"


def bfloat16_rate() -> float:
    """FLOPs a second of products in bfloat16."""
    return matrix_rate(CPU, torch.bfloat16)


def has_bfloat16() -> bool:
    """Whether products in bfloat16 are faster than in float32 here."""
    return bfloat16_rate() > 1.3 * matrix_rate(CPU, torch.float32)


def has_amx() -> bool:
    """Whether bfloat16 has matrix units, beside which all else of a step is slow."""
    return bool(getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)())


def best_way(precision: MeasurePrecision, step: Callable[[Arithmetic], object]) -> Arithmetic:
    """The arithmetic that a training in that precision would choose for `step`."""
    return chosen(seconds_of(step, candidates(precision)))
