"""Objectives as the command line spells them: `r_drop:weight=1`, one an option."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hf_apt.cli.spelling.spelled import spelled
from hf_apt.training.objective import Objective, require_objectives
from hf_apt.training.objectives.balanced_contrast import BalancedContrast
from hf_apt.training.objectives.entropy import ConfidencePenalty
from hf_apt.training.objectives.graph_pairs import GraphPairs
from hf_apt.training.objectives.masked_pairs import MaskedPairs
from hf_apt.training.objectives.multi_choice import MultiChoice
from hf_apt.training.objectives.proximal import Proximal
from hf_apt.training.objectives.r_drop import RDrop
from hf_apt.training.objectives.rademacher import Rademacher
from hf_apt.training.objectives.replaced_tokens import ReplacedTokens
from hf_apt.training.objectives.sharpness_aware import SharpnessAware
from hf_apt.training.objectives.smoothness import Smoothness
from hf_apt.training.objectives.token_contrast import TokenContrast
from hf_apt.training.objectives.word_selection import WordSelection

OBJECTIVES: dict[str, type[Any]] = {
    "balanced_contrast": BalancedContrast,
    "confidence_penalty": ConfidencePenalty,
    "graph_pairs": GraphPairs,
    "masked_pairs": MaskedPairs,
    "multi_choice": MultiChoice,
    "proximal": Proximal,
    "r_drop": RDrop,
    "rademacher": Rademacher,
    "replaced_tokens": ReplacedTokens,
    "sharpness_aware": SharpnessAware,
    "smoothness": Smoothness,
    "token_contrast": TokenContrast,
    "word_selection": WordSelection,
}
"""The objectives, by the name under which each is asked for and logged."""


def objectives_of(texts: Sequence[str]) -> tuple[Objective, ...]:
    """What `--objective` asks for, given once for each objective.

    Raises ValueError as `objective_of` does, and for two objectives of one name.
    """
    objectives = tuple(map(objective_of, texts))
    require_objectives(objectives)
    return objectives


def objective_of(text: str) -> Objective:
    """The objective that `name:key=value,key=value` spells.

    Raises ValueError for a name or key that there is not, a value that cannot be read or used, and
    a key that is missing.

    >>> objective_of("r_drop:weight=0.5")
    RDrop(name='r_drop', weight=0.5)
    """
    return spelled(text, OBJECTIVES, "objective")
