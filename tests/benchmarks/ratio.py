"""Timing two variants against each other, and judging the ratio."""

import json
import statistics
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import version
from typing import Any

LINES: list[dict[str, Any]] = []
"""All lines that this process printed."""


def medians(variants: Mapping[str, Callable[[], object]], *, rounds: int) -> dict[str, float]:
    """The median processor time of each variant in seconds, variants taking turns."""
    times: dict[str, list[float]] = {name: [] for name in variants}
    for round_number in range(rounds + 1):
        for name, variant in variants.items():
            start = time.process_time()
            variant()
            if round_number:  # the first round warms up
                times[name].append(time.process_time() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def report(
    name: str,
    *,
    ours: float,
    peer: float,
    at_least: float,
    unit: str = "s",
    tokens: int = 0,
    setting: str = "",
) -> bool:
    """Print one JSON line with the ratio peer / ours; whether it reaches its bar.

    Where the seconds are those of so many `tokens`, the line says how many there are in a second;
    where the peer has a `setting`, its version and number of threads, the line names it.
    """
    ratio = peer / ours
    figures: dict[str, Any] = {"ours": round(ours, 5), "peer": round(peer, 5), "unit": unit}
    if setting:
        figures["setting"] = setting
    if tokens:
        figures["tokens/s"] = {"ours": round(tokens / ours), "peer": round(tokens / peer)}
    return _line(name, figures | {"ratio": round(ratio, 3)}, at_least, passed=ratio >= at_least)


def limit(
    name: str,
    *,
    ours: float,
    at_most: float | None = None,
    unit: str = "s",
    beside: Mapping[str, float] | None = None,
) -> bool:
    """Print one JSON line with what was measured; whether it keeps to its bar, if it has one.

    Figures `beside` it are printed with it and not judged.
    """
    passed = at_most is None or ours <= at_most
    figures: dict[str, Any] = {"ours": round(ours, 5), "unit": unit}
    figures |= {key: round(value, 5) for key, value in (beside or {}).items()}
    return _line(name, figures, at_most, passed=passed)


def setting_of(package: str, threads: int = 1) -> str:
    """The version of a package that is compared with, and the threads that it has."""
    return f"{package} {version(package)}, {threads} thread{'s' * (threads != 1)}"


def peer_package(benchmark: str, package: str) -> Any | None:
    """The package, or None after a line that says that there was nothing to compare with."""
    try:
        return import_module(package)
    except ModuleNotFoundError:
        _line(f"{benchmark}: {package} / ours", {"not compared": f"no {package} here"}, None)
        return None


def _line(name: str, figures: dict[str, Any], bar: float | None, *, passed: bool = False) -> bool:
    verdict = {"bar": bar, "passed": passed} if bar is not None else {}
    LINES.append({"benchmark": name} | figures | verdict)
    print(json.dumps(LINES[-1]), flush=True)
    return passed
