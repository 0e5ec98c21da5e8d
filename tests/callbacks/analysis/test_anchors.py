"""Laws of AnchorCallback: R² of the model as it is at each evaluation, changing nothing."""

import json
import math
from typing import Any

import pytest
import torch
from transformers import DataCollatorForLanguageModeling, Trainer, TrainingArguments

from hf_apt.stats.anchors.bulk import AnchorBulk
from trainer_callbacks import AnchorCallback


@pytest.fixture
def trained(tokenizer, documents, tiny_model, tmp_path):
    """Train the tiny model for four steps with some callbacks, evaluating every two."""
    rows: Any = [
        {"input_ids": tokenizer(text, truncation=True, max_length=24)["input_ids"]}
        for text in documents[:40]
    ]

    def train(*callbacks, **arguments: Any) -> Trainer:
        trainer = Trainer(
            tiny_model,
            TrainingArguments(
                str(tmp_path),
                max_steps=4,
                eval_strategy="steps",
                eval_steps=2,
                report_to=[],
                disable_tqdm=True,
                use_cpu=True,
                save_strategy="no",
                learning_rate=1e-2,
                **arguments,
            ),
            data_collator=DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.3),
            train_dataset=rows,
            eval_dataset=rows,
            callbacks=list(callbacks),
        )
        trainer.train()
        return trainer

    return train


def test_it_is_logged_and_written_at_every_evaluation(trained, tmp_path) -> None:
    trainer = trained(AnchorCallback(detail="all"))
    logged = [row for row in trainer.state.log_history if "eval_anchor_r_squared" in row]
    assert {row["step"] for row in logged} == {2, 4}
    files = sorted((tmp_path / "anchors").glob("eval-step-*.json"))
    assert [path.name for path in files] == ["eval-step-00000002.json", "eval-step-00000004.json"]
    for row, path in zip([logged[0], logged[-1]], files, strict=True):
        depths = json.loads(path.read_text())["depths"]
        assert len(depths) == 3
        for depth, entry in enumerate(depths):
            share = entry["r_squared"]["affine"]
            assert row[f"eval_anchor_r_squared_depth_{depth}"] == pytest.approx(share["value"])
            assert share["standard_error"] >= 0
            assert 0 < entry["num"] < 40 * 24
        assert row["eval_anchor_r_squared"] == row["eval_anchor_r_squared_depth_2"]
        assert row["eval_log_partition_variance"] > 0


def test_equal_words_have_an_anchor(trained, tiny_model) -> None:
    with torch.no_grad():
        tiny_model.get_output_embeddings().weight.copy_(torch.ones(65, 16))
    for weight in tiny_model.parameters():
        weight.requires_grad_(False)
    tiny_model.get_output_embeddings().bias.requires_grad_(True)
    with torch.no_grad():  # LayerNorm takes off what all units share: let it leave something
        tiny_model.get_output_embeddings().weight[:, :8] = 2.0
    trainer = trained(AnchorCallback())
    assert trainer.evaluate()["eval_anchor_r_squared"] == pytest.approx(1, abs=1e-3)


def test_the_model_learns_what_it_would_have_learnt_without(trained, tiny_model) -> None:
    before = {name: weight.clone() for name, weight in tiny_model.state_dict().items()}
    trained()
    plain = {name: weight.clone() for name, weight in tiny_model.state_dict().items()}
    tiny_model.load_state_dict(before)
    trained(AnchorCallback())
    for name, weight in tiny_model.state_dict().items():
        assert torch.equal(weight, plain[name]), name


def test_what_cannot_be_fitted_is_a_warning(trained, tiny_model, caplog) -> None:
    class Broken(AnchorCallback):
        def fits(self, args, event):
            raise ValueError("the states are gone.")

    trainer = trained(Broken())
    assert "the states are gone" in caplog.text
    assert math.isfinite(trainer.evaluate()["eval_loss"])


def test_a_reader_that_cannot_be_built_is_a_warning_and_training_goes_on(
    trained, monkeypatch, caplog
) -> None:
    def no_room(*_: Any) -> None:
        raise ValueError("to fit 3 depths of 16 takes 9 GB of memory.")

    monkeypatch.setattr("trainer_callbacks.analysis.anchors.AnchorReader", no_room)
    trainer = trained(AnchorCallback())
    assert trainer.state.global_step == 4
    assert "AnchorCallback at step 2: to fit 3 depths of 16 takes 9 GB" in caplog.text
    assert not any("eval_anchor_r_squared" in row for row in trainer.state.log_history)


def test_bad_input_is_one_sentence(trained) -> None:
    with pytest.raises(ValueError, match="detail is 'most'"):
        AnchorCallback(detail="most")
    with pytest.raises(ValueError, match="seed"):
        AnchorCallback(seed=-1)
    with pytest.raises(ValueError, match="the vocabulary has 65 words"):
        trained(AnchorCallback(bulk=AnchorBulk(rule="minus_topk", top_k=65)))
