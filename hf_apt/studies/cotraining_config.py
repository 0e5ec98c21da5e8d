"""What two classifiers that weight each other's examples are trained on, and beside what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.stats.config_checks import require_one_of, require_seed, require_share, require_whole
from hf_apt.stats.dynamics.example_weights import Weighting
from hf_apt.training.finetune_config import FinetuneConfig


@dataclass(frozen=True, kw_only=True)
class CotrainingConfig:
    """Pairs of classifiers on one task, each pair with another weighting of its examples.

    Raises:
        ValueError: for settings out of range, and for `oracle` without wrong labels.
    """

    task: TaskConfig
    """Which texts to take, and the share of wrong labels among them, `label_noise`."""

    finetune: FinetuneConfig
    """How each classifier is trained; the second one of a pair has the seed plus 1,000."""

    weightings: tuple[Weighting, ...] = ("none", "co_training", "threshold", "filter")
    """The arms: `none`; `co_training`; `threshold` on the last probability; `filter`, without the
    examples of lowest confidence; `oracle`, without the wrong labels."""

    threshold: float = 0.5
    """Least probability of the label of an example that `threshold` keeps."""

    dropped: float = 0.2
    """Share of the examples that `filter` leaves out."""

    num_seeds: int = 3
    """Repetitions, each with texts, wrong labels and orders of its own."""

    def __post_init__(self) -> None:
        require_one_of(self, "weightings", get_args(Weighting))
        require_share(self, "threshold", "dropped")
        require_whole(self, "num_seeds")
        require_seed(self.task, num_seeds=self.num_seeds)
        require_seed(self.finetune, num_seeds=self.num_seeds + 1000)
        if "oracle" in self.weightings and not self.task.label_noise:
            raise ValueError(
                "the weighting oracle leaves out wrong labels, and the task has a label_noise of "
                "0: plant some, as 0.2, or leave it out."
            )
