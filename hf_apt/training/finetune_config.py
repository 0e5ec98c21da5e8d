"""How a classifier is trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import get_args

from hf_apt.arithmetic.precision import Precision
from hf_apt.stats.config_checks import (
    require_not_negative,
    require_one_of,
    require_positive,
    require_seed,
    require_whole,
)
from hf_apt.training.losses.class_loss import ClassLoss
from hf_apt.training.methods.method import Method, require_methods
from hf_apt.training.objective import Objective, require_objectives


@dataclass(frozen=True, kw_only=True)
class FinetuneConfig:
    """How a classifier is trained; defaults are those of the paper's code.

    Raises:
        ValueError: for numbers that are out of range, and objectives or methods that do not go
            together.
    """

    num_epochs: int = 50
    """Passes over the training texts; 0 for the models as they are."""

    batch_size: int = 32
    """Texts in a step, over all processes."""

    learning_rate: float = 5e-5
    """Learning rate at the first step, falling linearly to 0; AdamW."""

    weight_decay: float = 0.01
    """Weight decay of all weights but biases and normalisations."""

    sequence_length: int = 128
    """Tokens of a text that are read, special ones included."""

    seed: int = 42
    """Seed of order, dropout and fresh adapters; on the command line of the choice of texts,
    too."""

    lora_rank: int = 0
    """Rank of the LoRA adapters that are trained in place of the blocks' weights; 0 for none: all
    weights are trained. Adapters take a larger learning rate."""

    dropout: float | None = field(default=None, metadata={"before": None})
    """Dropout of hidden states and attention weights in training, at least 0 and less than 1; None
    for the checkpoint's own."""

    group_by_length: bool = field(default=True, metadata={"before": False})
    """Fill batches with texts of about equal length, which spares padding; else texts in random
    order, as in the paper. Which texts meet in a batch stays random."""

    precision: Precision = "auto"
    """Precision of products in training: `fp32`, `bf16`, or `auto`, which takes bfloat16 on a
    graphics card that has it, and float32 on a processor."""

    objectives: tuple[Objective, ...] = ()
    """Objectives added to the cross-entropy in training, as `r_drop:weight=1`."""

    methods: tuple[Method, ...] = ()
    """Methods that act on the training, as `grouped_gradients:num_groups=64`."""

    loss: ClassLoss | None = field(default=None, metadata={"before": None})
    """What replaces the cross-entropy, as `focal:gamma=2`; None for the cross-entropy."""

    def __post_init__(self) -> None:
        require_whole(self, "num_epochs", "lora_rank", least=0)
        require_whole(self, "batch_size", "sequence_length")
        require_positive(self, "learning_rate")
        require_not_negative(self, "weight_decay")
        if self.dropout is not None:
            require_not_negative(self, "dropout")
            if self.dropout >= 1:
                raise ValueError(f"dropout must be less than 1, got {self.dropout!r}.")
        require_one_of(self, "precision", get_args(Precision))
        require_seed(self)
        require_objectives(self.objectives)
        require_methods(self.methods)
