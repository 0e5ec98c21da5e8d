"""Tokens of one run given to another of the same text and tokenizer, without tokenising again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from hf_apt.atomic import writing, writing_folder
from hf_apt.data.tokenizer import is_same_tokenizer, load_tokenizer
from hf_apt.ownership import MARKER
from hf_apt.records.run import Run
from hf_apt.records.unchanged import NAME
from hf_apt.runs.recipes import RunConfig

_LAST = "frequency.npy"
"""The file that says that all the others are there."""


def share_tokens(source: Run, run: Run, config: RunConfig) -> bool:
    """Whether `run`, of the configuration `config`, was given the tokens of `source`.

    It is not if it has its own, or if its tokenizer is another one than that of `source`, of whose
    text, length and layout it has to be. What is given are the files that `prepare` makes: links
    to the same content on the disk where the file system has them, copies otherwise.
    """
    if run.path(_LAST).exists() or not source.path(_LAST).exists():
        return False
    if config.tokenizer is not None:
        names = (config.tokenizer, str(source.path("tokenizer")))
        if not is_same_tokenizer(*(load_tokenizer(name, needs_mask=False) for name in names)):
            return False
    for name in ("tokenizer", "tokens"):
        with writing_folder(run.path(name)) as partial:
            _link_all(source.path(name), partial)
    for name in ("vocabulary.json", "planted.npy", NAME, _LAST):
        if source.path(name).exists():
            run.path(name).unlink(missing_ok=True)
            _link(source.path(name), run.path(name))
    return True


def _link_all(source: Path, folder: Path) -> None:
    for path in source.rglob("*"):
        if path.is_file() and path.name != MARKER:
            target = folder / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(path, target)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        with source.open("rb") as read, writing(target, "wb") as written:
            shutil.copyfileobj(read, written)
