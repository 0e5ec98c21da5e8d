"""Trains a stock BERT under several gloo processes, measured by the callbacks.

At a learning rate of 0: the model is the same whatever the number of processes. Each process writes
down what it logged, what it warned of and which files it gave a name.

A script: `callbacks.py FOLDER NUM_PROCESSES...`.
"""

import json
import logging
import sys
from pathlib import Path
from typing import Any

from accelerate import debug_launcher
from small_trainers import premasked, rows, trainer_of
from torch.utils.data import IterableDataset
from transformers import BertForMaskedLM  # noqa: F401  once, before the forks

from hf_apt import atomic
from hf_apt.data.tokenizer import SPECIAL_TOKENS, vocabulary_tokenizer
from hf_apt.models.devices import process_state
from trainer_callbacks import (
    AptCallback,
    AptEarlyStopping,
    AptLiveView,
    AptPlotCallback,
    ConfusionCallback,
)

# Eleven batches of four, the last of them of one; seven, likewise.
DATA = {"listed": 41, "streamed": 25}
BROKEN_ROW = 30
"""Of the eighth batch, which the second process reads, of two and of three."""


class Streamed(IterableDataset):
    def __iter__(self):
        yield from rows(DATA["streamed"], seed=4)


def broken() -> list[dict[str, Any]]:
    data = rows(DATA["listed"], seed=3)
    data[BROKEN_ROW]["input_ids"][1] = 99
    return data


def trained(folder: str) -> None:
    named: list[str] = []
    replace = atomic.os.replace
    atomic.os.replace = lambda source, target: named.append(str(target)) or replace(source, target)
    warnings: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: warnings.append(record.getMessage())
    logging.getLogger("trainer_callbacks").addHandler(handler)
    tokenizer = vocabulary_tokenizer([*SPECIAL_TOKENS, *(f"w{number}" for number in range(60))])
    found = {}
    for name, confused in (("good", None), ("broken", broken())):
        trainer = trainer_of(
            Path(folder) / name,
            tokenizer,
            eval_dataset={"listed": rows(DATA["listed"], seed=3), "streamed": Streamed()},
            train_dataset=premasked(40),
            callbacks=[
                AptCallback(),
                ConfusionCallback(eval_dataset=confused),
                AptPlotCallback(),
                AptEarlyStopping(prefix="eval_listed", patience=1),
                AptLiveView(),
            ],
            max_steps=3,
            eval_steps=1,
            learning_rate=0.0,
            accelerator_config={"dispatch_batches": False},
        )
        trainer.train()
        entries = trainer.state.log_history
        found[name] = {
            "step": trainer.state.global_step,
            "scalars": [e for e in entries if any("depth" in scalar for scalar in e)],
            "warnings": warnings.copy(),
        }
        warnings.clear()
    state = process_state()
    found["named"] = named
    place = Path(folder) / f"{state.process_index}-of-{state.num_processes}.json"
    place.write_text(json.dumps(found))


if __name__ == "__main__":
    for number in sys.argv[2:]:
        folder = Path(sys.argv[1]) / number
        folder.mkdir()
        debug_launcher(trained, args=(str(folder),), num_processes=int(number))
