"""The command line of this process, as records and receipts repeat it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from hf_apt.records.redaction import redacted


def typed_command() -> str:
    """The program's name and its arguments as a shell takes them, without secrets."""
    program, *arguments = sys.argv
    return redacted(shlex.join([Path(program).name, *arguments]))
