"""How time and memory grow with a size: what was measured, the exponents, and the bar."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from .memory import peak_bytes

SLACK = 0.15
"""By which an exponent may be above the expected one: noise, caches, the logarithm of sorting."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Time and peak memory of one piece of work at several sizes."""

    what: str
    """The piece of work."""

    against: str
    """What was made larger."""

    sizes: tuple[int, ...]
    """How large, ascending."""

    seconds: tuple[float, ...]
    """Processor time at each."""

    bytes: tuple[int, ...]
    """Peak memory at each, above what there was before."""

    expected: tuple[float, float]
    """The exponents of time and of memory that theory gives."""

    def exponents(self) -> tuple[float, float]:
        """The fitted exponents of time and of memory."""
        return exponent(self.sizes, self.seconds), exponent(self.sizes, self.bytes)

    def passed(self) -> bool:
        """Whether neither grows faster than expected."""
        pairs = zip(self.exponents(), self.expected, strict=True)
        return all(found <= expected + SLACK for found, expected in pairs)

    def line(self) -> str:
        """One JSON line."""
        names = ("seconds", "bytes")
        return json.dumps(
            {
                "growth": f"{self.what} against {self.against}",
                "sizes": self.sizes,
                "seconds": [float(f"{seconds:.3g}") for seconds in self.seconds],
                "bytes": self.bytes,
                "exponents": dict(zip(names, (round(e, 2) for e in self.exponents()), strict=True)),
                "expected": dict(zip(names, self.expected, strict=True)),
                "passed": self.passed(),
            }
        )

    def row(self) -> str:
        """A row of the table that `markdown` heads."""
        time_found, memory_found = (round(e, 2) + 0.0 for e in self.exponents())  # no -0.00
        time_expected, memory_expected = self.expected
        mib = [num / 1024**2 for num in self.bytes]
        return (
            f"| {self.what} | {self.against}, {self.sizes[0]:,} to {self.sizes[-1]:,} "
            f"| {self.seconds[0]:.2g} to {self.seconds[-1]:.2g} s "
            f"| {time_found:.2f} ({time_expected:g}) "
            f"| {mib[0]:.3g} to {mib[-1]:.3g} MiB | {memory_found:.2f} ({memory_expected:g}) |"
        )


def markdown(curves: list[Curve]) -> str:
    """The table of all curves."""
    head = (
        "| what | against | time | exponent (expected) | peak memory | exponent (expected) |\n"
        "| --- | --- | --- | --- | --- | --- |"
    )
    return "\n".join([head, *(curve.row() for curve in curves)])


def exponent(sizes: tuple[int, ...], values: tuple[float, ...]) -> float:
    """b of values = a size^b, least squares in logarithms over the upper half of the sizes.

    At least three of them; below, constants rule.
    """
    upper = min(len(sizes) // 2, len(sizes) - 3)
    slope, _ = np.polyfit(np.log(sizes[upper:]), np.log(values[upper:]), 1)
    return float(slope)


def measured(
    what: str,
    against: str,
    works: Mapping[int, Callable[[], Callable[[], object]]],
    expected: tuple[float, float],
) -> Curve:
    """The curve of pieces of work by their size, each given as what prepares it.

    Each is done three times at least, and as often as fits in 0.3 s; the least time counts.
    """
    seconds, peaks = [], []
    for prepare in works.values():
        work, taken = prepare(), []

        def timed(work: Callable[[], object] = work, taken: list[float] = taken) -> None:
            start = time.process_time()
            work()
            taken.append(time.process_time() - start)

        peaks.append(peak_bytes(timed))
        while len(taken) < 3 or (sum(taken) < 0.3 and len(taken) < 20):
            timed()
        seconds.append(min(taken))
    return Curve(
        what=what,
        against=against,
        sizes=tuple(works),
        seconds=tuple(seconds),
        bytes=tuple(peaks),
        expected=expected,
    )
