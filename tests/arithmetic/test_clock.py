"""The law of a trial's clock."""

import time

from hf_apt.arithmetic import clock as module
from hf_apt.arithmetic.clock import trial_clock


def test_of_several_threads_the_time_that_passes_counts(monkeypatch):
    for num_threads, clock in ((1, time.process_time), (2, time.perf_counter)):
        monkeypatch.setattr(module.torch, "get_num_threads", lambda num=num_threads: num)
        assert trial_clock() is clock
