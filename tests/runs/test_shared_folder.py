"""Laws of waiting for what another machine has written."""

import re
import threading
import time

import pytest

from hf_apt.runs.shared_folder import wait_until_there


def test_what_is_there_is_not_waited_for(tmp_path):
    (tmp_path / "a").touch()
    wait_until_there(tmp_path / "a", seconds=0)


def test_what_comes_late_is_waited_for(tmp_path):
    path = tmp_path / "later" / "a"

    def write() -> None:
        path.parent.mkdir()
        path.touch()

    timer = threading.Timer(0.3, write)
    timer.start()
    start = time.monotonic()
    wait_until_there(path, seconds=30)
    assert path.exists()
    assert time.monotonic() - start >= 0.25


def test_a_folder_of_its_own_is_named_with_the_remedy(tmp_path):
    path = tmp_path / "a"
    with pytest.raises(ValueError, match=f"{re.escape(str(path))}, which is not on this machine"):
        wait_until_there(path, seconds=0.1)


def test_other_processes_wait_for_a_corpus_of_hours(monkeypatch):
    """As long as torch waits: 10 or 30 minutes if nothing is said."""
    import accelerate

    from hf_apt.models import devices

    asked = {}
    monkeypatch.setattr(accelerate, "PartialState", lambda **options: asked.update(options))
    devices.process_state.__wrapped__()
    assert asked["timeout"].total_seconds() == 24 * 3600
