"""The commands that study a model, in the order of the help."""

from __future__ import annotations

from collections.abc import Callable

from hf_apt.cli.analysis.anchors import anchors_command
from hf_apt.cli.analysis.cls import cls_command
from hf_apt.cli.analysis.experts import experts_command
from hf_apt.cli.analysis.images import images_command
from hf_apt.cli.analysis.kernels import kernels_command
from hf_apt.cli.analysis.pairs import pairs_command
from hf_apt.cli.analysis.rademacher import rademacher_command
from hf_apt.cli.analysis.selection import selection_command
from hf_apt.cli.analysis.smoothness import smoothness_command
from hf_apt.cli.analysis.transfer import transfer_command

STUDIES: dict[str, Callable[..., None]] = {
    "smoothness": smoothness_command,
    "experts": experts_command,
    "anchors": anchors_command,
    "cls": cls_command,
    "images": images_command,
    "kernels": kernels_command,
    "transfer": transfer_command,
    "rademacher": rademacher_command,
    "selection": selection_command,
    "pairs": pairs_command,
}
"""Each command by its name: a new study is a line here."""
