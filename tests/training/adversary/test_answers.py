"""Answers that count, as classes and as numbers."""

from types import SimpleNamespace

import pytest
import torch

from hf_apt.training.adversary.answers import (
    answers,
    divergence,
    num_answers,
    require_one_label,
)


def test_classes_are_those_with_a_label():
    logits = torch.arange(24.0).view(2, 4, 3)
    labels = torch.tensor([[0, -100, 2, -100], [-100, 1, -100, 0]])
    inputs = {"labels": labels}
    assert num_answers(inputs) == 4
    rows = answers({"logits": logits}, inputs)
    assert torch.equal(rows, logits[labels != -100])
    assert torch.equal(answers({"logits": rows}, inputs), rows)
    padded = torch.cat([rows, torch.full((2, 3), 9.0)])
    places = torch.tensor([0, 2, 5, 7, 1, 3])
    assert torch.equal(answers({"logits": padded}, inputs | {"asked_positions": places}), rows)
    assert divergence(rows, rows + 1, inputs).tolist() == pytest.approx([0.0] * 4, abs=1e-6)


def test_numbers_are_all_texts():
    inputs = {"labels": torch.tensor([0.5, 1.5])}
    logits = torch.tensor([[1.0], [3.0]])
    assert num_answers(inputs) == 2
    assert torch.equal(answers({"logits": logits}, inputs), logits)
    assert divergence(logits, logits - 2, inputs).tolist() == [4.0, 4.0]
    whole = {"labels": torch.tensor([1, 2])}
    assert divergence(logits, logits - 2, whole).tolist() == [4.0, 4.0]
    several = {"labels": torch.zeros(2, 3)}
    rows = answers({"logits": torch.ones(2, 3)}, several)
    assert divergence(rows, rows + 1, several).tolist() == [3.0, 3.0]


def test_what_is_refused():
    with pytest.raises(ValueError, match="the batch has no labels"):
        num_answers({})
    with pytest.raises(ValueError, match=r"\(3, 1\) do not belong to labels of shape \(2,\)"):
        answers({"logits": torch.zeros(3, 1)}, {"labels": torch.zeros(2)})
    model = SimpleNamespace(config=SimpleNamespace(problem_type="multi_label_classification"))
    with pytest.raises(ValueError, match="multi_label_classification, for which answers are not"):
        require_one_label(model, {"labels": torch.zeros(2, 3)})
    require_one_label(model, {"labels": torch.zeros(2, dtype=torch.long)})
    require_one_label(SimpleNamespace(), {"labels": torch.zeros(2, 3)})
