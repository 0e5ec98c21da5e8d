"""What has a name is listed, and each name is one that commands take."""

from hf_apt.data.tasks.known_tasks import KNOWN_TASKS
from hf_apt.models.shapes import SHAPES
from hf_apt.records.shipped import shipped_checkpoints


def test_what_comes_along_is_listed(call) -> None:
    code, out, _ = call("ls")
    assert code == 0
    words = out.replace(",", " ").split()
    assert {*shipped_checkpoints(), *KNOWN_TASKS, *SHAPES, "planted", "sotu"} <= set(words)
    assert all(len(line) <= 80 for line in out.splitlines())
