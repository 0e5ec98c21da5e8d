"""Short trainings with a loss of classes, which write down the gradients and losses of each step.

Run by tests in their own process; as a script, under torchrun, with a JSON list of
`gradients_and_losses`'s arguments.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from workers.objectives import GradientsKept, classifying, logged

from hf_apt.cli.spelling.losses import loss_of
from hf_apt.training.losses.loss_func import class_loss_func

COUNTS = [40, 3, 9]
"""Training examples of each class, as losses are told."""


def gradients_and_losses(folder: str, spelled: str, **options: Any) -> dict[str, np.ndarray]:
    """Gradients by step and weight, and the losses of the steps."""
    func = class_loss_func(loss_of(spelled), COUNTS)
    gradients = GradientsKept()
    trainer = classifying(folder, (), compute_loss_func=func, **options)
    trainer.add_callback(gradients)
    trainer.train()
    kept = {
        f"{step}.{name}": gradient
        for step, of_step in enumerate(gradients.steps)
        for name, gradient in of_step.items()
    }
    return kept | {name: np.array(value) for name, value in logged(trainer).items()}


if __name__ == "__main__":
    for number, asked in enumerate(json.loads(sys.argv[1])):
        kept = gradients_and_losses(**asked)
        arrays: Any = kept
        np.savez(Path(asked["folder"]) / f"{number}-{os.environ['RANK']}.npz", **arrays)
