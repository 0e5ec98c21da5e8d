"""Losses of classes as the command line spells them: `name:key=value`."""

from __future__ import annotations

from typing import Any

from hf_apt.cli.spelling.spelled import spelled
from hf_apt.training.losses.class_balanced import ClassBalanced
from hf_apt.training.losses.class_loss import ClassLoss
from hf_apt.training.losses.focal import Focal
from hf_apt.training.losses.logit_adjusted import LogitAdjusted

LOSSES: dict[str, type[Any]] = {
    "class_balanced": ClassBalanced,
    "focal": Focal,
    "logit_adjusted": LogitAdjusted,
}
"""The losses, by the name under which each is asked for."""


def loss_of(text: str) -> ClassLoss:
    """What `--loss` asks for.

    Raises ValueError for a name or key that there is not, and a value that cannot be read or used.

    >>> loss_of("focal:gamma=2")
    Focal(name='focal', gamma=2.0)
    """
    return spelled(text, LOSSES, "loss")
