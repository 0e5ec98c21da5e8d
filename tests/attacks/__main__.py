"""`python -m tests.attacks`: a small run interrupted at random moments, or started twice at once.

Each trial is followed by the same command until it ends, and then compared with a run that was left
alone: every figure, array and weight file. It prints a line for each kind of attack and every
difference, and exits with 1 if there is one.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from .small_run import content, differences, end, start

SIGNALS = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "int": signal.SIGINT}
"""Signals by the name of their attack."""


def interrupted(folder: Path, signum: int, seconds: float) -> list[str]:
    """What went wrong when a run was sent a signal after so many seconds, besides its figures."""
    process = start(folder)
    time.sleep(seconds)
    process.send_signal(signum)
    code, error = end(process)
    expected = {0, -signum} if signum == signal.SIGKILL else {0, 128 + signum}
    wrong = [] if code in expected else [f"exit code {code}"]
    return wrong + (["a traceback"] if "Traceback" in error else [])


def twice(folder: Path, seconds: float) -> list[str]:
    """What went wrong when a run was started again after so many seconds, besides its figures."""
    first = start(folder)
    time.sleep(seconds)
    pair = [end(process) for process in (first, start(folder))]
    wrong = [f"exit codes {[code for code, _ in pair]}"] if 0 not in dict(pair) else []
    return wrong + (["a traceback"] if any("Traceback" in error for _, error in pair) else [])


def tokenised(folder: Path) -> None:
    """Leave `folder` as a run killed when its tokens were there and nothing made of them."""
    process = start(folder)
    while not (folder / "frequency.npy").exists() and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    end(process)


def finished(folder: Path) -> list[str]:
    """What went wrong when the command was given again until the run's end."""
    code, error = end(start(folder))
    return [] if code == 0 else [f"exit code {code} in the end: {error.strip()[-200:]}"]


def attack(kind: str, num: int, reference: dict[str, Any], duration: float, seed: int) -> int:
    """The number of trials that went wrong."""
    moments, num_wrong = random.Random(f"{kind} {seed}"), 0
    for trial in range(num):
        seconds = moments.uniform(0, duration)
        with tempfile.TemporaryDirectory(prefix="hf_apt-attack-") as scratch:
            folder = Path(scratch) / "run"
            if kind in SIGNALS:
                wrong = interrupted(folder, SIGNALS[kind], seconds)
            else:
                if kind == "twice-tokenised":
                    tokenised(folder)
                wrong = twice(folder, seconds)
            wrong += finished(folder)
            wrong += differences(reference, folder)
        num_wrong += bool(wrong)
        print(f"{kind} {trial + 1}/{num} after {seconds:.1f} s: {wrong or 'equal'}", flush=True)
    return num_wrong


def main() -> None:
    """Attack as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    kinds = [*SIGNALS, "twice", "twice-tokenised"]
    parser.add_argument("--kinds", nargs="+", choices=kinds, default=kinds, help="of attacks")
    parser.add_argument("--num", type=int, default=20, help="trials of each kind")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hf_apt-attack-") as scratch:
        folder = Path(scratch) / "run"  # as in every trial: records hold the name
        began = time.monotonic()
        wrong = finished(folder)
        duration = time.monotonic() - began
        if wrong:
            sys.exit(f"the run that is left alone fails: {wrong}")
        reference = content(folder)
    print(f"left alone: {duration:.1f} s, {len(reference)} files compared", flush=True)
    lost = {
        k: attack(k, arguments.num, reference, duration, arguments.seed) for k in arguments.kinds
    }
    print(
        ", ".join(f"{kind}: {arguments.num - num} of {arguments.num}" for kind, num in lost.items())
    )
    sys.exit(any(lost.values()))


if __name__ == "__main__":
    main()
