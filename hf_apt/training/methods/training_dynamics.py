"""Records how a training's own examples are answered after each epoch.

Swayamdipta et al. 2020, "Dataset Cartography", arXiv 2009.10795. Ours reads all examples at the end
of an epoch, without dropout, where the paper takes what was answered in passing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import TrainerCallback


@dataclass(frozen=True, kw_only=True)
class TrainingDynamics:
    """The probability of each training example's label after each epoch, of a classifier.

    It is kept in `training_dynamics.npz` in the Trainer's folder, which
    `hf_apt.read_dynamics` reads: confidence, variability and correctness of each example, in
    the order of the data set. Nothing of the training is changed; an epoch takes one more forward
    pass over its examples, about a third of its time.
    """

    name: str = field(default="training_dynamics", init=False)
    """`training_dynamics`."""

    picture: bool = False
    """Draw the data map, `data_map.png` beside it, as the training ends."""

    def callback(self) -> TrainerCallback:
        """What records.

        Returns:
            The callback that reads after each epoch; its `record` is what was read so far.
        """
        from hf_apt.training.methods.training_dynamics_callback import TrainingDynamicsCallback

        return TrainingDynamicsCallback(self)
