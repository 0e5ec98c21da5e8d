"""The weights at the end of a training are an average of those on the way.

Izmailov et al. 2018, "Averaging Weights Leads to Wider Optima and Better Generalization", arXiv
1803.05407 (`swa`); Polyak and Juditsky 1992, "Acceleration of Stochastic Approximation by
Averaging", SIAM J. Control Optim. 30 (4). Ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

from hf_apt.stats.config_checks import require_one_of
from hf_apt.training.averages.shares import require_share_or_end

if TYPE_CHECKING:
    from transformers import TrainerCallback

Kind = Literal["ema", "swa"]


@dataclass(frozen=True, kw_only=True)
class WeightAverage:
    """An average of the trained weights over steps, which the model has when training ends.

    Training itself is the plain one, to the bit, and so is evaluation on the way. A step takes the
    time to read the weights once; the memory is that of the trained weights in float32. The average
    is in every checkpoint.

    Raises:
        ValueError: for settings out of range.
    """

    name: str = field(default="weight_average", init=False)
    """`weight_average`."""

    kind: Kind = "ema"
    """`ema`: exponential, a share of `momentum` is kept in each step. `swa`: the plain mean over
    all steps from `start` on."""

    momentum: float = 0.99
    """Share of the exponential average that is kept in a step, in [0, 1]; 0 for the model as it
    is."""

    start: float = 0.0
    """Share of the steps, in [0, 1], after which averaging begins; before, the average is the
    model."""

    def __post_init__(self) -> None:
        require_one_of(self, "kind", get_args(Kind))
        require_share_or_end(self, "momentum", "start")

    def callback(self) -> TrainerCallback:
        """A callback for one Trainer.

        Returns:
            What keeps the average, and gives it to the model at the end. As training begins it
            refuses weights that are shared out among processes, and load_best_model_at_end.
        """
        from hf_apt.training.methods.weight_average_callback import WeightAverageCallback

        return WeightAverageCallback(self)
