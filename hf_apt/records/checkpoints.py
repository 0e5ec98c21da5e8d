"""Names of checkpoints: shipped ones, folders, and those of the Hub at a commit, NAME@COMMIT."""

from __future__ import annotations

import re
from pathlib import Path, PurePath
from typing import Any

from hf_apt.reading import first_line, is_of_the_network

SHIPPED = Path(__file__).parents[1] / "checkpoints_data"
"""Folder with one folder for each shipped checkpoint."""

_AT_COMMIT = re.compile(r"(?P<name>[\w.-]+(?:/[\w.-]+)?)@(?P<commit>[0-9a-f]{40})")

_READ = ("*.json", "*.txt", "*.model", "*.codes", "*.vocab", "*.jinja", "*.safetensors")
"""Files that a checkpoint is read from; pickles, too, where none of these holds weights."""


def checkpoint_path(name: str) -> str:
    """The folder of the shipped checkpoint called `name`, or of NAME@COMMIT in the Hub's cache.

    `name` itself if it is neither.
    """
    folder = SHIPPED / name
    if (folder / "config.json").exists():
        return str(folder)
    return _snapshot(name) or name


def of_run(name: str) -> str:
    """The checkpoint of a run, if `name` is a run's folder; `name` itself otherwise."""
    folder = Path(name) / "checkpoint"
    return str(folder) if (folder / "config.json").exists() else name


def run_name(checkpoint: str) -> str:
    """What to call a checkpoint; in which folder of somebody's disk it lies is left out.

    >>> run_name("/home/me/runs/wiki/checkpoint"), run_name("owner/bert-6")
    ('wiki', 'bert-6')
    """
    parts = [part for part in PurePath(checkpoint).parts if part not in ("checkpoint", "/")]
    return parts[-1] if parts else checkpoint


def require_folder(name: str) -> None:
    """Refuse the name of a checkpoint that cannot be there.

    Raises ValueError if `name` can only be a folder and there is none, or if it is NAME@COMMIT and
    not in the Hub's cache.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        return
    if path.is_absolute() or len(path.parts) > 2 or name.startswith((".", "~")):
        raise ValueError(f"there is no checkpoint folder {name!r}.")
    repo, commit = name_and_commit(name)
    if commit is not None and _snapshot(name) is None:
        raise ValueError(
            f"{name!r} is not in the cache of the Hub's files: download it again by "
            f"pinned({repo!r}, {commit!r}), or on the command line by --revision {commit}."
        )


def name_and_commit(name: str) -> tuple[str, str | None]:
    """The parts of NAME@COMMIT; for every other name itself and None.

    >>> name_and_commit("owner/bert@" + "0123456789" * 4)
    ('owner/bert', '0123456789012345678901234567890123456789')
    >>> name_and_commit("owner/bert")
    ('owner/bert', None)
    """
    parts = _AT_COMMIT.fullmatch(name)
    return (parts["name"], parts["commit"]) if parts else (name, None)


def commit_of(name: str) -> str | None:
    """The commit of a checkpoint of the Hub: that of NAME@COMMIT, or the one of NAME last read.

    None for a folder, a shipped checkpoint and what was never read.
    """
    repo, commit = name_and_commit(name)
    if commit or Path(name).expanduser().is_dir() or (SHIPPED / name).is_dir():
        return commit
    folder = cached_folder(repo)
    return None if folder is None else folder.name


def pinned(name: str, revision: str | None = None) -> str:
    """A checkpoint of the Hub at a branch, tag or commit, as NAME@COMMIT.

    Every function of hf_apt that takes the name of a checkpoint takes that one, and records hold
    it: what a branch or a tag meant is kept. The files are downloaded into the cache of the Hub
    where they are not yet.

    Args:
        name: Hub id of the checkpoint.
        revision: a branch, tag or commit; None for that in `name`, if it says one, NAME@REVISION.

    Returns:
        NAME@COMMIT; `name` itself where no revision is said.

    Raises:
        ValueError: for a folder or a shipped checkpoint with a revision, and if the Hub has no such
            repository or revision or cannot be asked.
    """
    is_local = Path(name).expanduser().is_dir() or (SHIPPED / name).is_dir()
    if revision is None:
        name, at, revision = (name, "", "") if is_local else name.partition("@")
        if not at:
            return name
    elif is_local:
        raise ValueError(
            f"{name!r} is on this machine, and has no revision {revision!r}: leave it out, or give "
            "the Hub id of the checkpoint."
        )
    require_folder(name)
    return f"{name}@{_downloaded(name, revision)}"


def _downloaded(name: str, revision: str) -> str:
    """The commit of a revision, whose files are then in the cache."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        folder = Path(snapshot_download(name, revision=revision, **_only(*_READ)))
        if not any(folder.glob("*.safetensors")):
            snapshot_download(name, revision=folder.name, **_only("*.bin"))
    except HFValidationError:
        raise ValueError(
            f"there is no checkpoint {name!r} with a revision: it is no name of the Hub."
        ) from None
    except HfHubHTTPError as error:
        raise ValueError(
            f"there is no revision {revision!r} of {name!r}: the Hub answers: {first_line(error)}"
        ) from error
    except Exception as error:
        if not isinstance(error, OSError) and not is_of_the_network(error):
            raise
        raise ValueError(
            f"the revision {revision!r} of {name!r} has not been downloaded before, and the Hub "
            f"cannot be asked ({type(error).__name__})."
        ) from error
    return folder.name


def _only(*patterns: str) -> dict[str, Any]:
    """Files of these names that lie in no folder of the repository."""
    return {"allow_patterns": list(patterns), "ignore_patterns": ["*/*"]}


def _snapshot(name: str) -> str | None:
    """The folder of NAME@COMMIT in the cache of the Hub's files."""
    repo, commit = name_and_commit(name)
    folder = None if commit is None else cached_folder(repo, commit)
    return None if folder is None else str(folder)


def cached_folder(repo: str, commit: str | None = None) -> Path | None:
    """The folder of a commit in the cache of the Hub's files; of the one last read without it."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    for file in ("adapter_config.json", "config.json"):
        try:
            path = try_to_load_from_cache(repo, file, revision=commit)
        except HFValidationError:
            return None
        if isinstance(path, str):
            return Path(path).parent
    return None
