"""Timing two variants against each other, and judging the ratio."""

import json
import statistics
import time
from collections.abc import Callable


def medians(variants: dict[str, Callable[[], object]], *, rounds: int) -> dict[str, float]:
    """The median processor time of each variant in seconds, variants taking turns."""
    times: dict[str, list[float]] = {name: [] for name in variants}
    for round_number in range(rounds + 1):
        for name, variant in variants.items():
            start = time.process_time()
            variant()
            if round_number:  # the first round warms up
                times[name].append(time.process_time() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def report(name: str, *, ours: float, peer: float, at_least: float, unit: str = "s") -> bool:
    """Print one JSON line with the ratio peer / ours; whether it reaches its bar."""
    ratio = peer / ours
    line = {
        "benchmark": name,
        "ours": round(ours, 5),
        "peer": round(peer, 5),
        "unit": unit,
        "ratio": round(ratio, 3),
        "bar": at_least,
        "passed": ratio >= at_least,
    }
    print(json.dumps(line), flush=True)
    return ratio >= at_least
