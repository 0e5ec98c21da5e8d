"""What goes wrong in the middle costs a figure or a table, is said in one sentence, and no more."""

import errno
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers as hf
from small_trainers import SMALL, premasked, rows, scalars, stacked, trainer_of
from torch.utils.data import IterableDataset
from transformers import DataCollatorWithPadding, TrainerCallback

from trainer_callbacks import AptCallback, AptEarlyStopping, ConfusionCallback
from trainer_callbacks import apt as apt_module


def warned(caplog: Any, folder: Path, tokenizer: Any, **changed: Any) -> tuple[Any, list[str]]:
    """The trainer after all its steps, and what our callbacks warned of."""
    changed = {"callbacks": [AptCallback(), ConfusionCallback()]} | changed
    trainer = trainer_of(folder, tokenizer, **changed)
    with caplog.at_level(logging.WARNING, logger="trainer_callbacks"):
        trainer.train()
    assert trainer.state.global_step == 6
    ours = [r.getMessage() for r in caplog.records if r.name.startswith("trainer_callbacks")]
    return trainer, ours


NOTHING = (
    "{} at step {}: the evaluation data has no rows, or no label other than -100: nothing is asked "
    "of the model."
)


def nowhere_asked(num: int) -> list[dict[str, list[int]]]:
    return [row | {"labels": [-100] * len(row["labels"])} for row in premasked(num)]


@pytest.mark.parametrize(
    ("kind", "whose"),
    [
        ("all -100", "Trainer's"),
        ("all -100", "callback's"),
        ("zero rows", "Trainer's"),
        ("zero rows", "callback's"),
        # A Trainer refuses to evaluate these: "Batch does not contain any data".
        ("zero rows, streamed", "callback's"),
    ],
)
def test_data_that_ask_for_nothing(kind, whose, tokenizer, tmp_path, caplog):
    class Empty(IterableDataset):
        def __iter__(self):
            return iter(())

    data = {"all -100": nowhere_asked(9), "zero rows": [], "zero rows, streamed": Empty()}[kind]
    given = {"eval_dataset": data} if whose == "callback's" else {}
    held = premasked(9) if whose == "callback's" else data
    trainer, warnings = warned(
        caplog,
        tmp_path,
        tokenizer,
        train_dataset=premasked(20),
        eval_dataset=held,
        data_collator=stacked,
        callbacks=[AptCallback(**given), ConfusionCallback(**given)],
    )
    names = ("AptCallback", "ConfusionCallback")
    assert warnings == [NOTHING.format(name, step) for step in (2, 4, 6) for name in names]
    assert scalars(trainer, "eval_mean_apt") == {}
    assert list(scalars(trainer, "loss")) == [2, 4, 6]
    assert not list(tmp_path.glob("*/*-step-*"))


def with_id(wrong: int, column: str) -> list[dict[str, list[int]]]:
    data = premasked(9)
    data[7][column][0] = wrong
    return data


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        ("input_ids", "input id {} is outside the vocabulary of 65 tokens."),
        ("labels", "reference id {} is outside 0 to 64."),
    ],
)
@pytest.mark.parametrize("wrong", [65, 40_000, -7])
def test_ids_outside_the_vocabulary(column, sentence, wrong, tokenizer, tmp_path, caplog):
    """In data that the Trainer itself does not evaluate: its own loss would not survive them."""
    trainer, warnings = warned(
        caplog,
        tmp_path,
        tokenizer,
        train_dataset=premasked(20),
        eval_dataset=premasked(9),
        data_collator=stacked,
        callbacks=[
            AptCallback(every=3, eval_dataset=with_id(wrong, column)),
            ConfusionCallback(),
        ],
    )
    start = "AptCallback at step {}: "
    assert warnings == [(start + sentence).format(step, wrong) for step in (3, 6)]
    assert list(scalars(trainer, "eval_num_clusters")) == [2, 4, 6]
    assert not list(tmp_path.glob("apt/*-step-*"))
    assert len(list(tmp_path.glob("confusion/*-step-*"))) == 6


def test_sequences_longer_than_the_model_has_positions(tokenizer, tmp_path, caplog):
    long = [{"input_ids": [5] * 41, "labels": [5] * 41}]
    _, warnings = warned(
        caplog,
        tmp_path,
        tokenizer,
        train_dataset=premasked(20),
        eval_dataset=premasked(9),
        data_collator=stacked,
        callbacks=[AptCallback(at_steps=[4], eval_dataset=long)],
    )
    assert len(warnings) == 1
    assert warnings[0].startswith("AptCallback at step 4: ")
    assert "\n" not in warnings[0]


@pytest.mark.parametrize("num_labels", [None, 1])
def test_data_without_a_label_for_each_token(num_labels, tokenizer, tmp_path, caplog):
    data = [row if num_labels is None else row | {"labels": 1} for row in rows(9)]
    _, warnings = warned(
        caplog,
        tmp_path,
        tokenizer,
        eval_dataset=premasked(9),
        train_dataset=premasked(20),
        data_collator=lambda held: (
            stacked(held) if isinstance(held[0].get("labels"), list) else padded(held)
        ),
        callbacks=[AptCallback(at_steps=[4], eval_dataset=data)],
    )
    assert len(warnings) == 1
    assert "and no labels of the shape of input_ids, (4, " in warnings[0]


def padded(held: list[Any]) -> Any:
    tokenizer = hf.BertTokenizer(
        vocab={"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4}
    )
    return DataCollatorWithPadding(tokenizer)(held)


@pytest.mark.parametrize("writes", ["savez_compressed", "dump"])
def test_a_full_disk_costs_a_table_and_no_training(
    writes, tokenizer, tmp_path, caplog, monkeypatch
):
    def fill(file: Any, *_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if writes == "dump":
        monkeypatch.setattr(apt_module.json, "dump", lambda content, file, **_: fill(file))
    else:
        monkeypatch.setattr(apt_module.np, "savez_compressed", fill)
    trainer, warnings = warned(caplog, tmp_path, tokenizer)
    sentence = "nothing was written to {}: No space left on device."
    folders = [tmp_path / "apt", tmp_path / "confusion"]
    assert warnings == [sentence.format(folder) for folder in folders] * 3
    assert list(scalars(trainer, "eval_mean_apt")) == [2, 4, 6]
    left = {path.suffix for path in tmp_path.glob("*/*-step-*")}
    assert left == (set() if writes == "savez_compressed" else {".npz"})


def test_a_folder_that_vanishes_is_made_again(tokenizer, tmp_path):
    import shutil

    class Vandal(TrainerCallback):
        def on_step_begin(self, args, state, control, **event):
            shutil.rmtree(tmp_path / "apt", ignore_errors=True)

    trainer_of(tmp_path, tokenizer, callbacks=[AptCallback(), Vandal()]).train()
    assert [path.name for path in sorted((tmp_path / "apt").iterdir())] == [
        ".files.json",
        "eval-step-00000006.json",
        "eval-step-00000006.npz",
    ]


def test_one_token_asked_for_once_has_a_mean_and_no_error(tokenizer, tmp_path, caplog):
    data = nowhere_asked(3)
    data[1]["labels"][2] = 9
    trainer, warnings = warned(
        caplog,
        tmp_path,
        tokenizer,
        train_dataset=premasked(20),
        eval_dataset=data,
        data_collator=stacked,
        callbacks=[AptCallback(), ConfusionCallback(), AptEarlyStopping(patience=1)],
    )
    assert warnings == []
    assert set(scalars(trainer, "eval_mean_apt").values()) <= {0.0, 1.0}
    assert all(
        np.isnan(value) for value in scalars(trainer, "eval_mean_apt_standard_error").values()
    )


def test_evaluations_that_never_come_are_warned_of(tokenizer, tmp_path, caplog):
    trainer, warnings = warned(
        caplog, tmp_path, tokenizer, eval_strategy="no", callbacks=[AptCallback()]
    )
    assert warnings == ["AptCallback measures at evaluations, and eval_strategy is 'no'."]
    assert "eval_mean_apt" in trainer.evaluate()


def test_an_evaluation_alone_is_measured(tokenizer, tmp_path, caplog):
    trainer = trainer_of(tmp_path, tokenizer, callbacks=[AptCallback()])
    first = trainer.evaluate()
    assert trainer.evaluate()["eval_mean_apt"] == first["eval_mean_apt"]
    assert (tmp_path / "apt" / "eval-step-00000000.json").exists()
    model = hf.BertForTokenClassification(hf.BertConfig(**SMALL))
    trainer = trainer_of(
        tmp_path, tokenizer, model=model, data_collator=stacked, callbacks=[AptCallback()]
    )
    trainer.eval_dataset = [row | {"labels": [0] * 8} for row in premasked(3)]
    with caplog.at_level(logging.WARNING, logger="trainer_callbacks"):
        assert "eval_mean_apt" not in trainer.evaluate()
    assert "BertForTokenClassification has no masked-LM head" in caplog.text
