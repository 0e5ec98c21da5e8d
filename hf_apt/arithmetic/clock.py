"""What tells the time of a trial."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch


def trial_clock() -> Callable[[], float]:
    """What tells the time of a trial on the processor, in seconds.

    Of one thread the processor time, which other work on the machine does not lengthen; of several
    the time that passes, as processor time would call a way cheap that leaves cores idle.
    """
    return time.process_time if torch.get_num_threads() == 1 else time.perf_counter
