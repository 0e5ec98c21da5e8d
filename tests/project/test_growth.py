"""Laws of the growth table: exponents that are known, the bar, and what is printed."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.benchmarks.curve import SLACK, Curve, exponent, markdown

ROOT = Path(__file__).parents[2]
SIZES = (10, 100, 1000, 10_000, 100_000, 1_000_000)
CURVE = Curve(
    what="sorting",
    against="numbers",
    sizes=SIZES,
    seconds=tuple(0.5 * size**1.1 for size in SIZES),
    bytes=tuple(1024**2 * size // 10 for size in SIZES),
    expected=(1, 1),
)


@pytest.mark.parametrize("power", [0, 1, 1.5, -0.5])
def test_the_exponent_of_a_power_is_its_own(power):
    assert exponent(SIZES, tuple(3 * size**power for size in SIZES)) == pytest.approx(power)
    assert exponent(SIZES[:3], tuple(3 * size**power for size in SIZES[:3])) == pytest.approx(power)


def test_constants_do_not_hide_growth():
    """A thousand at the start: the upper half of the sizes is nearly all growth."""
    assert exponent(SIZES, tuple(1000 + size**2 for size in SIZES)) == pytest.approx(2, abs=0.01)


def test_what_grows_faster_than_expected_does_not_pass():
    assert CURVE.exponents() == pytest.approx((1.1, 1))
    assert CURVE.passed()
    assert not replace(CURVE, expected=(1.1 - SLACK - 0.01, 1)).passed()
    assert not replace(CURVE, expected=(1, 1 - SLACK - 0.01)).passed()
    assert replace(CURVE, expected=(2, 2)).passed()  # what grows slower is welcome


def test_a_line_holds_what_was_measured_and_both_exponents():
    line = json.loads(CURVE.line())
    assert line["growth"] == "sorting against numbers"
    assert line["sizes"] == list(SIZES)
    assert len(line["seconds"]) == len(line["bytes"]) == 6
    assert line["exponents"] == {"seconds": 1.1, "bytes": 1.0}
    assert line["expected"] == {"seconds": 1, "bytes": 1}
    assert line["passed"] is True


def test_the_table_has_a_row_for_each_curve():
    head, rule, *rows = markdown([CURVE, CURVE]).splitlines()
    assert len(rows) == 2
    assert len({row.count("|") for row in (head, rule, *rows)}) == 1
    assert rows[0].startswith("| sorting | numbers, 10 to 1,000,000 | 6.3 to 2e+06 s | 1.10 (1) |")
    assert rows[0].endswith("| 1 to 1e+05 MiB | 1.00 (1) |")


MEMORY = """
import json
from tests.benchmarks.curve import measured

def prepared(size):
    return lambda: lambda: len(bytearray(b"x" * (size << 20)))

kept = bytearray(32 << 20)
sizes = (16, 32, 64)
curve = measured("filling", "MiB", {size: prepared(size) for size in sizes}, expected=(1, 1))
print(json.dumps([curve.sizes, curve.bytes, curve.exponents()[1], min(curve.seconds)]))
"""


def test_memory_is_what_work_takes_beyond_what_there_was():
    """In a process of its own: what other tests have freed may be reused unseen."""
    command = [sys.executable, "-c", MEMORY]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    sizes, peaks, exponent_of_memory, least_seconds = json.loads(done.stdout)
    assert sizes == [16, 32, 64]
    for size, peak in zip(sizes, peaks, strict=True):  # the text and its copy
        assert peak == pytest.approx(2 * size << 20, rel=0.15)
    assert exponent_of_memory == pytest.approx(1, abs=0.1)
    assert least_seconds > 0
