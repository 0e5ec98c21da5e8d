"""A loss that is multiplied is told of, once and with its factor; a right one is not."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from transformers import BertForSequenceClassification, DataCollatorForLanguageModeling
from workers.masked_lm import FAMILIES, checked, model_of, rows, stacked, trained, trainer_of

import hf_apt
from hf_apt.training.objectives.entropy import ConfidencePenalty
from trainer_callbacks import LossCheckCallback
from trainer_callbacks.loss_check import WeighedBatch, expected_empty, weighed_batch

WORKER = Path(__file__).parents[1] / "support/workers" / "masked_lm.py"
EVEN = rows(masked=(3,))
MULTIPLIED = ("bert", "roberta", "electra")
"""Families whose stock loss is the mean of a batch."""


def of_batch(outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
    """A `compute_loss_func` that does not look at what it is given."""
    return cross_entropy(outputs.logits.flatten(0, 1), labels.flatten())


# The alarm.


@pytest.mark.parametrize("family", MULTIPLIED)
def test_is_it_told_that_accumulation_multiplies_the_loss(family, tmp_path):
    (said,) = checked(family, str(tmp_path), kind="stock", data=EVEN, accumulation_steps=4)
    name = type(FAMILIES[family]()).__name__
    assert said.startswith(f"LossCheckCallback: loss and gradients of {name} are 4 times those of")
    assert said.endswith(
        "(4 accumulation steps, 1 processes): give the Trainer "
        "compute_loss_func=hf_apt.masked_lm_loss."
    )


@pytest.mark.parametrize("precision", [{"bf16": True}, {"activation_checkpointing": True}])
def test_is_it_told_in_mixed_precision_and_with_recomputed_blocks(precision, tmp_path):
    options = {"kind": "stock", "data": EVEN, "accumulation_steps": 2, **precision}
    (said,) = checked("bert", str(tmp_path), model=model_of("bert", dtype=torch.float32), **options)
    assert "are 2 times those" in said
    assert not checked(
        "bert6", str(tmp_path), model=model_of("bert6", dtype=torch.float32), **options
    )


def test_is_it_told_of_a_function_of_ones_own(tmp_path):
    (said,) = checked(
        *("bert6", str(tmp_path)),
        **{"kind": "stock", "data": EVEN, "accumulation_steps": 4, "compute_loss_func": of_batch},
    )
    assert "are 4 times those" in said


# No alarm.


@pytest.mark.parametrize("accumulation_steps", [1, 4])
@pytest.mark.parametrize("kind", ["mixin", "function"])
@pytest.mark.parametrize("family", FAMILIES)
def test_is_nothing_said_of_the_right_loss(family, kind, accumulation_steps, tmp_path):
    assert not checked(family, str(tmp_path), kind=kind, accumulation_steps=accumulation_steps)


@pytest.mark.parametrize(
    ("family", "accumulation_steps"),
    [*((family, 1) for family in FAMILIES), ("modernbert", 4), ("bert6", 4)],
)
def test_is_nothing_said_of_a_stock_loss_that_is_right(family, accumulation_steps, tmp_path):
    assert not checked(
        family, str(tmp_path), kind="stock", accumulation_steps=accumulation_steps, data=EVEN
    )


def test_is_nothing_said_of_a_loss_that_is_divided_by_the_trainer(tmp_path):
    model = model_of("bert")
    model.accepts_loss_kwargs = False
    options = {"model": model, "kind": "stock", "accumulation_steps": 4}
    assert not checked("bert", str(tmp_path), **options, data=EVEN)


def test_is_nothing_said_of_what_is_not_a_cross_entropy(tmp_path, caplog):
    caplog.set_level(logging.INFO, "trainer_callbacks.loss_check")
    trainer = hf_apt.WithObjectives(
        model=model_of("bert"),
        args=trainer_of(str(tmp_path), "bert", accumulation_steps=4).args,
        train_dataset=EVEN,
        data_collator=stacked,
        objectives=(ConfidencePenalty(weight=5.0),),
        callbacks=[LossCheckCallback()],
    )
    trainer.train()
    (record,) = caplog.records
    assert record.levelno == logging.INFO
    assert record.getMessage() == (
        "LossCheckCallback: the loss is not a cross-entropy, and is not checked."
    )


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"label_smoothing_factor": 0.3}, "smoothed labels"),
        ({"torch_compile": True}, "compiled models"),
        ({"n_gpu": 2}, "nn.DataParallel"),
    ],
)
def test_is_it_said_what_is_not_checked(changed, what, caplog):
    usual = {"label_smoothing_factor": 0.0, "torch_compile": False, "n_gpu": 1}
    args, other = SimpleNamespace(**usual | changed), SimpleNamespace()
    model = model_of("bert")
    LossCheckCallback().on_train_begin(args, other, other, model=model)  # pyright: ignore
    assert [record.getMessage() for record in caplog.records] == [
        f"LossCheckCallback is not for {what}: the loss of BertForMaskedLM is not checked."
    ]
    assert not model.get_output_embeddings()._forward_hooks


@pytest.mark.parametrize("factor", [1, 4])
def test_is_the_factor_of_a_gradient_scaler_taken_out(factor, caplog):
    args: Any = SimpleNamespace(
        label_smoothing_factor=0.0, torch_compile=False, n_gpu=1, gradient_accumulation_steps=4
    )
    state: Any = SimpleNamespace(is_world_process_zero=True, max_steps=1)
    optimizer = SimpleNamespace(scaler=SimpleNamespace(get_scale=lambda: 2.0**16))
    model = model_of("bert").train()
    callback = LossCheckCallback()
    event = {"model": model, "optimizer": optimizer}
    callback.on_train_begin(args, state, args, **event)
    callback.on_step_begin(args, state, args, **event)
    for _ in range(4):
        (model(**stacked(EVEN[:2])).loss * 2.0**16 * factor / 4).backward()
    callback.on_pre_optimizer_step(args, state, args, **event)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == (factor != 1)
    assert all("are 4 times those" in sentence for sentence in said)


# What is not changed.


@pytest.mark.parametrize(("family", "kind"), [("bert", "stock"), ("bert6", "mixin")])
def test_is_the_training_the_same_to_the_bit(family, kind, tmp_path):
    options: dict[str, Any] = {"kind": kind, "accumulation_steps": 4}
    plain = trained(family, str(tmp_path), **options)
    callback = LossCheckCallback()
    result = trained(family, str(tmp_path), **options, callbacks=[callback])
    assert callback._hook is None
    for name, value in plain.items():
        np.testing.assert_array_equal(result[name], value, err_msg=name)


def test_is_the_head_left_alone_after_the_first_step(tmp_path):
    trainer = trainer_of(str(tmp_path), "bert", callbacks=[LossCheckCallback()], max_steps=1)
    trainer.train()
    model: Any = trainer.model
    assert not model.get_output_embeddings()._forward_hooks


def test_is_a_step_without_masks_passed_over(tmp_path):
    data = rows(8, masked=(0,)) + rows(16, masked=(3,))
    (said,) = checked("bert", str(tmp_path), kind="stock", data=data, accumulation_steps=4)
    assert "are 4 times those" in said


# What cannot be checked.


def test_is_a_model_without_a_vocabulary_refused(tmp_path):
    model = BertForSequenceClassification(model_of("bert").config)
    trainer = trainer_of(
        str(tmp_path), "", model=model, kind="stock", callbacks=[LossCheckCallback()]
    )
    with pytest.raises(ValueError, match="^BertForSequenceClassification has no head over a voc"):
        trainer.train()


# Several processes.


@pytest.mark.slow
def test_is_it_told_that_processes_multiply_the_loss(tmp_path):
    jobs = [
        {"family": "bert", "kind": "stock", "data": EVEN},
        {"family": "bert", "kind": "stock", "data": EVEN, "accumulation_steps": 2},
        {"family": "bert6", "kind": "stock", "data": EVEN, "accumulation_steps": 2},
        {"family": "bert", "kind": "mixin", "accumulation_steps": 2},
        {"family": "electra", "kind": "function"},
    ]
    root, support = WORKER.parents[3], WORKER.parents[1]
    jobs = [job | {"folder": str(tmp_path), "check": True} for job in jobs]
    done = subprocess.run(
        [sys.executable, str(WORKER.with_name("forked.py")), "2", str(WORKER), json.dumps(jobs)],
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": f"{root}{os.pathsep}{support}"},
    )
    assert done.returncode == 0, done.stderr
    said = [np.load(tmp_path / f"{number}-0.npz")["said"].tolist() for number in range(len(jobs))]
    assert [len(each) for each in said] == [1, 1, 0, 0, 0]
    assert "are 2 times those" in said[0][0]
    assert "are 4 times those" in said[1][0]
    for number in range(len(jobs)):  # the main process alone speaks
        assert not np.load(tmp_path / f"{number}-1.npz")["said"].size


# Batches with nothing masked.


def masking(tokenizer: Any, probability: float) -> Any:
    return DataCollatorForLanguageModeling(tokenizer, mlm_probability=probability)


@pytest.mark.parametrize(
    ("family", "accumulation_steps", "kind", "unit"),
    [
        ("bert", 1, "stock", "step"),
        ("bert", 4, "stock", "batch"),
        ("bert6", 1, "stock", "step"),
        ("bert6", 4, "stock", "step"),
        ("bert", 4, "mixin", None),
    ],
)
def test_is_a_loss_of_nan_foretold(family, accumulation_steps, kind, unit, tokenizer, tmp_path):
    data = [{"input_ids": row["input_ids"]} for row in rows(800, masked=(0,))]
    said = checked(
        *(family, str(tmp_path)),
        **{"kind": kind, "accumulation_steps": accumulation_steps, "data": data},
        data_collator=masking(tokenizer, 0.05),
        max_steps=100,
    )
    foretold = [sentence for sentence in said if "their loss is NaN" in sentence]
    assert len(foretold) == (unit is not None)
    if unit is not None:
        assert f"masked positions in a {unit}," in foretold[0]


def test_is_nothing_foretold_where_enough_is_masked(tokenizer, tmp_path):
    data = [{"input_ids": row["input_ids"]} for row in rows(24)]
    collator = masking(tokenizer, 0.4)
    assert not checked("bert", str(tmp_path), kind="stock", data=data, data_collator=collator)


def test_how_many_batches_are_empty():
    generator = np.random.default_rng(0)
    masked = (generator.random((20000, 20)) < 0.15).sum(axis=1)
    assert expected_empty(3.0, 0.15, 20000) == pytest.approx((masked == 0).sum(), rel=0.1)
    assert expected_empty(3.0, 1.0, 20000) == 0.0


# The pure function.


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_what_does_a_batch_weigh(dtype):
    generator = torch.Generator().manual_seed(0)
    logits = (3 * torch.randn(2000, 30, generator=generator)).to(dtype).requires_grad_()
    labels = torch.randint(30, (2000,), generator=generator)
    labels[::3] = -100
    num = int((labels != -100).sum())
    (0.01 * cross_entropy(logits.float(), labels, reduction="sum")).backward()
    gradient: Any = logits.grad
    weighed = weighed_batch(logits.detach(), gradient)
    assert weighed.num_positions == num
    assert weighed.weight == pytest.approx(0.01 * num, rel=1e-3)
    assert weighed_batch(logits.detach(), torch.zeros_like(gradient)) == WeighedBatch(0, 0.0)
    assert np.isnan(weighed_batch(logits.detach(), gradient * gradient).weight)
    assert np.isnan(weighed_batch(logits.detach(), torch.full_like(gradient, np.nan)).weight)
