"""Methods as the command line spells them: `name:key=value`, one an option."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hf_apt.cli.spelling.spelled import spelled
from hf_apt.training.methods.grouped_gradients import GroupedGradients
from hf_apt.training.methods.method import Method, require_methods
from hf_apt.training.methods.training_dynamics import TrainingDynamics
from hf_apt.training.methods.weight_average import WeightAverage
from hf_apt.training.sampling.balanced_batches import BalancedBatches

METHODS: dict[str, type[Any]] = {
    "balanced_batches": BalancedBatches,
    "grouped_gradients": GroupedGradients,
    "training_dynamics": TrainingDynamics,
    "weight_average": WeightAverage,
}
"""The methods, by the name under which each is asked for and logged."""


def methods_of(texts: Sequence[str]) -> tuple[Method, ...]:
    """What `--method` asks for, given once for each method.

    Raises ValueError for a name or key that there is not, a value that cannot be read or used, a
    key that is missing, and two methods of one name.
    """
    methods = tuple(spelled(text, METHODS, "method") for text in texts)
    require_methods(methods)
    return methods
