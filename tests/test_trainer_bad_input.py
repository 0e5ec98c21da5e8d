"""Bad input: one clear sentence, and training goes on, or stops before it began."""

import errno
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf
from small_trainers import SMALL, made, premasked, rows, scalars, stacked, trainer_of
from torch.utils.data import IterableDataset
from transformers import DataCollatorWithPadding, TrainerCallback

from trainer_callbacks import (
    AptCallback,
    AptEarlyStopping,
    AptPlotCallback,
    ConfusionCallback,
)
from trainer_callbacks import apt as apt_module
from trainer_callbacks.measurement import unwrapped


class Stepped(TrainerCallback):
    """Whether training began."""

    begun = False

    def on_step_begin(self, args, state, control, **event):
        self.begun = True


def refused(folder: Path, tokenizer: Any, message: str, **changed: Any) -> None:
    """Training raises this one sentence before its first step, and leaves no table."""
    stepped = Stepped()
    changed["callbacks"] = [*changed.get("callbacks", [AptCallback()]), stepped]
    trainer = trainer_of(folder, tokenizer, **changed)
    with pytest.raises(ValueError, match=message) as raised:
        trainer.train()
    assert "\n" not in str(raised.value)
    assert not stepped.begun
    assert not list(folder.glob("*/*-step-*"))


def warned(caplog: Any, folder: Path, tokenizer: Any, **changed: Any) -> tuple[Any, list[str]]:
    """The trainer after all its steps, and what our callbacks warned of."""
    changed = {"callbacks": [AptCallback(), ConfusionCallback()]} | changed
    trainer = trainer_of(folder, tokenizer, **changed)
    with caplog.at_level(logging.WARNING, logger="trainer_callbacks"):
        trainer.train()
    assert trainer.state.global_step == 6
    ours = [r.getMessage() for r in caplog.records if r.name.startswith("trainer_callbacks")]
    return trainer, ours


# Before training.


class Loss(hf.BertModel):
    """A trunk with a loss of some kind."""

    def forward(self, input_ids, attention_mask=None, labels=None, **others):
        outputs = super().forward(input_ids, attention_mask)
        return {"loss": outputs.last_hidden_state.pow(2).mean()}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Loss, "Loss"),
        (hf.BertForSequenceClassification, "BertForSequenceClassification"),
        (hf.BertForTokenClassification, "BertForTokenClassification"),
    ],
)
@pytest.mark.parametrize("callback", [AptCallback, ConfusionCallback])
def test_a_model_without_an_output_embedding(kind, name, callback, tokenizer, tmp_path):
    model = kind(hf.BertConfig(**SMALL))
    message = f"^{name} has no output embedding, so it answers with no token: take a model with a"
    refused(tmp_path, tokenizer, message, model=model, callbacks=[callback()])


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: hf.BertForPreTraining(hf.BertConfig(**SMALL)), "^BertForPreTraining has no trunk"),
        (
            lambda: hf.FunnelForMaskedLM(
                hf.FunnelConfig(
                    vocab_size=65, d_model=16, n_head=2, d_head=8, d_inner=8, block_sizes=[1, 1]
                )
            ),
            "^FunnelForMaskedLM (changes the shape of its hidden states|cannot be read out)",
        ),
    ],
)
def test_a_model_that_cannot_be_taken_apart(model, message, tokenizer, tmp_path):
    refused(tmp_path, tokenizer, message, model=model())


@pytest.mark.parametrize("kind", [AptCallback, ConfusionCallback])
def test_two_instances_of_one_callback(kind, tokenizer, tmp_path):
    message = f"^this Trainer has 2 callbacks of the class {kind.__name__}, which would write the"
    refused(tmp_path, tokenizer, message, callbacks=[kind(), kind(every=2)])


@pytest.mark.parametrize("schedule", [{"every": 2}, {"at_steps": (1,)}])
def test_steps_of_ones_own_without_data(schedule, tokenizer, tmp_path):
    message = "^ConfusionCallback is to measure at steps of its own, and the Trainer has no eval"
    callbacks = [ConfusionCallback(**schedule)]
    no_data = {"eval_dataset": None, "eval_strategy": "no"}
    refused(tmp_path, tokenizer, message, callbacks=callbacks, **no_data)


@pytest.mark.parametrize("kind", [AptPlotCallback, AptEarlyStopping])
@pytest.mark.parametrize("others", [[], [ConfusionCallback], [None, AptCallback]])
def test_nobody_measures_what_a_callback_reads(kind, others, tokenizer, tmp_path):
    callbacks = [other() for other in others if other is not None]
    callbacks.insert(0 if None in others else len(callbacks), kind())
    message = f"^{kind.__name__} reads what AptCallback measures: list AptCallback before it"
    refused(tmp_path, tokenizer, message, callbacks=callbacks)


@pytest.mark.parametrize("kind", ["file", "link to nowhere", "read-only"])
def test_an_output_folder_in_which_nothing_can_be_written(kind, tokenizer, tmp_path, monkeypatch):
    """Root may write everywhere: a file stands where the tables' folder would be."""
    place = tmp_path / "apt"
    if kind == "file":
        place.write_text("mine")
    elif kind == "link to nowhere":
        place.symlink_to(tmp_path / "nowhere" / "at all")
    else:

        def refuse(path: Path, **_: Any) -> None:
            raise OSError(errno.EROFS, "Read-only file system", str(path))

        monkeypatch.setattr(Path, "touch", refuse)
    message = rf"^nothing can be written to {place} \([A-Z].*\): choose another output_dir\.$"
    refused(tmp_path, tokenizer, message)
    assert kind != "file" or place.read_text() == "mine"


@pytest.mark.parametrize("arguments", [{"patience": 0}, {"num_errors": -0.5}])
def test_senseless_patience(arguments):
    with pytest.raises(
        ValueError, match="^patience is at least 1 and num_errors not negative, got"
    ):
        AptEarlyStopping(**arguments)


@pytest.mark.parametrize("wrong", [{"definition": "strong"}, {"threshold": 0.0}, {"threshold": 2}])
def test_senseless_clusters(wrong):
    with pytest.raises(ValueError, match=r"^clusters are defined as row, mutual, weak, at a thr"):
        ConfusionCallback(**wrong)


# During training.

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
    assert list(scalars(trainer, "eval_num_clusters_depth_0")) == [2, 4, 6]
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
    assert all(np.isnan(value) for value in scalars(trainer, "eval_mean_apt_stderr").values())


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
    assert "BertForTokenClassification has no output embedding" in caplog.text


# What wraps a model.


@pytest.mark.parametrize("wrapped", [torch.nn.DataParallel, torch.compile, lambda model: model])
def test_what_torch_puts_around_a_model_is_taken_off(wrapped):
    model = made("bert")
    assert unwrapped(wrapped(model)) is model


def test_lora_is_measured_with_its_weights(tokenizer, tmp_path):
    peft = pytest.importorskip("peft")
    config = peft.LoraConfig(
        r=2, target_modules=["query", "value", "cls.predictions.decoder"], init_lora_weights=False
    )
    base = made("bert")
    batch = stacked(premasked(11))
    with torch.no_grad():
        plain = base(input_ids=batch["input_ids"]).logits
    model = peft.get_peft_model(base, config)
    data = premasked(11)
    trainer = trainer_of(
        tmp_path,
        tokenizer,
        model=model,
        max_steps=2,
        train_dataset=data,
        eval_dataset=data,
        data_collator=stacked,
        callbacks=[AptCallback()],
    )
    trainer.train()
    with torch.no_grad():
        logits = model.eval()(input_ids=batch["input_ids"]).logits
    assert (logits.argmax(-1) != plain.argmax(-1)).any()
    asked = batch["labels"] != -100
    right = (logits.argmax(-1) == batch["labels"]) & asked
    found = scalars(trainer, "eval_masked_accuracy_depth_2")[2]
    assert found == pytest.approx(right.sum().item() / asked.sum().item())
