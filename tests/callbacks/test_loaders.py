"""Whatever loader a Trainer evaluates with: its rows are asked, each as often as it was evaluated.

Labels are made beforehand, so that a loop over the rows knows what is asked; where a collator makes
them, it has a generator of its own.
"""

import logging
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import oracles
import pytest
import torch
from small_trainers import VOCAB, looped, made, premasked, rows, scalars, stacked, trainer_of
from torch.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    SubsetRandomSampler,
    WeightedRandomSampler,
    get_worker_info,
)
from transformers import Trainer, TrainerCallback

from trainer_callbacks import AptCallback, ConfusionCallback

DATA = premasked(23, seed=2)


class Ready(Dataset):
    """Items are batches."""

    def __len__(self):
        return 6

    def __getitem__(self, place: int) -> Any:
        return stacked(DATA[4 * place : 4 * place + 4])


class Stream(IterableDataset):
    def __init__(self, *, is_shared: bool = False):
        self.is_shared = is_shared

    def __iter__(self):
        worker = get_worker_info()
        step = (
            slice(worker.id, None, worker.num_workers) if worker and self.is_shared else slice(None)
        )
        yield from DATA[step]


class Doubling(DataLoader):
    """A loader that does more than torch's."""

    def __iter__(self):
        for batch in super().__iter__():
            yield batch
            yield batch


class Serving:
    """Batches, and nothing else."""

    def __iter__(self):
        return (stacked(DATA[start : start + 5]) for start in range(0, 23, 5))


LOADERS: dict[str, tuple[Callable[[], Any], list[Any]]] = {
    "subset": (
        lambda: DataLoader(DATA, 4, sampler=SubsetRandomSampler([0, 3, 7, 9]), collate_fn=stacked),
        [DATA[place] for place in (0, 3, 7, 9)],
    ),
    "batch sampler": (
        lambda: DataLoader(DATA, batch_sampler=[[0, 1, 2], [3], [8, 5]], collate_fn=stacked),
        [DATA[place] for place in (0, 1, 2, 3, 8, 5)],
    ),
    "rows twice": (
        lambda: DataLoader(DATA, batch_sampler=[[0, 1], [1]], collate_fn=stacked),
        [DATA[place] for place in (0, 1, 1)],
    ),
    "shuffled": (lambda: DataLoader(DATA, 4, shuffle=True, collate_fn=stacked), DATA),
    "rest dropped": (lambda: DataLoader(DATA, 4, drop_last=True, collate_fn=stacked), DATA[:20]),
    "ready batches": (lambda: DataLoader(Ready(), batch_size=None), DATA),
    "list": (lambda: [stacked(DATA[:3]), stacked(DATA[3:9])], DATA[:9]),
    "object that serves": (Serving, DATA),
    "own class": (lambda: Doubling(DATA, 4, collate_fn=stacked), DATA + DATA),
    "stream": (lambda: DataLoader(Stream(), 4, collate_fn=stacked), DATA),
    "stream, rest dropped": (
        lambda: DataLoader(Stream(), 4, collate_fn=stacked, drop_last=True),
        DATA[:20],
    ),
    "stream shared by workers": (
        lambda: DataLoader(Stream(is_shared=True), 4, collate_fn=stacked, num_workers=2),
        DATA,
    ),
    "stream read by each worker": (
        lambda: DataLoader(Stream(), 4, collate_fn=stacked, num_workers=2),
        DATA + DATA,
    ),
    "stream with a start for each worker": (
        lambda: DataLoader(
            Stream(), 4, collate_fn=stacked, num_workers=1, worker_init_fn=lambda number: None
        ),
        DATA,
    ),
    "workers": (lambda: DataLoader(DATA, 4, collate_fn=stacked, num_workers=2), DATA),
}


class Loading(Trainer):
    """Makes its evaluation loader by itself."""

    make: Callable[[], Any]

    def get_eval_dataloader(self, eval_dataset=None):
        return type(self).make()


def loading(
    make: Callable[[], Any], folder: Any, tokenizer: Any, monkeypatch: Any, **changed: Any
) -> Trainer:
    kind = type("Loading", (Loading,), {"make": staticmethod(make)})
    monkeypatch.setattr("small_trainers.Trainer", kind)
    changed = {"callbacks": [AptCallback()], "max_steps": 2, "data_collator": stacked} | changed
    return trainer_of(folder, tokenizer, train_dataset=premasked(20), eval_dataset=DATA, **changed)


@pytest.mark.parametrize("kind", LOADERS)
def test_what_is_asked_is_what_was_evaluated(kind, tokenizer, tmp_path, monkeypatch):
    make, evaluated = LOADERS[kind]
    trainer = loading(make, tmp_path, tokenizer, monkeypatch)
    trainer.evaluate()
    with np.load(tmp_path / "apt/eval-step-00000000.npz") as arrays:
        found = {name: arrays[name].tolist() for name in arrays.files}
    tables = looped("bert", trainer.model.eval(), [stacked(evaluated)])
    assert found["support"] == oracles.support(tables[2], VOCAB)
    assert found["hits"] == [oracles.hits(tables[depth], VOCAB) for depth in range(3)]


class OnAndOn(IterableDataset):
    """Eight rows from where it was left."""

    def __init__(self):
        self.place = 0

    def __iter__(self):
        for _ in range(8):
            yield DATA[self.place % 23]
            self.place += 1


def once() -> Any:
    return (stacked(DATA[start : start + 4]) for start in range(0, 20, 4))


_LEFT = OnAndOn()

REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "goes on": (
        lambda: DataLoader(_LEFT, 4, collate_fn=stacked),
        "the evaluation data, a OnAndOn, go on where they were left",
    ),
    "read once": (once, "read from a generator, which can be read once only"),
    "other rows each time": (
        lambda: DataLoader(
            DATA, 4, sampler=WeightedRandomSampler([1.0] * 23, 5), collate_fn=stacked
        ),
        "the evaluation loader's WeightedRandomSampler draws other rows each time",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_asked_again_is_said(kind, tokenizer, tmp_path, caplog, monkeypatch):
    make, sentence = REFUSED[kind]
    trainer = loading(make, tmp_path, tokenizer, monkeypatch)
    with caplog.at_level(logging.WARNING, logger="trainer_callbacks"):
        trainer.train()
    (said,) = [r.getMessage() for r in caplog.records if r.name.startswith("trainer_callbacks")]
    assert sentence in said
    assert "ive the callback an eval_dataset" in said
    assert "eval_loss" in trainer.state.log_history[-2]
    assert scalars(trainer, "eval_mean_apt") == {}


def test_a_stream_that_goes_on_is_asked_alike_where_only_the_callback_reads_it(tokenizer, tmp_path):
    trainer = trainer_of(
        tmp_path,
        tokenizer,
        train_dataset=premasked(20),
        eval_dataset=DATA,
        data_collator=stacked,
        learning_rate=0.0,
        callbacks=[AptCallback(eval_dataset=OnAndOn())],
    )
    trainer.train()
    asked = [np.load(path)["support"].tolist() for path in sorted(tmp_path.glob("apt/*.npz"))]
    expected = oracles.support(looped("bert", made("bert"), [stacked(DATA[:8])])[2], VOCAB)
    assert asked == [expected] * 3


# State of one's own.

GENERATORS: dict[str, tuple[Callable[[], Any], Callable[[Any, int], Any]]] = {
    "numpy": (lambda: np.random.default_rng(0), lambda g, num: g.random(num)),
    "old numpy": (lambda: np.random.RandomState(0), lambda g, num: g.rand(num)),
    "python": (lambda: random.Random(0), lambda g, num: [g.random() for _ in range(num)]),
    "torch": (
        lambda: torch.Generator().manual_seed(0),
        lambda g, num: torch.rand(num, generator=g).numpy(),
    ),
}


class Masking:
    """A collator that masks by a generator of its own."""

    def __init__(self, kind: str):
        make, self.draw = GENERATORS[kind]
        self.generator = make()
        self.num_calls = 0

    def __call__(self, held: list[Any]) -> Any:
        self.num_calls += 1
        ids = torch.nn.utils.rnn.pad_sequence(
            [torch.tensor(row["input_ids"]) for row in held], batch_first=True
        )
        drawn = torch.tensor(np.asarray(self.draw(self.generator, ids.numel()))).view_as(ids)
        asked = (drawn < 0.3) & (ids > 4)
        return {"input_ids": ids.masked_fill(asked, 4), "labels": ids.masked_fill(~asked, -100)}


class Weights(TrainerCallback):
    def on_train_end(self, args, state, control, *, model, **event):
        self.found = {name: value.clone() for name, value in model.state_dict().items()}


@pytest.mark.parametrize("wrapped", ["itself", "closure"])
@pytest.mark.parametrize("kind", GENERATORS)
def test_a_generator_of_ones_own_changes_nothing(kind, wrapped, tokenizer, tmp_path):
    trained = []
    for callbacks in ([], [AptCallback(), ConfusionCallback(every=1)]):
        masking, weights = Masking(kind), Weights()
        collate = masking if wrapped == "itself" else lambda held, collate=masking: collate(held)
        folder = tmp_path / str(len(callbacks))
        trainer = trainer_of(
            folder,
            tokenizer,
            train_dataset=rows(40, seed=1),
            data_collator=collate,
            callbacks=[*callbacks, weights],
        )
        trainer.train()
        losses = scalars(trainer, "loss"), scalars(trainer, "eval_loss")
        trained.append((losses, weights.found, masking.num_calls))
    alone, measured = trained
    assert measured[0] == alone[0]
    assert measured[2] == alone[2]
    assert all(torch.equal(measured[1][name], weight) for name, weight in alone[1].items())
    asked = [np.load(path)["support"].tolist() for path in sorted(tmp_path.glob("2/apt/*.npz"))]
    assert len(asked) == 3
    assert asked[0] == asked[1] == asked[2]
    assert sum(asked[0]) > 20
