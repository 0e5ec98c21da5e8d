"""The benchmark for graphics cards runs, with nothing installed but what it says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOT_THERE = (
    *("jaxtyping", "beartype", "datasets", "evaluate", "peft", "scipy", "sklearn", "wrapt"),
    *("typer", "rich", "jinja2", "matplotlib", "pandas", "yaml_include", "duckdb", "polars"),
)
"""Packages of ours or of the tests that a machine with a graphics card may lack."""

PROGRAM = """
import sys
sys.modules |= dict.fromkeys({names!r})  # importing them raises ModuleNotFoundError
sys.argv = ["gpu", "--tiny", "--output", {output!r}]
from tests.benchmarks import gpu
sys.exit(gpu.main())
"""


@pytest.mark.slow
def test_it_runs_from_a_checkout_with_four_packages(tmp_path) -> None:
    output = tmp_path / "lines.json"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(names=NOT_THERE, output=str(output))],
        cwd=ROOT,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(output.read_text())
    assert found["device"] == "processor"
    lines = {line["benchmark"]: line for line in found["lines"]}
    assert not [line for line in found["lines"] if "failed" in line]
    modified = lines["modified tokens"]["ours"]
    assert 0.1 * 100 * 30 < modified < 0.2 * 100 * 30
    for name in ("stock / ours", "stock, compiled / ours", "small batches, stock / ours"):
        assert lines[f"training, 1 M tokens: {name}"]["ratio"] > 0
    for name in ("Trainer.evaluate, loss alone", "a pass per depth"):
        assert lines[f"{name} / seven depths"]["ratio"] > 0
