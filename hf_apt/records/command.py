"""The command line of this process, as records and receipts repeat it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from hf_apt.records.redaction import redacted


def typed_command() -> str:
    """The program's name and its arguments as a shell takes them, without secrets.

    `python -m hf_apt` is recorded by the name of the program that does the same.
    """
    program, *arguments = sys.argv
    path = Path(program)
    is_package = (path.name, path.parent.name) == ("__main__.py", "hf_apt")
    return redacted(shlex.join(["hf-apt" if is_package else path.name, *arguments]))
