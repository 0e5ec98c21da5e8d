"""Errors over stretches of the text, in whatever order an evaluation reads its rows."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from small_trainers import premasked, stacked, trainer_of
from torch.utils.data import DataLoader
from transformers import Trainer

from trainer_callbacks import AptCallback

NUM_DOCUMENTS, NUM_ROWS = 20, 8


def documents() -> list[dict[str, list[int]]]:
    """Twenty texts of eight rows, each of one token, which is easy or hard all through."""
    rows = []
    for row in range(NUM_DOCUMENTS * NUM_ROWS):
        token, length = 5 + row // NUM_ROWS, 4 + row % 5
        rows.append({"input_ids": [2, *[4] * length], "labels": [-100, *[token] * length]})
    return rows


def padded(batch: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    longest = max(len(row["input_ids"]) for row in batch)
    fills = {"input_ids": 0, "labels": -100}
    filled = {
        name: torch.tensor([row[name] + [fill] * (longest - len(row[name])) for row in batch])
        for name, fill in fills.items()
    }
    return filled | {"attention_mask": (filled["input_ids"] != 0).long()}


class Shuffling(Trainer):
    """Evaluates its rows in a drawn order."""

    def get_eval_dataloader(self, eval_dataset=None):
        return DataLoader(documents(), 4, shuffle=True, collate_fn=padded)  # pyright: ignore


def measured(folder: Any, tokenizer: Any, **changed: Any) -> list[dict[str, Any]]:
    trainer = trainer_of(
        folder,
        tokenizer,
        eval_dataset=documents(),
        data_collator=padded,
        callbacks=[AptCallback(detail="all")],
        **changed,
    )
    trainer.evaluate()
    depths = json.loads((folder / "apt/eval-step-00000000.json").read_text())["depths"]
    return [depth["cross_entropy"] for depth in depths]


def by_hand(folder: Any, tokenizer: Any) -> float:
    """The error after the last block: one document after the other is a stretch of the text."""
    model = trainer_of(folder, tokenizer).model.eval()
    sums, nums = [], []
    for start in range(0, NUM_DOCUMENTS * NUM_ROWS, NUM_ROWS):
        batch = padded(documents()[start : start + NUM_ROWS])
        labels = batch.pop("labels")
        with torch.no_grad():
            logits = model(**batch).logits
        sums.append(float(torch.nn.functional.cross_entropy(logits.mT, labels, reduction="sum")))
        nums.append(int((labels != -100).sum()))
    mean = sum(sums) / sum(nums)
    left = [each - mean * num for each, num in zip(sums, nums, strict=True)]
    variance = sum(each**2 for each in left) * NUM_DOCUMENTS / (NUM_DOCUMENTS - 1)
    return variance**0.5 / sum(nums)


@pytest.mark.parametrize("order", ["the text's", "by length", "shuffled"])
def test_the_error_is_over_the_text_and_not_over_the_order_read(
    order, tokenizer, tmp_path, monkeypatch
) -> None:
    changed = {"train_sampling_strategy": "group_by_length"} if order == "by length" else {}
    expected = by_hand(tmp_path, tokenizer)
    if order == "shuffled":
        monkeypatch.setattr("small_trainers.Trainer", Shuffling)
    last = measured(tmp_path, tokenizer, **changed)[-1]
    assert last["num"] == sum(4 + row % 5 for row in range(NUM_DOCUMENTS * NUM_ROWS))
    assert last["standard_error"] == pytest.approx(expected, rel=1e-4)


def test_few_rows_of_a_long_text_are_stretches_of_their_own(
    tokenizer, tmp_path, monkeypatch
) -> None:
    """As many stretches as of a text that holds these rows alone."""
    held = premasked(400, seed=2)
    chosen = np.random.default_rng(0).permutation(np.arange(340, 400)).tolist()

    class Choosing(Trainer):
        def get_eval_dataloader(self, eval_dataset=None):
            return DataLoader(held, 4, sampler=chosen, collate_fn=stacked)  # pyright: ignore

    errors = []
    for name, data in (("alone", held[340:]), ("chosen", held)):
        if name == "chosen":
            monkeypatch.setattr("small_trainers.Trainer", Choosing)
        trainer = trainer_of(
            tmp_path / name,
            tokenizer,
            eval_dataset=data,
            data_collator=stacked,
            callbacks=[AptCallback()],
        )
        trainer.evaluate()
        path = tmp_path / name / "apt/eval-step-00000000.json"
        depth = json.loads(path.read_text())["depths"][-1]
        errors.append(depth["cross_entropy"]["standard_error"])
    assert errors[0] == pytest.approx(errors[1], rel=1e-4)
