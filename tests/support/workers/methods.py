"""Short trainings with methods, which write down the gradients of every step.

Run by tests in their own process; as a script, under torchrun, with a JSON list of `trained`'s
arguments.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from workers.objectives import GradientsKept, classifying

from hf_apt.cli.spelling.methods import methods_of


def training(folder: str, methods: Sequence[str], **options: Any) -> Any:
    """A Trainer of a classifier by gradient descent, with callbacks of methods."""
    trainer = classifying(folder, (), **options)
    for method in methods_of(methods):
        trainer.add_callback(method.callback())
    return trainer


def trained(folder: str, methods: Sequence[str], **options: Any) -> dict[str, np.ndarray]:
    """Gradients by step and weight, as the optimiser has them."""
    gradients = GradientsKept()
    trainer = training(folder, methods, **options)
    trainer.add_callback(gradients)
    trainer.train()
    return {
        f"{step}.{name}": gradient
        for step, of_step in enumerate(gradients.steps)
        for name, gradient in of_step.items()
    }


if __name__ == "__main__":
    for number, asked in enumerate(json.loads(sys.argv[1])):
        file = Path(asked["folder"]) / f"{number}-{os.environ['RANK']}.npz"
        np.savez(file, allow_pickle=False, **trained(**asked))
