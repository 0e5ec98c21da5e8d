"""Trains a stock BERT under several gloo processes, measured by the callbacks.

At a learning rate of 0: the model is the same whatever the number of processes. Each process writes
down what it logged, what it warned of and which files it gave a name.

A script: `callbacks.py FOLDER NUM_PROCESSES...`.
"""

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import small_trainers
from accelerate import debug_launcher
from matplotlib.figure import Figure
from quick_pictures import write_a_pixel
from small_trainers import premasked, rows, stacked, trainer_of
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    DistributedSampler,
    IterableDataset,
    SequentialSampler,
)
from transformers import BertForMaskedLM, Trainer  # noqa: F401  once, before the forks

from hf_apt import atomic
from hf_apt.data.tokenizer import SPECIAL_TOKENS, vocabulary_tokenizer
from hf_apt.depths.head_config import HeadConfig
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


HEADS = HeadConfig(num_steps=3, batch_size=4)


class Streamed(IterableDataset):
    def __iter__(self):
        yield from rows(DATA["streamed"], seed=4)


def _prepared(trainer: Trainer, **changed: Any) -> Any:
    return trainer.accelerator.prepare(DataLoader(ROWS, collate_fn=stacked, **changed))


ROWS = premasked(23, seed=5)
LOADERS: dict[str, Callable[[Trainer], Any]] = {
    "as it is": lambda trainer: Trainer.get_eval_dataloader(trainer),
    "prepared batch sampler": lambda trainer: _prepared(
        trainer, batch_sampler=BatchSampler(SequentialSampler(range(9)), 2, drop_last=False)
    ),
    "prepared and shuffled": lambda trainer: _prepared(trainer, batch_size=4, shuffle=True),
    "not prepared": lambda _: DataLoader(ROWS, 4, collate_fn=stacked),
    "shared by torch": lambda _: DataLoader(
        ROWS,
        4,
        sampler=DistributedSampler(
            ROWS,  # pyright: ignore[reportArgumentType]
            process_state().num_processes,
            process_state().process_index,
            shuffle=False,
        ),
        collate_fn=stacked,
    ),
    "batches": lambda _: [stacked(ROWS[start : start + 4]) for start in range(0, 23, 4)],
    "ready batches": lambda _: DataLoader(
        [stacked(ROWS[start : start + 4]) for start in range(0, 23, 4)],  # pyright: ignore
        batch_size=None,
    ),
    "other batches": lambda _: [stacked(ROWS[process_state().process_index :][:3])],
}


class Loading(Trainer):
    """Makes its evaluation loader by itself."""

    make: Callable[[Trainer], Any]

    def get_eval_dataloader(self, eval_dataset=None):
        return type(self).make(self)


def loaded(folder: Path, tokenizer: Any, name: str) -> dict[str, Any]:
    """What is measured of the data that a loader serves."""
    kind = type("Loading", (Loading,), {"make": staticmethod(LOADERS[name])})
    small_trainers.Trainer = kind  # type: ignore[misc]
    try:
        trainer = trainer_of(
            folder,
            tokenizer,
            eval_dataset=ROWS,
            data_collator=stacked,
            callbacks=[AptCallback(detail="all")],
        )
    finally:
        small_trainers.Trainer = Trainer  # type: ignore[misc]
    metrics = trainer.evaluate()
    return {key: v for key, v in metrics.items() if "depth" in key or "num_" in key}


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
                AptCallback(detail="all", heads="linear", head_config=HEADS),
                ConfusionCallback(eval_dataset=confused, detail="all"),
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
    found["named"] = named.copy()
    found["loaders"] = {name: loaded(Path(folder) / name, tokenizer, name) for name in LOADERS}
    place = Path(folder) / f"{state.process_index}-of-{state.num_processes}.json"
    place.write_text(json.dumps(found))


if __name__ == "__main__":
    Figure.savefig = write_a_pixel  # the pictures of one process are drawn
    for number in sys.argv[2:]:
        folder = Path(sys.argv[1]) / number
        folder.mkdir()
        debug_launcher(trained, args=(str(folder),), num_processes=int(number))
