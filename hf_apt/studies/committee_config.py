"""Which committee is made, and what is measured of it."""

from __future__ import annotations

from dataclasses import dataclass

from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.models.committee.combination_names import Combination, require_combination
from hf_apt.stats.config_checks import require_seed, require_whole
from hf_apt.training.finetune_config import FinetuneConfig


@dataclass(frozen=True, kw_only=True)
class CommitteeRunConfig:
    """Which committee to make, and what to measure of it."""

    task: TaskConfig
    """Which texts to take; all members are trained on the same ones."""

    finetune: FinetuneConfig
    """How to fine-tune members that are not classifiers yet; member k has the seed plus k."""

    combination: Combination = "mean_softmax"
    """How the saved committee answers; curves are drawn for all combinations."""

    num_seeds: int = 1
    """Number of classifiers made of a single checkpoint; with LoRA they share its trunk."""

    against: str | None = None
    """Checkpoint to compare with, treated like a member."""

    max_subsets: int = 200
    """Largest number of committees of each size to evaluate."""

    num_repeats: int = 20
    """Number of timed forward passes per latency."""

    def __post_init__(self) -> None:
        require_whole(self, "num_seeds", "max_subsets", "num_repeats")
        require_combination(self.combination)
        require_seed(self.finetune, num_seeds=self.num_seeds)
