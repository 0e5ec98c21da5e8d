"""Where files lay on somebody's disk: taken out of what is published."""

from __future__ import annotations

import html
import json
import os
import re
import shlex
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from hf_apt.records.summary_record import Summary
from hf_apt.records.task_record import TaskRecord

_ABSOLUTE = re.compile(
    r"(?:^|(?<=[=,;:@\s]))"
    r"(?:file:/+[^,;]+|(?:~[\w.-]*)?/(?!/)[^,;]+|[A-Za-z]:[\\/](?!/)[^,;]+|\\\\[^,;]+)"
)


def local_paths(*contents: Any) -> set[str]:
    r"""Absolute paths in the texts of JSON, command lines too; also `~/x`, `file:`, `C:\x` too."""
    paths: set[str] = set()
    for text in _texts(contents):
        try:
            words = [text, *shlex.split(text)]
        except ValueError:
            words = [text, *text.split()]
        if len(words) > 2:  # several words are a command line, unless all of it is one path
            words = words if re.match(r"[/~]|[A-Za-z]:\\|file:", text) else words[1:]
        paths |= {match for word in words for match in _ABSOLUTE.findall(word)}
    return {path for path in paths if _last(path)}


def recorded_paths(
    summary: Summary, tasks: dict[str, TaskRecord], *others: dict[str, Any]
) -> set[str]:
    """The absolute paths in records: all their texts but the tokens of the vocabulary."""
    told = {key: value for key, value in summary.items() if key != "readouts"}
    parts = ("config", "checkpoint", "provenance")
    of_tasks = [record.get(part) for record in tasks.values() for part in parts]
    return local_paths(told, of_tasks, *others)


def without_paths(text: bytes, paths: Iterable[str]) -> bytes:
    """`text` with the last part of each of `paths` in its place, however it is written there."""
    instead = {path: _last(path) for path in paths}
    folders = {path.removesuffix(name) for path, name in instead.items() if path.endswith(name)}
    instead |= {folder: "" for folder in folders if len(folder) > 1}
    instead |= {f"{os.path.expanduser('~')}/": "~/"}
    for path in sorted(instead, key=len, reverse=True):
        for written in _forms(path):
            # Not in the middle of a longer path, nor in an address, nor a tag's end.
            pattern = rb"(?<![\w.:/<-])" + re.escape(written.encode())
            text = re.sub(pattern, lambda _, name=instead[path]: name.encode(), text)
    return text


def require_no_local_path(name: str, text: bytes, *folders: Path) -> None:
    """Raise ValueError if `text` holds the home, working or temporary folder, or one of `folders`.

    `name` is what the sentence calls the file.
    """
    places = {os.path.expanduser("~"), os.getcwd(), tempfile.gettempdir()}
    places |= {path for folder in folders for path in (str(folder.resolve()), str(folder))}
    for place in sorted(places):
        if not os.path.isabs(place) or place == "/":
            continue
        for written in _forms(place):
            if re.search(rb"(?<![\w.:/<-])" + re.escape(written.encode()) + rb"(?=[/\\])", text):
                raise ValueError(
                    f"{name} names a folder of this machine ({place}): nothing was sent. Write "
                    "the path relative, and try again."
                )


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for value in content.values():
            yield from _texts(value)
    elif isinstance(content, list | tuple):
        for value in content:
            yield from _texts(value)


def _forms(path: str) -> set[str]:
    """How a path is written: plain, quoted for a shell, in JSON, in HTML."""
    plain = {path, shlex.quote(path).removeprefix("'").removesuffix("'")}
    in_json = {json.dumps(p, ensure_ascii=ascii)[1:-1] for p in plain for ascii in (True, False)}
    return plain | in_json | {html.escape(written) for written in plain | in_json}


def _last(path: str) -> str:
    return re.split(r"[\\/]", path.rstrip("\\/"))[-1]
