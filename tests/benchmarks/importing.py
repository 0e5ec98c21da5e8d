"""What `import hf_apt` and `hf-apt --help` cost beside `import torch`."""

import os
import statistics
import subprocess
import sys

from .ratio import limit, report

_PROGRAMS = {
    "torch": ["-c", "import torch"],
    "hf_apt": ["-c", "import hf_apt"],
    "hf-apt --help": ["-m", "hf_apt.cli", "--help"],
}


def run() -> bool:
    """Whether both cost at most 1.2 times an import of torch, and 1.2 s."""
    times: dict[str, list[float]] = {name: [] for name in _PROGRAMS}
    for round_number in range(6):
        for name, arguments in _PROGRAMS.items():
            start = _children()
            subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
            if round_number:  # the first round fills the disk's cache
                times[name].append(_children() - start)
    median = {name: statistics.median(values) for name, values in times.items()}
    return all(
        verdict
        for name in ("hf_apt", "hf-apt --help")
        for verdict in (
            report(
                f"{name}: import torch / ours",
                ours=median[name],
                peer=median["torch"],
                at_least=0.84,
            ),
            limit(name, ours=median[name], at_most=1.2),
        )
    )


def _children() -> float:
    """Processor time of the processes that have ended, in seconds."""
    times = os.times()
    return times.children_user + times.children_system
