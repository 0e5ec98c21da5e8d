"""The checkpoints that a pattern names: branches and tags on the Hub, or subfolders of a folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from hf_apt.reading import first_line, is_of_the_network
from hf_apt.records.checkpoints import SHIPPED, checkpoint_path, pinned, require_folder
from hf_apt.records.fingerprints import weights_fingerprint
from hf_apt.runs.checkpoints.named import NamedCheckpoint

_SHOWN = 5
"""Names that a refusal shows at most."""


def matching_checkpoints(name: str, pattern: str) -> list[NamedCheckpoint]:
    """The checkpoints of `name` whose revision matches `pattern`, such as `step*`, by number.

    Of a folder they are its subfolders, as a Trainer leaves them (`checkpoint-*`), whatever these
    hold; hidden ones are left out. Of a Hub id they are its branches and tags, each at the commit
    that it stands for now; nothing is downloaded yet.

    Raises ValueError, with the first names that there are, if none matches; for two whose folders
    would have the same name; and if the Hub has no such repository or cannot be asked.
    """
    there = _subfolders(name) if _is_here(name) else _of_the_hub(name)
    matching = [
        NamedCheckpoint(revision, there[revision])
        for revision in sorted(there, key=natural_order)
        if fnmatchcase(revision, pattern)
    ]
    if not matching:
        what = "subfolder" if _is_here(name) else "branch or tag"
        raise ValueError(f"no {what} of {name!r} matches {pattern!r}: {_first(list(there))}.")
    _require_distinct(matching)
    return matching


def natural_order(revision: str) -> list[tuple[bool, int, str]]:
    """A key that sorts names by the numbers in them.

    >>> sorted(["step10", "step9", "main"], key=natural_order)
    ['main', 'step9', 'step10']
    """
    parts = re.split(r"(\d+)", revision)
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


def fetched(checkpoint: NamedCheckpoint) -> str:
    """The name of a checkpoint whose files are here: one of the Hub is downloaded where it is not.

    Raises ValueError, with the checkpoint, if it has no configuration, lacks weights or has them in
    a .safetensors file that was not written to its end, and if the Hub cannot be asked.
    """
    name = checkpoint.name if _is_here(checkpoint.name) else pinned(checkpoint.name)
    folder = Path(checkpoint_path(name)).expanduser()
    if not (folder / "config.json").exists():
        raise ValueError(f"{name} holds no config.json, so that it is no checkpoint.")
    if weights_fingerprint(name) is None:
        raise ValueError(f"{name} holds no weights.")
    _require_whole(folder)
    return name


def _require_whole(folder: Path) -> None:
    """Raise ValueError for a file of weights that was not written to its end."""
    from safetensors import SafetensorError, safe_open

    for path in folder.glob("*.safetensors"):
        try:
            with safe_open(path, "pt"):
                pass
        except SafetensorError as error:
            raise ValueError(f"{path} is no whole file of weights ({error}).") from error


def _is_here(name: str) -> bool:
    return Path(name).expanduser().is_dir() or (SHIPPED / name).is_dir()


def _subfolders(name: str) -> dict[str, str]:
    folder = SHIPPED / name if (SHIPPED / name).is_dir() else Path(name).expanduser()
    return {
        path.name: str(path)
        for path in folder.iterdir()
        if path.is_dir() and not path.name.startswith(".")
    }


def _of_the_hub(name: str) -> dict[str, str]:
    """The commits of a repository's branches and tags, by their names."""
    from huggingface_hub import list_repo_refs
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    require_folder(name)
    try:
        refs = list_repo_refs(name)
    except HFValidationError:
        raise ValueError(
            f"there are no checkpoints of {name!r}: it is no folder, and no name of the Hub."
        ) from None
    except HfHubHTTPError as error:
        raise ValueError(
            f"there are no checkpoints of {name!r}: it is no folder, and the Hub answers: "
            f"{first_line(error)}"
        ) from error
    except Exception as error:
        if not isinstance(error, OSError) and not is_of_the_network(error):
            raise
        raise ValueError(
            f"the branches and tags of {name!r} are not known: the Hub cannot be asked "
            f"({type(error).__name__})."
        ) from error
    return {ref.name: f"{name}@{ref.target_commit}" for ref in (*refs.tags, *refs.branches)}


def _first(names: Sequence[str]) -> str:
    if not names:
        return "there is none"
    shown = sorted(names, key=natural_order)[:_SHOWN]
    more = len(names) - len(shown)
    return f"there is {', '.join(shown)}" + (f" and {more} more" if more else "")


def _require_distinct(checkpoints: Iterable[NamedCheckpoint]) -> None:
    seen: dict[str, str] = {}
    for each in checkpoints:
        other = seen.setdefault(each.folder_name.lower(), each.revision)
        if other != each.revision:
            raise ValueError(
                f"{other} and {each.revision} would be measured into one folder, "
                f"{each.folder_name}: name one of them alone."
            )
