"""Replaced-token detection against ELECTRA's loss written out."""

import math

import pytest
import torch
from small_selection import selection_batch, small_selection, true_text

from hf_apt.training.objective import Step, TrainingSetup
from hf_apt.training.objectives.replaced_tokens import ReplacedTokens


def term_of(objective, batch, output, num_items=100):
    step = Step(
        model=None,
        inputs=batch,
        outputs=output,
        loss=torch.zeros(()),
        num_items=torch.tensor(num_items),
        loss_and_outputs=lambda _: (torch.zeros(()), None),
    )
    (term,) = objective(step)
    return term


def test_the_loss_is_the_papers_sum_over_all_tokens():
    batch = selection_batch(6, padded=True)
    output = small_selection().eval()(**batch)
    text, total, num = true_text(batch), 0.0, 0
    for row, shown in enumerate(output.shown_ids.tolist()):
        for place, token in enumerate(shown):
            if not batch["attention_mask"][row, place]:
                continue
            probability = 1 / (1 + math.exp(-float(output.detection_logits[row, place].detach())))
            is_replaced = token != int(text[row, place])
            total -= math.log(probability if is_replaced else 1 - probability)
            num += 1
    objective = ReplacedTokens(weight=50.0)
    assert int(objective.count(batch)) == num == 6 * 7
    term = term_of(objective, batch, output)
    assert (term.name, term.weight, term.num_items) == ("replaced_tokens", 50.0, 100)
    assert term.total.item() == pytest.approx(total, rel=1e-5)


def test_a_sample_that_is_the_original_is_not_replaced():
    batch = selection_batch(3)
    output = {"shown_ids": true_text(batch), "detection_logits": torch.full((3, 9), -50.0)}
    objective = ReplacedTokens(weight=1.0)
    assert term_of(objective, batch, output).total.item() == pytest.approx(0.0, abs=1e-6)
    asked = batch["labels"] != -100
    output["shown_ids"] = torch.where(asked, 4, output["shown_ids"])
    expected = 50.0 * int(asked.sum())
    assert term_of(objective, batch, output).total.item() == pytest.approx(expected)


def test_a_logit_of_0_costs_a_bit():
    batch = selection_batch(3)
    output = {"shown_ids": batch["input_ids"], "detection_logits": torch.zeros(3, 9)}
    term = term_of(ReplacedTokens(weight=1.0), batch, output)
    assert term.total.item() == pytest.approx(27 * math.log(2))


def test_a_weight_that_is_none_is_refused():
    with pytest.raises(ValueError, match="weight of replaced_tokens is -1"):
        ReplacedTokens(weight=-1)


def test_a_model_without_the_head_is_refused_before_training():
    setup = TrainingSetup(model=small_selection(heads=("word_selection",)), args=None)
    with pytest.raises(ValueError, match="with a head of that name"):
        ReplacedTokens(weight=1.0).in_training(setup)
