"""Which texts a Trainer with balanced batches reads in each of its forward passes.

Run by tests in their own process; as a script, under torchrun, with a folder to write into.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from workers.objectives import classifying, texts

from hf_apt.training.sampling.balanced_batches import BalancedBatches

LABELS = [0] * 15 + [1] * 6 + [2] * 3
"""The classes of the texts."""


def rows() -> list[dict[str, Any]]:
    return [row | {"labels": label} for row, label in zip(texts(), LABELS, strict=True)]


def read_texts(accumulation_steps: int, folder: str = "unused") -> list[list[int]]:
    """The numbers of the texts of each forward pass, over two epochs."""
    read: list[list[int]] = []
    numbered = {tuple(row["input_ids"]): number for number, row in enumerate(rows())}

    trainer = classifying(
        folder, (), rows=rows(), accumulation_steps=accumulation_steps, max_steps=6
    )
    model: Any = trainer.model
    model.register_forward_pre_hook(
        lambda _, __, named: read.append(
            [numbered[tuple(row.tolist())] for row in named["input_ids"]]
        ),
        with_kwargs=True,
    )
    trainer.add_callback(BalancedBatches().callback())
    trainer.train()
    return read


if __name__ == "__main__":
    path = Path(sys.argv[1])
    read = read_texts(1, str(path))
    (path / f"{os.environ['RANK']}.json").write_text(json.dumps(read))
