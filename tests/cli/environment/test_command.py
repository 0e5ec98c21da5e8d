"""What a report of a bug needs is printed whole, for people and for programs."""

import json
import platform
from importlib.metadata import version

import pytest
import torch

from hf_apt.cli.environment.command import versions

NEEDED = ("hf_apt", "torch", "transformers", "accelerate", "datasets", "evaluate", "peft")


@pytest.fixture
def facts(call) -> dict[str, str | int | None]:
    code, out, _ = call("env", "--format", "json")
    assert code == 0
    return json.loads(out)


def test_versions_and_device_are_those_of_this_process(facts) -> None:
    assert {name: facts[name] for name in NEEDED} == {name: version(name) for name in NEEDED}
    assert facts["python"] == platform.python_version()
    assert facts["threads"] == torch.get_num_threads()
    assert facts["device"]


def test_people_read_the_same_a_line_each(call, facts) -> None:
    code, out, _ = call("env")
    assert code == 0
    lines = [line.removeprefix("- ").split(": ", 1) for line in out.splitlines()]
    assert {name: fact for name, fact in lines} == {
        name: "none" if fact is None else str(fact) for name, fact in facts.items()
    }


def test_a_package_that_is_missing_has_no_version() -> None:
    assert versions(("no-such-package-at-all", "torch")) == {
        "no-such-package-at-all": None,
        "torch": version("torch"),
    }
