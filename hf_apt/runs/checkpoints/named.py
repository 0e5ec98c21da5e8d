"""Several checkpoints by name, before any of them is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class NamedCheckpoint:
    """One of several checkpoints."""

    revision: str
    """What it is called among them: a branch, a tag or a subfolder."""

    name: str
    """The checkpoint itself: a folder, a shipped one, or NAME@COMMIT of the Hub."""

    @property
    def folder_name(self) -> str:
        """`revision` as the name of one folder.

        >>> NamedCheckpoint("seed1/step10", "").folder_name
        'seed1-step10'
        """
        return self.revision.replace("/", "-")


@dataclass(frozen=True)
class Series:
    """Checkpoints that are measured on one text."""

    checkpoints: Sequence[NamedCheckpoint]
    """The checkpoints, in order."""

    own_tokenizers: bool = True
    """Whether each checkpoint is read with its own tokenizer; else all with the same one."""
