"""Holds the Triton kernel to every law of `sweep_laws`, and prints how many it kept.

A script: `kernel_laws.py DEVICE`. On the CPU it wants TRITON_INTERPRET=1 from the beginning.
"""

import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from sweep_laws import LAWS, Backend, assert_alike  # noqa: E402

from hf_apt.depths.sweep.launch import Tiling, kernel_argmax, kernel_sweep  # noqa: E402

SMALL = {"rows": 16, "tokens": 32, "width": 16, "num_warps": 4}
TILINGS = (
    None,
    Tiling(**SMALL, num_parts=2),
    Tiling(**SMALL, num_parts=1000),
    Tiling(**SMALL, num_parts=1),
    Tiling(**SMALL, num_parts=5),
    Tiling(**SMALL | {"rows": 32, "tokens": 64, "width": 32}),
)
NUM_LAWFUL = 3
"""So many of them are held to the laws; all of them must agree."""


def backend_of(tiling: Tiling | None, device: str) -> Backend:
    return Backend(
        partial(kernel_argmax, tiling=tiling), partial(kernel_sweep, tiling=tiling), device
    )


if __name__ == "__main__":
    backends = [backend_of(tiling, sys.argv[1]) for tiling in TILINGS]
    for backend in backends[:NUM_LAWFUL]:
        for law in LAWS:
            law(backend)
    assert_alike(backends)
    print(f"{len(LAWS)} laws, {len(backends)} tilings")
