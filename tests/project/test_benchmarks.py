"""Every benchmark can be imported, and is run where all are."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BY_NAME = {"curve", "demo_seeds", "gpu"}
"""Run by name alone."""
PARTS = {"arithmetic", "first_calls", "memory", "ratio", "sizes", "stock", "text"}


@pytest.mark.slow
def test_every_benchmark_is_imported_as_it_is_run() -> None:
    program = (
        "from importlib import import_module; from tests.benchmarks.__main__ import NAMES;"
        "[import_module(f'tests.benchmarks.{name}').run for name in NAMES]; print(*NAMES)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    there = {path.stem for path in (ROOT / "tests" / "benchmarks").glob("[!_]*.py")}
    assert there - set(done.stdout.split()) <= BY_NAME | PARTS
