"""Tokens that are asked often and never answered right, counted by a loop."""

import json
import math
from collections import Counter
from typing import Any

import pytest
import torch
from small_trainers import made, premasked, scalars, stacked, trainer_of

from trainer_callbacks import AptCallback


def never(model: Any, data: list[dict[str, Any]]) -> list[int]:
    """Ids asked ten times or more and never right, most often first, of equal ones the lowest."""
    batch = stacked(data)
    with torch.no_grad():
        answers = model(input_ids=batch["input_ids"]).logits.argmax(-1).flatten().tolist()
    asked, right = Counter(), Counter()
    for label, answer in zip(batch["labels"].flatten().tolist(), answers, strict=True):
        if label != -100:
            asked[label] += 1
            right[label] += label == answer
    often = [token for token in sorted(asked) if asked[token] >= 10 and not right[token]]
    return sorted(often, key=lambda token: -asked[token])


@pytest.mark.parametrize("has_words", [True, False])
def test_they_are_named_in_the_tables_and_counted(has_words, tokenizer, tmp_path):
    data = premasked(40, seed=3)
    trainer = trainer_of(
        tmp_path,
        tokenizer,
        processing_class=tokenizer if has_words else None,
        train_dataset=data,
        eval_dataset=data,
        data_collator=stacked,
        callbacks=[AptCallback(detail="all")],
        max_steps=2,
        learning_rate=3e-2,
    )
    trainer.train()
    ids = never(trainer.model.eval(), data)
    entry = json.loads((tmp_path / "apt" / "eval-step-00000002.json").read_text())["never_right"]
    assert 0 < len(ids) < 12
    assert entry["ids"] == ids
    assert entry["min_support"] == 10 <= min(entry["support"])
    assert entry["support"] == sorted(entry["support"], reverse=True)
    assert entry.get("words") == ([f"w{token - 5}" for token in ids] if has_words else None)
    assert scalars(trainer, "eval_num_never_right") == {2: len(ids)}


def test_they_are_not_known_where_answers_are_missing(tokenizer, tmp_path):
    model = made("bert")
    with torch.no_grad():
        model.bert.encoder.layer[-1].output.dense.bias.fill_(math.nan)
    trainer = trainer_of(
        tmp_path, tokenizer, model=model, callbacks=[AptCallback(detail="all")], max_steps=2
    )
    assert math.isnan(trainer.evaluate()["eval_num_never_right"])
    entry = json.loads((tmp_path / "apt" / "eval-step-00000000.json").read_text())["never_right"]
    assert entry == {"min_support": 10, "ids": None, "support": None, "words": None}


def test_few_scalars_leave_it_out(tokenizer, tmp_path):
    trainer = trainer_of(tmp_path, tokenizer, callbacks=[AptCallback()], max_steps=2)
    assert "eval_num_never_right" not in trainer.evaluate()
