"""Laws of the choice at the start of a training: it leaves no trace, and is kept to."""

import gc
import json
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from hf_apt.arithmetic.arithmetic import Arithmetic
from hf_apt.models.fresh import new_model
from hf_apt.models.shapes import ModelShape
from hf_apt.training import step_arithmetic as module
from hf_apt.training.pretrain_config import PretrainConfig
from hf_apt.training.pretraining import pretrain, pretrainer
from hf_apt.training.step_arithmetic import RECORD, training_arithmetic

MATH = Arithmetic(attention="math")
ONEDNN = Arithmetic(matmul="onednn", attention="math")
SHAPE = ModelShape(hidden_size=16, num_heads=2, num_blocks=2, dropout=0.1)
CONFIG = PretrainConfig(
    num_steps=6,
    batch_size=8,
    learning_rate=1e-2,
    save_every=3,
    seed=5,
    num_validation_sequences=8,
    precision="bf16",
)


@pytest.fixture
def tiny() -> nn.Module:
    torch.manual_seed(0)
    parts = nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1)
    return nn.Sequential(*parts).eval()


def asked(model: nn.Module, **changed: Any) -> Arithmetic:
    """The choice for 500 steps of five sequences, each a row of ones."""
    given: dict[str, Any] = {
        "precision": "auto",
        "loss": lambda num: model(torch.ones(num, 4)).float().sum(),
        "num_sequences": 5,
        "num_steps": 500,
    }
    given |= changed
    return training_arithmetic(given.pop("precision"), model, given.pop("loss"), **given)


def never(num: int) -> torch.Tensor:
    raise AssertionError(num)


@pytest.mark.parametrize("precision", ["auto", "fp32", "bf16"])
def test_a_trial_leaves_no_trace(tiny, precision):
    weights = {name: weight.clone() for name, weight in tiny.state_dict().items()}
    before = torch.get_rng_state()
    made = asked(tiny, precision=precision, of=object())
    assert precision in ("auto", made.precision)
    assert torch.equal(torch.get_rng_state(), before)
    assert not tiny.training
    assert all(weight.grad is None for weight in tiny.parameters())
    assert "1.running_mean" in weights
    assert all(torch.equal(weights[name], weight) for name, weight in tiny.state_dict().items())


def test_auto_rounds_only_where_it_may(tiny, monkeypatch):
    """Whatever the times: in fine-tuning and for heads bfloat16 is taken on request alone."""
    monkeypatch.setattr(module, "seconds_of", lambda _, ways: {way: 1.0 for way in ways})
    monkeypatch.setattr(module, "chosen", lambda seconds: list(seconds)[-1])
    assert asked(tiny, of="may").is_bfloat16
    assert not asked(tiny, of="may", may_round=False).is_bfloat16
    assert asked(tiny, of="may", may_round=False, precision="bf16").is_bfloat16


def test_a_model_that_was_tried_is_not_kept():
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 1))
    asked(model, of="kept")
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


def test_a_library_that_is_chosen_elsewhere_and_rounds_here_is_replaced(tiny, monkeypatch):
    """As where the main process is on another processor."""
    monkeypatch.setattr(module, "_tried", lambda _: ONEDNN)
    monkeypatch.setattr(module, "is_exact", lambda matmul: matmul == "default")
    with pytest.warns(UserWarning, match="not exact on this processor"):
        assert asked(tiny, of="elsewhere") == MATH


def test_the_step_is_tried_as_it_is_trained(tiny):
    """In training mode, with a backward pass, in each way, on all sequences of a step."""
    seen = []

    def loss(num: int) -> torch.Tensor:
        seen.append((num, tiny.training, torch.is_autocast_enabled("cpu")))
        return tiny(torch.ones(num, 4)).float().sum()

    asked(tiny, loss=loss, of="tried")
    assert {num for num, _, _ in seen} == {2, 5}
    assert all(training for _, training, _ in seen)
    assert {rounded for num, _, rounded in seen if num == 5} == {False, True}


def test_an_equal_training_is_tried_once(tiny):
    calls = []

    def loss(num: int) -> torch.Tensor:
        calls.append(num)
        return tiny(torch.ones(num, 4)).float().sum()

    first = asked(tiny, loss=loss, of="once")
    num_calls = len(calls)
    assert asked(tiny, loss=loss, of="once") == first
    assert len(calls) == num_calls
    asked(tiny, loss=loss, of="another length")
    assert len(calls) > num_calls


@pytest.mark.parametrize(("precision", "made"), [("auto", "fp32"), ("bf16", "bf16")])
def test_a_short_training_is_not_tried(tiny, precision, made):
    arithmetic = asked(tiny, loss=never, precision=precision, num_steps=499)
    assert arithmetic == Arithmetic(precision=made)


def test_the_record_of_a_training_to_go_on_with_comes_first(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "is_exact", lambda _: True)
    monkeypatch.setattr(module, "_tried", lambda _: ONEDNN)
    assert asked(tiny, folder=tmp_path, of="first") == ONEDNN
    monkeypatch.setattr(module, "_tried", lambda _: MATH)
    assert asked(tiny, folder=tmp_path, of="again") == MATH, "there is no checkpoint yet"
    (tmp_path / "checkpoint-3").mkdir()
    monkeypatch.setattr(module, "_tried", lambda _: Arithmetic(precision="bf16"))
    assert asked(tiny, folder=tmp_path) == MATH
    assert json.loads((tmp_path / RECORD).read_text()) == MATH.as_json()
    assert {path.name for path in tmp_path.iterdir()} == {RECORD, "checkpoint-3"}


def test_a_training_from_before_there_were_records_goes_on_in_torchs_own_way(tiny, tmp_path):
    (tmp_path / "checkpoint-3").mkdir()
    assert asked(tiny, folder=tmp_path, loss=never) == Arithmetic()


def test_a_record_of_another_precision_is_refused(tiny, tmp_path):
    asked(tiny, folder=tmp_path, num_steps=1)
    assert asked(tiny, folder=tmp_path, num_steps=1, precision="bf16").is_bfloat16
    asked(tiny, folder=tmp_path, num_steps=1)
    (tmp_path / "checkpoint-3").mkdir()
    with pytest.raises(ValueError, match="precision is bf16, and .* holds a training in fp32"):
        asked(tiny, folder=tmp_path, precision="bf16")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"precision": "fp8"}'])
def test_a_record_that_cannot_be_read_is_named(tiny, tmp_path, content):
    (tmp_path / "checkpoint-3").mkdir()
    (tmp_path / RECORD).write_text(content)
    with pytest.raises(ValueError, match=r"arithmetic\.json .*delete it"):
        asked(tiny, folder=tmp_path)


def test_a_library_that_is_not_exact_here_is_replaced_with_a_word(tiny, tmp_path, monkeypatch):
    """As after a move to a processor on which oneDNN rounds to bfloat16."""
    (tmp_path / "checkpoint-3").mkdir()
    (tmp_path / RECORD).write_text(json.dumps(ONEDNN.as_json()))
    monkeypatch.setattr(module, "is_exact", lambda matmul: matmul == "default")
    with pytest.warns(UserWarning, match="not exact on this processor"):
        assert asked(tiny, folder=tmp_path) == replace(ONEDNN, matmul="default")


def test_bfloat16_is_refused_on_a_device_without_it(tiny, monkeypatch):
    monkeypatch.setattr(module, "has_accelerator", lambda: True)
    monkeypatch.setattr(module, "trains_in_bfloat16", lambda: False)
    with pytest.raises(ValueError, match="does not multiply in bfloat16: take fp32 or auto"):
        asked(tiny, precision="bf16")
    assert asked(tiny) == Arithmetic()


def weights_after(config: PretrainConfig, tokens: Any, folder: Path) -> dict[str, torch.Tensor]:
    trainer = pretrainer(new_model(SHAPE, tokens, seed=1), tokens, tokens, config, folder)
    assert trainer.args.bf16 == (config.precision == "bf16")
    pretrain(trainer)
    return {name: value.clone() for name, value in trainer.model.state_dict().items()}


def test_bfloat16_trains_other_weights_that_stay_float32(tokens, tmp_path):
    exact = weights_after(replace(CONFIG, precision="fp32"), tokens, tmp_path / "exact")
    rounded = weights_after(CONFIG, tokens, tmp_path / "rounded")
    assert {value.dtype for value in rounded.values() if value.is_floating_point()} == {
        torch.float32
    }
    differences = [float((rounded[name] - value).abs().max()) for name, value in exact.items()]
    assert 0 < max(differences) < 0.1


def test_torchs_own_library_can_be_kept_in_what_goes_on(tiny, tmp_path, monkeypatch):
    (tmp_path / "checkpoint-3").mkdir()
    (tmp_path / RECORD).write_text(json.dumps(ONEDNN.as_json()))
    monkeypatch.setattr(module, "is_exact", lambda _: True)
    assert asked(tiny, folder=tmp_path) == ONEDNN
    monkeypatch.setenv("HF_APT_MATMUL", "default")
    assert asked(tiny, folder=tmp_path) == MATH


def test_a_training_in_bfloat16_goes_on_to_the_same_weights(tokens, tmp_path):
    whole = weights_after(CONFIG, tokens, tmp_path / "whole")
    trainer = pretrainer(
        new_model(SHAPE, tokens, seed=1), tokens, tokens, CONFIG, tmp_path / "stopped"
    )
    trainer.train()
    for step in ("checkpoint-6",):
        for path in (tmp_path / "stopped" / step).iterdir():
            path.unlink()
    with pytest.warns(UserWarning, match="is not whole"):
        again = weights_after(CONFIG, tokens, tmp_path / "stopped")
    assert all(torch.equal(again[name], value) for name, value in whole.items())
    assert load_file(tmp_path / "stopped/checkpoint-6/model.safetensors")
