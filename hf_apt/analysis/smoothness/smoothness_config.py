"""How far word embeddings are moved in a study of smoothness, and on which texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import get_args

from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.stats.config_checks import require_one_of, require_seed, require_whole
from hf_apt.training.adversary.ball import Level, Norm


@dataclass(frozen=True, kw_only=True)
class SmoothnessConfig:
    """Which perturbations a classifier is asked about, on which texts.

    Raises:
        ValueError: for settings out of range.
    """

    task: TaskConfig = field(default_factory=lambda: TaskConfig(name="sotu"))
    """The task whose test texts are read."""

    radii: tuple[float, ...] = (0.001, 0.003, 0.01, 0.03)
    """Radii of the balls that perturbations lie in, in the unit of word embeddings."""

    norm: Norm = "inf"
    """Norm of a perturbation: `inf`, `2` or `1`."""

    norm_level: Level = "sequence"
    """What it is taken over: `token`, `sequence` or `batch`."""

    num_steps: int = 5
    """Steps of the ascent to the worst perturbation."""

    max_texts: int = 256
    """Texts that are read, from the first on; of a task as many of every class."""

    batch_size: int = 32
    """Texts in a batch."""

    sequence_length: int = 128
    """Tokens of a text that are read, special ones included."""

    seed: int = 0
    """Seed of the ascent's start, and of random perturbations."""

    def __post_init__(self) -> None:
        if not self.radii or not all(0 < radius < float("inf") for radius in self.radii):
            raise ValueError(f"radii are {self.radii}: give finite numbers above 0.")
        require_one_of(self, "norm", get_args(Norm))
        require_one_of(self, "norm_level", get_args(Level))
        require_whole(self, "num_steps", "max_texts", "batch_size", "sequence_length")
        require_seed(self)
