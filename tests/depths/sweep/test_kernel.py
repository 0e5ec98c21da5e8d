"""The Triton kernel keeps the laws of the sweep: in Triton's interpreter, and on a device."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import hf_apt.depths.sweep.vocabulary as vocabulary_module

WORKER = Path(__file__).parents[2] / "support/workers" / "kernel_laws.py"
pytest.importorskip("triton", reason="Triton is not made for this platform")


@pytest.mark.slow
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_kernel_keeps_the_laws_however_the_work_is_cut(device):
    """In a process of its own: Triton chooses its interpreter once, when it is imported."""
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    done = subprocess.run(
        [sys.executable, str(WORKER), device],
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | {"TRITON_INTERPRET": "1" if device == "cpu" else "0"},
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"7 laws, 6 tilings\n", done.stdout)


@pytest.fixture
def cuda(monkeypatch):
    """A device that is only said to be there, of compute capability 9.0."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (9, 0))
    vocabulary_module._runs_triton.cache_clear()
    yield torch.device("cuda")
    vocabulary_module._runs_triton.cache_clear()


def test_without_triton_chunks_are_taken(cuda, monkeypatch):
    monkeypatch.setattr(vocabulary_module, "find_spec", lambda name: None)
    assert not vocabulary_module._runs_triton(cuda)


def test_on_old_devices_chunks_are_taken(cuda, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (7, 5))
    assert not vocabulary_module._runs_triton(cuda)


@pytest.mark.skipif(torch.cuda.is_available(), reason="Triton does run here")
def test_where_triton_does_not_run_it_is_said_once_and_chunks_are_taken(cuda):
    with pytest.warns(UserWarning, match=r"Triton does not run here \(.*driver.*in chunks instead"):
        assert not vocabulary_module._runs_triton(cuda)
    assert not vocabulary_module._runs_triton(cuda)
