"""How much memory a piece of work takes at its peak, whoever allocates it: NumPy, torch, Arrow."""

import ctypes
import gc
import sys
from collections.abc import Callable
from pathlib import Path

_MMAP_THRESHOLD = -3
"""The setting of glibc's malloc for how much is asked of the system by itself, and given back."""


def peak_bytes(work: Callable[[], object]) -> int:
    """How far the resident memory of this process rises above what it was, in bytes (Linux).

    What was freed before is given back to the system first, so that nothing is reused unseen.
    """
    gc.collect()
    if "pyarrow" in sys.modules:
        sys.modules["pyarrow"].default_memory_pool().release_unused()
    libc = ctypes.CDLL(None)
    libc.mallopt(_MMAP_THRESHOLD, 1 << 17)  # which grows with what was freed, and then is reused
    libc.malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before = _status("VmRSS")
    work()
    return max(_status("VmHWM") - before, 1) * 1024


def _status(name: str) -> int:
    """A line of this process's state, in KiB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))
