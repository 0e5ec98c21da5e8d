"""`hf-apt env`: what a report of a bug needs."""

from __future__ import annotations

FURTHER = ("huggingface_hub", "evaluate", "peft")
"""Packages that no number of a run depends on, and that bugs are met with."""


def env_command() -> None:
    """Versions, processor and device: paste them where you report a bug."""
    from typer import echo

    from hf_apt.cli.every_command.output_format import is_json, print_json
    from hf_apt.records.environment import environment

    facts = {**environment(), **versions(FURTHER)}
    if is_json():
        return print_json(facts)
    for name, fact in facts.items():
        echo(f"- {name}: {'none' if fact is None else fact}")


def versions(packages: tuple[str, ...]) -> dict[str, str | None]:
    """The version of each package that is installed; None of one that is not."""
    from importlib.metadata import PackageNotFoundError, version

    installed: dict[str, str | None] = dict.fromkeys(packages)
    for package in packages:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            continue
    return installed
