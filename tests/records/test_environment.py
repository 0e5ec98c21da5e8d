"""What a run was made with: flat, complete, and without what is not known."""

import hashlib
import json
import platform
import subprocess

from hf_apt.records import environment as module
from hf_apt.records.environment import environment
from hf_apt.records.fingerprints import file_fingerprint


def test_it_is_flat_json_with_the_versions_that_matter() -> None:
    import torch

    content = environment()
    assert json.loads(json.dumps(content)) == content
    assert all(isinstance(value, str | int | None) for value in content.values())
    assert content["torch"].startswith(torch.__version__.split("+")[0])
    assert content["hf_apt"] == __import__("hf_apt").__version__
    assert {"python", "transformers", "processor", "device"} <= set(content)
    assert content["processes"] == 1
    assert content["cores"] >= 1


def test_a_package_that_is_not_there_has_no_version() -> None:
    assert module._version("no-such-package-at-all") is None


def test_without_git_there_is_no_commit(monkeypatch) -> None:
    def missing(*_, **__):
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", missing)
    assert environment()["commit"] is None


def test_the_number_of_processes_is_the_launchers(monkeypatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert environment()["processes"] == 4


def test_a_files_fingerprint_is_that_of_its_bytes(tmp_path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a" * 3_000_000)
    assert file_fingerprint(path) == hashlib.sha256(b"a" * 3_000_000).hexdigest()[:16]


def test_the_release_of_the_system_is_nobodys_business() -> None:
    assert platform.release() not in str(environment())
