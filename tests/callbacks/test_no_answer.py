"""A model whose logits are not finite has no figures: never the figures of answer 0."""

import json
import logging
import math

import numpy as np
import pytest
import torch
from small_trainers import made, premasked, stacked, trainer_of
from transformers import TrainerCallback

from trainer_callbacks import AptCallback, AptEarlyStopping, AptPlotCallback, ConfusionCallback
from trainer_callbacks.live import AptLiveView


def evaluated(caplog, tmp_path, tokenizer, model, *callbacks):
    trainer = trainer_of(
        tmp_path,
        tokenizer,
        model=model,
        eval_dataset=premasked(9),
        data_collator=stacked,
        callbacks=[AptCallback(detail="all"), ConfusionCallback(detail="all"), *callbacks],
    )
    with caplog.at_level(logging.WARNING, logger="trainer_callbacks"):
        metrics = trainer.evaluate()
    ours = [r.getMessage() for r in caplog.records if r.name.startswith("trainer_callbacks")]
    return metrics, ours


def test_weights_that_are_nan(tokenizer, tmp_path, caplog):
    model = made("bert")
    for weight in model.parameters():
        weight.data.fill_(torch.nan)
    metrics, warnings = evaluated(caplog, tmp_path, tokenizer, model, AptPlotCallback())
    assert math.isnan(metrics["eval_mean_apt"])
    assert all(math.isnan(v) for k, v in metrics.items() if "_depth_" in k)
    (warning,) = warnings
    assert warning.startswith("at step 0 the model's own head has no answer for ")
    assert warning.endswith("or a learning rate that is too high.")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_finite_depths_keep_their_figures(value, tokenizer, tmp_path, caplog):
    expected, _ = evaluated(caplog, tmp_path / "sound", tokenizer, made("bert"))
    model = made("bert")
    model.bert.encoder.layer[1].output.LayerNorm.bias.data.fill_(value)
    metrics, warnings = evaluated(caplog, tmp_path, tokenizer, model)
    assert len(warnings) == 1
    assert " at depth 2 positions of " in warnings[0]
    assert "depth 1" not in warnings[0]
    assert math.isnan(metrics["eval_mean_apt"])
    assert math.isnan(metrics["eval_mean_apt_standard_error"])
    of_one_depth = [k for k in expected if "_depth_" in k and "_answers_" not in k]
    for name in of_one_depth:
        if name.endswith("_2"):
            assert math.isnan(metrics[name]), name
        else:
            assert metrics[name] == pytest.approx(expected[name], abs=0, nan_ok=True), name
    assert math.isnan(metrics["eval_settled_answers_depth_0"])
    table = json.loads((tmp_path / "apt/eval-step-00000000.json").read_text())["depths"]
    assert table[2]["pooled"]["mean_apt"]["value"] is None
    assert table[1]["pooled"]["mean_apt"]["value"] == metrics["eval_mean_apt_depth_1"]
    with np.load(tmp_path / "apt/eval-step-00000000.npz") as arrays:
        assert (arrays["hits"][2] == -1).all()
        assert (arrays["hits"][:2] >= 0).all()
    clusters = json.loads((tmp_path / "confusion/eval-step-00000000.json").read_text())["depths"]
    assert clusters[2]["clusters"] is None
    assert clusters[1]["clusters"] is not None
    assert not (tmp_path / "confusion/eval-step-00000000.npz").exists()


class Diverges(TrainerCallback):
    """After step 4, one bias of the head is NaN."""

    def on_step_end(self, args, state, control, *, model, **event):
        if state.global_step == 4:
            model.cls.predictions.bias.data[7] = torch.nan


def test_what_is_nan_is_no_best_model_and_no_growth(tokenizer, tmp_path, caplog):
    trainer = trainer_of(
        tmp_path,
        tokenizer,
        callbacks=[Diverges(), AptCallback(), AptEarlyStopping(patience=1), AptPlotCallback()],
        metric_for_best_model="eval_mean_apt",
        save_strategy="steps",
        save_steps=2,
        max_steps=8,
    )
    with caplog.at_level(logging.WARNING, logger="trainer_callbacks"):
        trainer.train()
    assert trainer.state.best_global_step == 2
    assert trainer.state.global_step == 8
    ours = [r.getMessage() for r in caplog.records if r.name.startswith("trainer_callbacks")]
    stopping = [message for message in ours if "AptEarlyStopping" in message]
    assert stopping == [
        f"AptEarlyStopping has no figure at step {step}: eval_mean_apt is NaN."
        for step in (4, 6, 8)
    ]
    assert len(ours) == 6


def test_the_live_view_says_that_there_is_no_figure():
    from rich.console import Console

    console = Console(force_terminal=True, record=True, width=80)
    view = AptLiveView(console)
    view.on_mean_apt(None, None, prefix="eval", means_D=[0.5, math.nan])  # pyright: ignore
    console.print(view._view())
    assert "no figure" in console.export_text()
