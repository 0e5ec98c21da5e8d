"""Which arithmetic a step is fastest with: tried on the step itself.

A product alone always speaks for bfloat16; a step of a small model is slower with it, because of
all that is between the products. Source: ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from hf_apt.arithmetic.arithmetic import Arithmetic
from hf_apt.arithmetic.clock import trial_clock
from hf_apt.arithmetic.matmul import Matmul, fastest_matmul, matmul_wanted
from hf_apt.arithmetic.precision import Precision

EXACT_GAIN = 1.1
"""How many times as fast as torch's own an exact arithmetic must be, to be taken."""
BFLOAT16_GAIN = 1.3
"""How many times as fast as the fastest exact one bfloat16 must be, for `auto` to take it."""
_ROUNDS = 2


def candidates(precision: Precision) -> list[Arithmetic]:
    """What is worth a trial on this processor, torch's own ways first.

    Args:
        precision: `fp32` or `bf16` for these alone, `auto` for both.

    Returns:
        Each way to compute attention with each precision, and by oneDNN where that is faster and
        exact.
    """
    matmuls: list[Matmul] = ["default"]
    if fastest_matmul() == "onednn":
        # By hand it is no longer a question.
        matmuls = ["onednn"] if matmul_wanted() == "onednn" else ["default", "onednn"]
    return [
        Arithmetic(precision=chosen, matmul=matmul, attention=attention)
        for chosen in ("fp32", "bf16")
        if precision in ("auto", chosen)
        for matmul in matmuls
        for attention in ("default", "math")
    ]


def seconds_of(
    step: Callable[[Arithmetic], object],
    ways: Sequence[Arithmetic],
    *,
    rounds: int = _ROUNDS,
    clock: Callable[[], float] | None = None,
) -> dict[Arithmetic, float]:
    """Time of a step in each way, by `trial_clock`: the fastest of `rounds`, after an untimed one.

    The ways take turns. `step` is to apply the arithmetic that it is given.
    """
    clock = clock or trial_clock()
    for way in ways:
        step(way)
    seconds = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for way in ways:
            began = clock()
            step(way)
            seconds[way] = min(seconds[way], clock() - began)
    return seconds


def chosen(seconds: Mapping[Arithmetic, float]) -> Arithmetic:
    """The way to take, by the time of a step in each; the first of a precision is torch's own.

    Exact float32, and torch's own way unless another is `EXACT_GAIN` times as fast. bfloat16 where
    it is the only precision, or `BFLOAT16_GAIN` times as fast.

    Raises ValueError if there is nothing to choose from.
    """
    if not seconds:
        raise ValueError("there is no arithmetic to choose from.")
    exact = _of("fp32", seconds)
    rounded = _of("bf16", seconds)
    if rounded is None or exact is None:
        only = exact or rounded
        assert only is not None
        return only
    return rounded if seconds[exact] >= BFLOAT16_GAIN * seconds[rounded] else exact


def _of(precision: str, seconds: Mapping[Arithmetic, float]) -> Arithmetic | None:
    ways = [way for way in seconds if way.precision == precision]
    if not ways:
        return None
    fastest = min(ways, key=lambda way: seconds[way])
    return fastest if seconds[ways[0]] >= EXACT_GAIN * seconds[fastest] else ways[0]
