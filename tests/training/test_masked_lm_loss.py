"""One loss for a masked LM, however a step is divided; and what is wrong with the stock one."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from workers.masked_lm import FAMILIES, NUM_STEPS, model_of, rows, stacked, trained, trainer_of

import hf_apt
from hf_apt.training.masked_lm_loss import summed_by_row

WORKER = Path(__file__).parents[1] / "support/workers" / "masked_lm.py"
NUM_PROCESSES = 2
KINDS = ("mixin", "function")
every_family = pytest.mark.parametrize("family", FAMILIES)
every_kind = pytest.mark.parametrize("kind", KINDS)


def by_hand(model: Any, data: list[dict]) -> Any:
    """The mean cross-entropy over the masked positions of all rows, position by position."""
    losses = []
    for row in data:
        log_probabilities = model(torch.tensor([row["input_ids"]])).logits[0].log_softmax(dim=-1)
        losses += [
            -log_probabilities[place, label]
            for place, label in enumerate(row["labels"])
            if label != -100
        ]
    return torch.stack(losses).mean()


def assert_same(result: dict, expected: dict, *, but: tuple[str, ...] = ()) -> None:
    """To rounding: losses are logged in float32, all else is in float64."""
    assert set(result) == set(expected)
    for name in set(expected) - set(but):
        tolerance = 1e-12 if name.startswith(("gradient", "weight")) else 2e-6
        np.testing.assert_allclose(
            result[name], expected[name], rtol=tolerance, atol=tolerance, err_msg=name
        )


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[tuple[str, str], dict[str, np.ndarray]]:
    """By family and kind, a training with the whole step in one batch."""
    folder = str(tmp_path_factory.mktemp("whole"))
    return {(name, kind): trained(name, folder, kind=kind) for name in FAMILIES for kind in KINDS}


# The right loss.


@every_kind
@every_family
def test_is_my_loss_the_mean_over_the_masked_positions_of_a_step(family, kind, whole):
    model = model_of(family)
    loss = by_hand(model, rows()[:8])
    loss.backward()
    result = whole[family, kind]
    assert result["losses"][0] == pytest.approx(loss.item(), rel=2e-6)
    for name, weight in model.named_parameters():
        if weight.grad is not None:
            np.testing.assert_allclose(
                result[f"gradient 0 {name}"], weight.grad.numpy(), rtol=1e-9, atol=1e-12
            )


@every_kind
@every_family
def test_is_my_loss_the_same_with_accumulation(family, kind, whole, tmp_path):
    """Four batches of two, one of them with nothing masked, are one of eight."""
    result = trained(family, str(tmp_path), kind=kind, accumulation_steps=4)
    assert_same(result, whole[family, kind], but=("eval_loss",) if kind == "function" else ())


@pytest.fixture(scope="module")
def distributed(tmp_path_factory) -> dict[tuple[str, str], list[dict[str, np.ndarray]]]:
    """By family and kind, what each of two processes took: batches of four, or twice two."""
    folder = tmp_path_factory.mktemp("distributed")
    jobs = {
        (family, kind): {
            "family": family,
            "kind": kind,
            "folder": str(folder),
            "accumulation_steps": 1 if kind == "mixin" else 2,
        }
        for family in FAMILIES
        for kind in KINDS
    }
    root, support = WORKER.parents[3], WORKER.parents[1]
    launch = [str(WORKER.with_name("forked.py")), str(NUM_PROCESSES)]
    done = subprocess.run(
        [sys.executable, *launch, str(WORKER), json.dumps(list(jobs.values()))],
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": f"{root}{os.pathsep}{support}"},
    )
    assert done.returncode == 0, done.stderr
    return {
        job: [dict(np.load(folder / f"{number}-{rank}.npz")) for rank in range(NUM_PROCESSES)]
        for number, job in enumerate(jobs)
    }


@pytest.mark.slow
@every_kind
@every_family
def test_is_my_loss_the_same_with_two_processes(family, kind, whole, distributed):
    for of_process in distributed[family, kind]:
        but = ("eval_loss",) if kind == "function" else ()
        assert_same(of_process, whole[family, kind], but=but)


@every_family
def test_is_the_loss_of_an_evaluation_the_mean_over_masked_positions(family, tmp_path):
    model = model_of(family)
    expected = by_hand(model.eval(), rows(23)).item()
    for accumulation_steps in (1, 4, 8):
        trainer = trainer_of(
            str(tmp_path), family, model=model, accumulation_steps=accumulation_steps
        )
        assert trainer.evaluate()["eval_loss"] == pytest.approx(expected, rel=2e-6)
        assert trainer.predict(rows(23)).metrics["test_loss"] == pytest.approx(expected, rel=2e-6)


def test_does_an_evaluation_batch_without_masks_pull_the_loss_down(tmp_path):
    """A Trainer leaves NaN out of its mean, and would take 0 for a loss."""
    trainer = trainer_of(str(tmp_path), "bert", kind="function", accumulation_steps=4)
    assert trainer.evaluate()["eval_loss"] == pytest.approx(4.2, abs=0.3)


def test_what_is_the_loss_of_an_evaluation_that_masks_nothing(tmp_path):
    trainer = trainer_of(str(tmp_path), "bert")
    assert math.isnan(trainer.evaluate(rows(8, masked=(0,)))["eval_loss"])


@every_kind
@every_family
def test_does_a_step_without_masks_leave_the_weights_alone(family, kind, tmp_path):
    nothing = rows(masked=(0,))
    result = trained(family, str(tmp_path), kind=kind, data=nothing, logging_nan_inf_filter=False)
    assert result["losses"].tolist() == [0.0] * NUM_STEPS
    assert all(not result[name].any() for name in result if name.startswith("gradient"))
    assert any(name.startswith("gradient") for name in result)


# The function alone.


def outputs_of(logits: torch.Tensor) -> Any:
    return {"logits": logits}


def test_is_the_loss_of_one_batch_that_of_torch():
    logits = torch.randn(2, 5, 7, requires_grad=True)
    labels = torch.tensor([[1, -100, 3, -100, 6], [-100, -100, -100, 0, -100]])
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
    torch.testing.assert_close(hf_apt.masked_lm_loss(outputs_of(logits), labels), expected)
    for num_items in (8, torch.tensor(8)):
        loss = hf_apt.masked_lm_loss((logits,), labels, num_items)
        torch.testing.assert_close(loss, expected * 4 / 8)
    sums = summed_by_row(outputs_of(logits), labels)
    assert sums[:, 1].tolist() == [3.0, 1.0]
    torch.testing.assert_close(sums[:, 0].sum() / 4, expected.detach())


@pytest.mark.parametrize("num_items", [None, 0, torch.tensor(0), 5])
def test_is_it_zero_and_not_nan_without_a_masked_position(num_items):
    logits = torch.randn(2, 5, 7, requires_grad=True)
    loss = hf_apt.masked_lm_loss(outputs_of(logits), torch.full((2, 5), -100), num_items)
    loss.backward()
    assert loss.item() == 0.0
    assert logits.grad is not None
    assert not logits.grad.any()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_is_half_precision_summed_in_float32(dtype):
    logits = torch.randn(1, 300, 7, dtype=dtype)
    labels = torch.randint(7, (1, 300))
    loss = hf_apt.masked_lm_loss(outputs_of(logits), labels)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, hf_apt.masked_lm_loss((logits.float(),), labels))


@pytest.mark.parametrize(
    ("labels", "num_items", "sentence"),
    [
        (None, None, r"^the batch has no labels: give the Trainer a collator that masks"),
        (torch.zeros(2, 4), None, r"^logits of shape \(2, 5, 7\) do not belong to labels of shape"),
        (torch.zeros(2, 5).long(), torch.ones(2, 1), r"shape \(2, 1\): .* one graphics card"),
    ],
)
def test_what_cannot_be_a_loss_is_refused(labels, num_items, sentence):
    with pytest.raises(ValueError, match=sentence):
        hf_apt.masked_lm_loss(outputs_of(torch.randn(2, 5, 7)), labels, num_items)


# What the mixin refuses.


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"compute_loss_func": lambda *_: 0}, "a loss of its own: leave out compute_loss_func"),
        ({"label_smoothing_factor": 0.1}, r"label_smoothing_factor is 0\.1, .*: leave it out\."),
    ],
)
def test_a_loss_that_would_be_another_is_refused(changed, sentence, tmp_path):
    with pytest.raises(ValueError, match=sentence):
        trainer_of(str(tmp_path), "bert", **changed)


def test_a_causal_lm_is_refused(tmp_path):
    from small_trainers import made

    with pytest.raises(ValueError, match="GPT2LMHeadModel predicts the next token"):
        trainer_of(str(tmp_path), "", model=made("gpt2"))


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"world_size": 2, "average_tokens_across_devices": False}, "leave it at True"),
        ({"n_gpu": 2}, "one graphics card in a process, and there are 2"),
    ],
)
def test_processes_that_divide_by_their_own_are_refused(told, sentence, tmp_path):
    trainer: Any = trainer_of(str(tmp_path), "bert")
    usual = {"label_smoothing_factor": 0.0, "world_size": 1, "n_gpu": 1}
    trainer.args = SimpleNamespace(**usual | told)
    with pytest.raises(ValueError, match=sentence):
        trainer._require_masked_lm_loss()


# What is wrong with the stock loss, in transformers 5.23: to see it mended.


@pytest.mark.parametrize(
    ("family", "ratio"),
    [("bert", 4), ("roberta", 4), ("electra", 4), ("modernbert", 1), ("bert6", 1)],
)
def test_is_the_stock_loss_still_multiplied_by_accumulation(family, ratio, tmp_path):
    even = rows(masked=(3,))
    folder = str(tmp_path)
    one = trained(family, folder, kind="stock", data=even)
    four = trained(family, folder, kind="stock", data=even, accumulation_steps=4)
    assert four["losses"][0] == pytest.approx(ratio * one["losses"][0], rel=1e-5)
    for name in one:
        if name.startswith("gradient 0"):
            np.testing.assert_allclose(four[name], ratio * one[name], rtol=1e-4, atol=1e-6)


@every_family
def test_is_the_stock_loss_still_nan_without_masks(family):
    batch = stacked(rows(2, masked=(0,)))
    assert math.isnan(model_of(family)(**batch).loss.item())
