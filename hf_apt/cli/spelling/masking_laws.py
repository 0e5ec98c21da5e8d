"""Masking laws as the command line spells them: `name:key=value`."""

from __future__ import annotations

from typing import Any

from hf_apt.cli.spelling.spelled import spelled
from hf_apt.training.masking_laws.frequency import FrequencyMasking
from hf_apt.training.masking_laws.law import MaskingLaw
from hf_apt.training.masking_laws.of_answers import AbilityMasking, CeilingMasking

MASKING_LAWS: dict[str, type[Any]] = {
    "ability": AbilityMasking,
    "ceiling": CeilingMasking,
    "frequency": FrequencyMasking,
}
"""The masking laws, by the name under which each is asked for."""


def masking_law_of(text: str) -> MaskingLaw:
    """What `--masking-law` asks for.

    Raises ValueError for a name or key that there is not, and a value that cannot be read or used.

    >>> masking_law_of("frequency:exponent=1")
    FrequencyMasking(name='frequency', exponent=1.0, most=1.0)
    """
    return spelled(text, MASKING_LAWS, "masking law")
