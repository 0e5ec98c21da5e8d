"""Signals by which a scheduler ends a process: SIGTERM and SIGHUP, told and not lost.

Source: ours. The module imports no torch, so that a command line can enter it at once.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""The signals that are listened to, as far as the operating system has them."""


class Stopped(BaseException):
    """A signal has asked this process to end. No error: nothing that handles errors keeps it."""

    def __init__(self, signum: int):
        super().__init__(signum)
        self.signum = signum
        """Number of the signal; a process that it has ended exits with 128 more."""


@dataclass
class Request:
    """Whether a signal has come while it was not to interrupt."""

    signum: int | None = None
    """Number of the signal."""


@contextmanager
def stopping_signals() -> Iterator[None]:
    """Within the block SIGTERM and SIGHUP raise `Stopped`; in the main thread alone."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise Stopped(signum)

    with _handled_by(stop):
        yield


@contextmanager
def stopping_later() -> Iterator[Request]:
    """Within the block SIGTERM and SIGHUP are only noted, to be acted on at a good moment.

    A second signal does not wait: it raises `Stopped`. Only where the signals raise `Stopped`
    already are they noted; a program that has handlers of its own keeps them.
    """
    request = Request()

    def note(signum: int, frame: FrameType | None) -> None:
        if request.signum is not None:
            raise Stopped(signum)
        request.signum = signum

    if _ACTIVE:
        with _handled_by(note):
            yield request
    else:
        yield request


_ACTIVE: list[Any] = []
"""Handlers of ours that are in force."""


@contextmanager
def _handled_by(handler: Any) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {signum: signal.signal(signum, handler) for signum in SIGNALS}
    _ACTIVE.append(handler)
    try:
        yield
    finally:
        _ACTIVE.pop()
        for signum, earlier in before.items():
            signal.signal(signum, signal.SIG_DFL if earlier is None else earlier)
