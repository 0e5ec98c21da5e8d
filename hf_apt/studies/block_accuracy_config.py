"""What is measured of a checkpoint on a task."""

from __future__ import annotations

from dataclasses import dataclass, field

from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.depths.feature_config import FeatureConfig
from hf_apt.stats.config_checks import require_one_of, require_seed
from hf_apt.stats.probe_config import PROBES, Probe, ProbeConfig
from hf_apt.studies.confidence_config import ConfidenceConfig
from hf_apt.training.finetune_config import FinetuneConfig


@dataclass(frozen=True, kw_only=True)
class BlockAccuracyConfig:
    """What to measure of a checkpoint on a task.

    Raises:
        ValueError: for fewer than one seed, an invalid seed, and an unknown probe.
    """

    task: TaskConfig
    """Which texts to take."""

    features: FeatureConfig = field(default_factory=FeatureConfig)
    """How texts become vectors."""

    probe: ProbeConfig = field(default_factory=ProbeConfig)
    """Settings of the probes."""

    probes: tuple[Probe, ...] = PROBES
    """Probes to train."""

    finetune: FinetuneConfig | None = field(default_factory=FinetuneConfig)
    """How to fine-tune; None for the frozen protocol alone."""

    confidence: ConfidenceConfig | None = field(default_factory=ConfidenceConfig)
    """How the fine-tuned classifier's confidence is examined; None for not at all."""

    cut: bool = False
    """Fine-tune the trunk cut after each block, too: about D / 2 times the training."""

    untrained: bool = False
    """Measure a twin of fresh weights, too."""

    num_seeds: int = 1
    """Repetitions for standard errors, each with its own choice of texts, fresh head and order."""

    def __post_init__(self) -> None:
        if self.num_seeds < 1:
            raise ValueError(f"at least one seed is needed, got {self.num_seeds}.")
        require_one_of(self, "probes", PROBES)
        require_seed(self.task, num_seeds=self.num_seeds)
