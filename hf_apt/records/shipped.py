"""The checkpoints that come with the package, by name."""

from __future__ import annotations

from hf_apt.records.checkpoints import SHIPPED


def shipped_checkpoints() -> list[str]:
    """The names of the checkpoints that come along."""
    return sorted(path.parent.name for path in SHIPPED.glob("*/config.json"))


def checkpoint(name: str) -> str:
    """The folder of a checkpoint that comes with the package, such as `bert6-narrow-wikipedia`.

    Args:
        name: the name of the checkpoint.

    Returns:
        The path of its folder, which `from_pretrained` of any Auto class takes.

    Raises:
        ValueError: for another name, with the names that there are.
    """
    names = shipped_checkpoints()
    if name not in names:
        raise ValueError(f"no checkpoint {name!r} comes along: there is {', '.join(names)}.")
    return str(SHIPPED / name)
