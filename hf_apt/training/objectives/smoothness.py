"""Smoothness: answers are to stay as they are where word embeddings are moved a little.

Jiang et al. 2020, "SMART: Robust and Efficient Fine-Tuning for Pre-trained Natural Language Models
through Principled Regularized Optimization", arXiv 1911.03437, section 3.1. Ours, from the paper's
equations; its other half is `hf_apt.training.objectives.proximal`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from hf_apt.stats.config_checks import (
    require_not_negative,
    require_one_of,
    require_positive,
    require_whole,
)
from hf_apt.training.adversary.answers import num_answers
from hf_apt.training.adversary.ball import Ball, Level, Norm
from hf_apt.training.objective import Step, Term, TrainingSetup, require_weight

if TYPE_CHECKING:
    from torch import Tensor

Preset = Literal["paper", "mtdnn"]
Dropout = Literal["independent", "shared", "off"]
Direction = Literal["adversarial", "random"]

_RADIUS: dict[str, float] = {"paper": 1e-5, "mtdnn": 1.0}
_LEVEL: dict[str, Level] = {"paper": "sequence", "mtdnn": "token"}


@dataclass(frozen=True, kw_only=True)
class Smoothness:
    """How far the answers move when word embeddings are perturbed where it matters most.

    The mean over texts, or over tokens with a label, of KL(p || q) + KL(q || p) between the answers
    p to a text and q to the same text with a perturbation added to its word embeddings; in
    regression of the squared difference. The perturbation is sought by gradient ascent from a small
    random start. All tokens but padding are perturbed, special ones as well. Gradients go through
    both answers.

    With the paper's small ball, and the passes' own dropout (`independent`), most of the divergence
    is that of two dropout masks, as in R-Drop; `shared` or `off` leaves the perturbation's alone.

    A step makes `num_steps` passes forward and back to the embeddings, and one forward and back
    more; another forward and back where dropout is `shared` or `off`, and where the Trainer rounds
    products. The start depends on the text's tokens, the step and the Trainer's seed alone, so that
    a step does not depend on its division, but for `norm_level=batch`.

    Raises:
        ValueError: for settings out of range.
    """

    name: str = field(default="smoothness", init=False)
    """`smoothness`, under which the divergence is logged, in nats an item."""

    weight: float
    """Weight of the divergence, the paper's lambda. With 0 there is no other pass."""

    preset: Preset = "paper"
    """`paper`: the perturbation lies in a small ball, and all passes of it are in float32. `mtdnn`:
    it is scaled to the ball's radius, 1 for each token, as in the code that the authors released;
    its last pass is in the Trainer's precision."""

    radius: float | None = None
    """Largest norm of the perturbation, in the unit of word embeddings; None for the preset's."""

    noise: float = 1e-5
    """Standard deviation of the ascent's start, a normal distribution."""

    step_size: float = 1e-3
    """Norm of a step of the ascent."""

    num_steps: int = 1
    """Steps of the ascent."""

    norm: Norm = "inf"
    """The norm: `inf`, `2` or `1`."""

    norm_level: Level | None = None
    """What a norm is taken over: `token`, `sequence` or `batch`; None for the preset's, `sequence`
    of `paper` and `token` of `mtdnn`."""

    dropout: Dropout = "independent"
    """Dropout of the two passes that are compared: `independent` masks, `shared` ones, or `off`."""

    direction: Direction = "adversarial"
    """`adversarial`, or `random`: the same perturbation with random signs, as a control of equal
    norm and cost."""

    def __post_init__(self) -> None:
        require_weight(self)
        require_one_of(self, "preset", get_args(Preset))
        if self.radius is None:
            object.__setattr__(self, "radius", _RADIUS[self.preset])
        if self.norm_level is None:
            object.__setattr__(self, "norm_level", _LEVEL[self.preset])
        require_one_of(self, "norm", get_args(Norm))
        require_one_of(self, "norm_level", get_args(Level))
        require_one_of(self, "dropout", get_args(Dropout))
        require_one_of(self, "direction", get_args(Direction))
        require_positive(self, "radius", "step_size")
        require_not_negative(self, "noise")
        require_whole(self, "num_steps")
        if self.noise == 0 and self.dropout != "independent":
            raise ValueError(
                "the noise of smoothness is 0, where answers are alike and no direction is found: "
                "give a small number, 1e-05 is usual."
            )

    @property
    def ball(self) -> Ball:
        """What holds the perturbation."""
        assert self.radius is not None
        assert self.norm_level is not None
        return Ball(radius=self.radius, norm=self.norm, level=self.norm_level)

    def count(self, inputs: Mapping[str, Any]) -> Tensor | int:
        """How many answers the term is a mean of.

        Args:
            inputs: a batch with labels.

        Returns:
            The number of texts or tokens with a label; of all texts in regression.
        """
        return num_answers(inputs)

    def in_training(self, setup: TrainingSetup) -> Smoothness:
        """Itself, if it can be asked of a model in training.

        Args:
            setup: the training.

        Returns:
            This objective, which keeps nothing from step to step.

        Raises:
            ValueError: for a model without a table of word embeddings, in whose numbers the
                perturbation vanishes, or whose weights are shared out among processes.
        """
        from hf_apt.training.adversary.smoothness_term import require_perturbable

        require_perturbable(self, setup.model, setup.args)
        return self

    def __call__(self, step: Step) -> tuple[Term, ...]:
        """How far the answers of one batch are moved.

        Args:
            step: the batch, after its forward pass.

        Returns:
            The divergence, summed over the answers of the batch, in float32.
        """
        from hf_apt.training.adversary.smoothness_term import moved_by_perturbation

        return (
            Term(
                name=self.name,
                total=moved_by_perturbation(self, step),
                num_items=step.num_items,
                weight=self.weight,
            ),
        )
