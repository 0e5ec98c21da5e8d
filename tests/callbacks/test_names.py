"""Under which names figures are logged, how many, and who else reads them."""

import json
import logging
from typing import Any

import pytest
from small_trainers import made, premasked, rows, scalars, stacked, trainer_of
from transformers import (
    DataCollatorForLanguageModeling,
    EarlyStoppingCallback,
    PrinterCallback,
    TrainerCallback,
)
from transformers.trainer_utils import default_compute_objective

from trainer_callbacks import AptCallback, ConfusionCallback

FEW = {
    *("eval_mean_apt", "eval_mean_apt_standard_error", "eval_num_tokens", "eval_masked_accuracy"),
    *("eval_num_clusters", "eval_noise_mass"),
}


def measured(folder: Any, tokenizer: Any, **changed: Any) -> Any:
    data = premasked(60)
    changed = {"callbacks": [AptCallback(), ConfusionCallback()]} | changed
    return trainer_of(
        folder,
        tokenizer,
        train_dataset=data,
        eval_dataset=data,
        data_collator=stacked,
        **changed,
    )


def test_a_few_figures_are_added_unless_all_are_asked_for(tokenizer, tmp_path):
    plain = measured(tmp_path / "plain", tokenizer, callbacks=[]).evaluate().keys()
    few = measured(tmp_path / "few", tokenizer).evaluate()
    assert few.keys() - plain <= FEW
    assert few.keys() - plain >= FEW - {"eval_noise_mass"}
    callbacks = [AptCallback(detail="all"), ConfusionCallback(detail="all")]
    every = measured(tmp_path / "all", tokenizer, callbacks=callbacks).evaluate()
    for name in few.keys() - plain:
        assert every[name] == few[name]
    for name in ("mean_apt", "masked_accuracy", "num_clusters"):
        assert every[f"eval_{name}_depth_2"] == few[f"eval_{name}"]
    assert "eval_cross_entropy_depth_1" in every


@pytest.mark.parametrize("kind", [AptCallback, ConfusionCallback])
def test_a_detail_that_is_none(kind):
    with pytest.raises(ValueError, match=r"^detail is 'some': choose one of few, all\.$"):
        kind(detail="some")


def test_the_metric_of_the_best_model_is_there_whatever_the_detail(tokenizer, tmp_path):
    trainer = measured(
        tmp_path,
        tokenizer,
        metric_for_best_model="mean_apt_depth_1",
        greater_is_better=True,
        save_strategy="best",
    )
    trainer.train()
    values = scalars(trainer, "eval_mean_apt_depth_1")
    assert list(values) == [2, 4, 6]
    assert trainer.state.best_metric == max(values.values())
    assert scalars(trainer, "eval_mean_apt_depth_0") == {}


@pytest.mark.parametrize("metrics", [None, lambda predictions: {"mine": 2.0}])
def test_the_objective_of_a_search_is_the_one_without_callbacks(metrics, tokenizer, tmp_path):
    objectives = []
    for callbacks in ([], [AptCallback(), ConfusionCallback(detail="all")]):
        trainer = measured(
            tmp_path / str(len(callbacks)), tokenizer, callbacks=callbacks, compute_metrics=metrics
        )
        trainer.hp_search_backend, trainer.compute_objective = "any", default_compute_objective
        returned = trainer.evaluate()
        returned.pop("eval_model_preparation_time", None)
        objectives.append(default_compute_objective(returned))
    assert objectives[0] == objectives[1]
    assert scalars(trainer, "eval_mean_apt").keys() == {0}
    # Whoever sums up by a rule of one's own gets everything.
    trainer.compute_objective = lambda metrics: metrics["eval_mean_apt"]
    assert "eval_mean_apt" in trainer.evaluate()


def test_an_evaluation_prints_one_line_beside_the_trainers(tokenizer, tmp_path, capsys):
    trainer = measured(
        tmp_path, tokenizer, callbacks=[AptCallback(detail="all"), ConfusionCallback()]
    )
    assert any(isinstance(peer, PrinterCallback) for peer in trainer.callback_handler.callbacks)
    trainer.evaluate()
    lines = [line for line in capsys.readouterr().out.splitlines() if "eval_" in line]
    assert len(lines) == 2
    assert "eval_loss" in lines[0]
    assert "eval_mean_apt" in lines[1]
    assert "depth" not in lines[1]


class Clearing(TrainerCallback):
    """Takes everything out of the metrics but the loss."""

    def on_evaluate(self, args, state, control, *, metrics, **event):
        for name in [name for name in metrics if not name.endswith("_loss")]:
            del metrics[name]


@pytest.mark.parametrize("names", [("wiki", "news"), ("a_runtime", "b")])
def test_sets_keep_their_names_whoever_takes_metrics_away(names, tokenizer, tmp_path):
    trainer = measured(tmp_path, tokenizer, callbacks=[Clearing(), AptCallback()])
    trainer.eval_dataset = {name: premasked(9, seed=seed) for seed, name in enumerate(names)}
    trainer.train()
    for name in names:
        assert list(scalars(trainer, f"eval_{name}_mean_apt")) == [2, 4, 6]
        assert len(list(tmp_path.glob(f"apt/eval_{name}-step-*.json"))) == 3
    assert "test_mean_apt" in trainer.evaluate(premasked(9), metric_key_prefix="test")


@pytest.mark.parametrize("is_first", [True, False])
def test_a_stopper_that_comes_too_early_is_told(is_first, tokenizer, tmp_path, caplog):
    callbacks: list[Any] = [AptCallback()]
    callbacks.insert(0 if is_first else 1, EarlyStoppingCallback(1))
    with caplog.at_level(logging.WARNING, logger="trainer_callbacks"):
        trainer = measured(
            tmp_path,
            tokenizer,
            callbacks=callbacks,
            learning_rate=0.0,
            metric_for_best_model="mean_apt",
            load_best_model_at_end=True,
            save_strategy="steps",
            save_steps=2,
        )
        trainer.train()
    said = [r.getMessage() for r in caplog.records if "EarlyStoppingCallback" in r.getMessage()]
    sentence = (
        "EarlyStoppingCallback is listed before AptCallback, which measures mean_apt, and would "
        "never see it: list AptCallback first."
    )
    assert said == ([sentence] if is_first else [])
    assert (trainer.state.global_step < 6) == (not is_first)


@pytest.mark.parametrize("is_known", [True, False])
def test_positions_are_told_apart_only_where_the_mask_token_is_known(
    is_known, tokenizer, tmp_path, caplog
):
    own = DataCollatorForLanguageModeling(tokenizer)
    with caplog.at_level(logging.WARNING, logger="trainer_callbacks"):
        trainer = trainer_of(
            tmp_path,
            tokenizer,
            model=made("bert"),
            processing_class=None,
            eval_dataset=rows(60, seed=2) if is_known else premasked(60),
            train_dataset=premasked(9),
            data_collator=(lambda held: own(held)) if is_known else stacked,
            callbacks=[AptCallback(), ConfusionCallback()],
        )
        trainer.evaluate()
        trainer.evaluate()
    depth = json.loads((tmp_path / "apt/eval-step-00000000.json").read_text())["depths"][2]
    kinds = {"masked", "replaced", "unchanged"}
    assert kinds & depth.keys() == (kinds if is_known else set())
    assert depth["pooled"]["accuracy"]["num"] > 50
    assert (tmp_path / "confusion/eval-step-00000000.npz").exists() == is_known
    said = [r.getMessage() for r in caplog.records if "mask token" in r.getMessage()]
    assert len(said) == (0 if is_known else 1)
