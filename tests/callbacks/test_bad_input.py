"""Bad input that is seen before training: one clear sentence, and training does not begin."""

import errno
import math
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as hf
from small_trainers import SMALL, made, premasked, scalars, stacked, trainer_of
from transformers import TrainerCallback

from trainer_callbacks import (
    AptCallback,
    AptEarlyStopping,
    AptPlotCallback,
    ConfusionCallback,
)
from trainer_callbacks import files as files_module
from trainer_callbacks.unwrapped import unwrapped


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


# Before training.


class Around(torch.nn.Module):
    """A module of one's own with a model of transformers inside."""

    def __init__(self):
        super().__init__()
        self.inner = made("bert")

    def forward(self, input_ids=None, attention_mask=None, labels=None):
        return self.inner(input_ids=input_ids, attention_mask=attention_mask, labels=labels)


@pytest.mark.parametrize("callback", [AptCallback, ConfusionCallback])
def test_a_module_that_is_no_model_of_transformers(callback, tokenizer, tmp_path, caplog):
    message = "^Around is no model of transformers, so its blocks and head are not known: give the"
    refused(tmp_path, tokenizer, message, model=Around(), callbacks=[callback()])
    trainer = trainer_of(tmp_path, tokenizer, model=Around(), callbacks=[callback()])
    assert "eval_loss" in trainer.evaluate()
    assert "at step 0: Around is no model of transformers" in caplog.text


NO_HEAD = "has no masked-LM head, so that it answers with no token: load it by AutoModelForMaskedLM"


class Loss(hf.BertModel):
    """A trunk with a loss of some kind."""

    def forward(self, input_ids, attention_mask=None, labels=None, **others):
        outputs = super().forward(input_ids, attention_mask)
        return {"loss": outputs.last_hidden_state.pow(2).mean()}


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Loss, "^Loss has no trunk apart from its head, or returns no logits"),
        (hf.BertForSequenceClassification, f"^BertForSequenceClassification {NO_HEAD}"),
        (hf.BertForTokenClassification, f"^BertForTokenClassification {NO_HEAD}"),
    ],
)
@pytest.mark.parametrize("callback", [AptCallback, ConfusionCallback])
def test_a_model_without_a_head_over_the_vocabulary(kind, message, callback, tokenizer, tmp_path):
    model = kind(hf.BertConfig(**SMALL))
    refused(tmp_path, tokenizer, message, model=model, callbacks=[callback()])


@pytest.mark.parametrize(
    ("model", "message"),
    [
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

        def refuse(**_: Any) -> None:
            raise OSError(errno.EROFS, "Read-only file system", str(place))

        monkeypatch.setattr(files_module.tempfile, "TemporaryFile", refuse)
    message = rf"^nothing can be written to {place} \([A-Z].*\): choose another output_dir\.$"
    refused(tmp_path, tokenizer, message)
    assert kind != "file" or place.read_text() == "mine"


@pytest.mark.parametrize(
    "arguments",
    [
        *({"patience": wrong} for wrong in (0, "3", 2.5, None, True)),
        *({"num_errors": wrong} for wrong in (-0.5, "1", math.nan, math.inf, None)),
        {"prefix": 3},
    ],
)
def test_senseless_patience(arguments):
    ((name, wrong),) = arguments.items()
    with pytest.raises(ValueError, match=rf"^{name} must be .*, got {wrong!r}\.$"):
        AptEarlyStopping(**arguments)


@pytest.mark.parametrize("wrong", [{"definition": "strong"}, {"threshold": 0.0}, {"threshold": 2}])
def test_senseless_clusters(wrong):
    with pytest.raises(ValueError, match=r"^clusters are defined as row, mutual, weak.*, at a thr"):
        ConfusionCallback(**wrong)


# What wraps a model.


@pytest.mark.parametrize("wrapped", [torch.nn.DataParallel, torch.compile, lambda model: model])
def test_what_torch_puts_around_a_model_is_taken_off(wrapped):
    model = made("bert")
    assert unwrapped(wrapped(model)) is model


@pytest.mark.parametrize("mixed", [False, True])
def test_lora_is_measured_with_its_weights(mixed, tokenizer, tmp_path):
    """Of several kinds of adapters at once, which PEFT calls mixed, too."""
    peft = pytest.importorskip("peft")
    config = peft.LoraConfig(
        r=2, target_modules=["query", "value", "cls.predictions.decoder"], init_lora_weights=False
    )
    base = made("bert")
    batch = stacked(premasked(11))
    with torch.no_grad():
        plain = base(input_ids=batch["input_ids"]).logits
    model = peft.get_peft_model(base, config, mixed=mixed)
    if mixed:
        others = peft.LoHaConfig(r=2, target_modules=["key"], init_weights=False)
        model.add_adapter("other", others)
        model.set_adapter(["default", "other"])
    assert unwrapped(model) is base
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
    found = scalars(trainer, "eval_masked_accuracy")[2]
    assert found == pytest.approx(right.sum().item() / asked.sum().item())
