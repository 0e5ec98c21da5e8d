"""What a step of a generator and its discriminator holds; whole trainings of them."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from small_selection import selection_batch, small_selection, true_text
from small_trainers import StopAt
from small_trainers import made as made_stock
from workers.objectives import logged, pretraining

from hf_apt.training.objectives.multi_choice import MultiChoice
from hf_apt.training.objectives.replaced_tokens import ReplacedTokens
from hf_apt.training.objectives.word_selection import WordSelection
from hf_apt.training.resume import last_checkpoint
from hf_apt.training.selection.selection_step import (
    asked_rows,
    of_head,
    present,
    replaced,
    require_head,
)

OBJECTIVES = (
    ReplacedTokens(weight=5.0),
    WordSelection(weight=3.0),
    MultiChoice(weight=2.0),
)


def test_masks_are_those_written_out():
    batch = selection_batch(padded=True)
    output = small_selection().eval()(**batch)
    assert torch.equal(present(batch), batch["input_ids"] != 0)
    del batch["attention_mask"]
    assert present(batch).all()
    assert torch.equal(replaced(output, batch), output.shown_ids != true_text(batch))
    num = int((batch["labels"] != -100).sum())
    assert asked_rows(batch).tolist() == [True] * num
    unasked = (batch["labels"].flatten() == -100).nonzero()[:2, 0]
    asked = (batch["labels"].flatten() != -100).nonzero()[:, 0]
    rows = asked_rows(batch | {"asked_positions": torch.cat([asked, unasked])})
    assert rows.tolist() == [True] * num + [False] * 2


def test_another_model_is_refused():
    model = small_selection(heads=("word_selection",))
    require_head(OBJECTIVES[1], model)
    with pytest.raises(ValueError, match="replaced_tokens is for a generator and a discriminator"):
        require_head(OBJECTIVES[0], model)
    stock = made_stock("bert")
    with pytest.raises(ValueError, match="word_selection is for a generator .* BertForMaskedLM"):
        require_head(OBJECTIVES[1], stock)
    with pytest.raises(ValueError, match="no detection_logits: replaced_tokens needs batches"):
        of_head(OBJECTIVES[0], {}, "detection_logits")


def made(folder: Path, tokens: Any, objectives: tuple = OBJECTIVES, **options: Any) -> Any:
    held = str(Path(tokens.ids.filename).parent)
    return pretraining(str(folder), held, objectives, **options)


def test_an_interrupted_training_goes_on_to_the_bit(tokens, tmp_path):
    options = {"dropout": 0.1, "save_every": 2, "num_steps": 5}
    expected = made(tmp_path / "whole", tokens, **options)
    expected.train()
    interrupted = made(tmp_path / "interrupted", tokens, **options)
    interrupted.add_callback(StopAt(2))
    interrupted.train()
    resumed = made(tmp_path / "interrupted", tokens, **options)
    resumed.train(resume_from_checkpoint=str(last_checkpoint(tmp_path / "interrupted")))
    for name, weight in expected.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], weight), name
    assert logged(resumed) == logged(expected)
    assert len(logged(resumed)) == 5 * (1 + 2 * 3)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda each: each.name)
def test_a_step_in_bfloat16_moves_both_by_weights_of_float32(objective, tokens, tmp_path):
    logs = {}
    for precision in ("fp32", "bf16"):
        trainer = made(tmp_path / precision, tokens, (objective,), num_steps=1, precision=precision)
        before = {name: each.detach().clone() for name, each in trainer.model.named_parameters()}
        trainer.train()
        logs[precision] = logged(trainer)
    assert all(math.isfinite(each) for each in logs["bf16"].values())
    assert logs["bf16"].keys() == logs["fp32"].keys()
    loss, exact = (logs[each]["1.loss"] for each in ("bf16", "fp32"))
    assert loss == pytest.approx(exact, rel=0.02)
    assert loss != exact, "products are rounded"
    moved = set()
    for name, each in trainer.model.named_parameters():
        assert each.dtype == torch.float32, name
        assert each.isfinite().all(), name
        if (each - before[name]).abs().max() > 1e-3:  # which decay alone does not reach
            moved.add(name.partition(".")[0])
    assert moved == {"generator", "discriminator", "heads"}


def test_without_a_weight_the_generator_is_trained_as_alone(tokens, tmp_path):
    """The discriminator stays as it began, and no random number is drawn for it."""
    plain = made(tmp_path / "plain", tokens, dropout=0.2)
    plain.objectives = plain._at_work = plain._terms = ()
    before = {name: weight.clone() for name, weight in plain.model.state_dict().items()}
    plain.train()
    weightless = tuple(type(each)(weight=0.0) for each in OBJECTIVES)
    other = made(tmp_path / "other", tokens, weightless, dropout=0.2)
    other.train()
    weights = other.model.state_dict()
    for name, weight in plain.model.state_dict().items():
        assert torch.equal(weights[name], weight), name
        assert torch.equal(weight, before[name]) == name.startswith(("discriminator", "heads"))


def test_the_loss_has_its_terms_and_the_log_names_them(tokens, tmp_path):
    trainer = made(tmp_path / "run", tokens)
    trainer.train()
    logs = logged(trainer)
    for step in (1, 2, 3):
        for each in OBJECTIVES:
            term = logs[f"{step}.{each.name}"]
            assert logs[f"{step}.{each.name}_weighted"] == pytest.approx(each.weight * term)
            assert term > 0
        assert logs[f"{step}.loss"] > sum(
            logs[f"{step}.{each.name}_weighted"] for each in OBJECTIVES
        )
    assert trainer.evaluate()["eval_loss"] < logs["3.loss"], "the plain loss alone"
