"""What objectives share: which rows of logits are asked for, and what is refused."""

from types import SimpleNamespace

import pytest
import torch

from hf_apt.data.fixed_shapes import fixed_places
from hf_apt.models.fresh import new_model
from hf_apt.models.shapes import ModelShape
from hf_apt.training.objective import (
    asked_logits,
    num_asked,
    require_objectives,
    require_weight,
)


@pytest.fixture
def masked():
    """Ids and labels of which some are asked for."""
    ids = torch.randint(5, 65, (3, 17), generator=torch.Generator().manual_seed(0))
    return ids, torch.where(ids % 3 == 0, (ids * 7) % 65, -100)


def test_a_model_that_answers_everywhere_is_read_at_the_labels(masked):
    _, labels = masked
    logits = torch.randn(*labels.shape, 5, generator=torch.Generator().manual_seed(1))
    rows, counting = asked_logits({"logits": logits}, {"labels": labels})
    by_hand = [
        logits[text, place]
        for text in range(3)
        for place in range(17)
        if int(labels[text, place]) != -100
    ]
    assert torch.equal(rows, torch.stack(by_hand))
    assert counting.all()
    assert len(counting) == len(rows) == num_asked({"labels": labels}) == len(by_hand)


@pytest.mark.parametrize("fixed", [False, True])
def test_a_bert_6_in_training_answers_the_same_rows(fixed, masked, tokens):
    ids, labels = masked
    shape = ModelShape(hidden_size=16, num_heads=2, num_blocks=2, dropout=0.0)
    model = new_model(shape, tokens, seed=3)
    everywhere = model.eval()(ids).logits
    expected, _ = asked_logits({"logits": everywhere}, {"labels": labels})
    inputs = {"input_ids": ids, "labels": labels}
    if fixed:
        inputs["asked_positions"] = torch.from_numpy(fixed_places(labels.numpy(), 64))
    rows, counting = asked_logits(model.train()(**inputs), inputs)
    assert len(rows) == (64 if fixed else len(expected))
    assert counting.sum() == len(expected)
    torch.testing.assert_close(rows[counting], expected)


def test_a_classifier_is_read_at_texts_with_a_label():
    logits = torch.arange(8.0).reshape(4, 2).bfloat16()
    labels = torch.tensor([1, -100, 0, -100])
    rows, counting = asked_logits({"logits": logits}, {"labels": labels})
    assert rows.tolist() == [[0.0, 1.0], [4.0, 5.0]]
    assert rows.dtype == torch.float32
    assert counting.tolist() == [True, True]
    assert num_asked({"labels": labels}) == 2


def test_a_batch_without_a_label_has_no_rows():
    inputs = {"labels": torch.full((2, 3), -100)}
    rows, counting = asked_logits({"logits": torch.ones(2, 3, 5)}, inputs)
    assert rows.shape == (0, 5)
    assert counting.shape == (0,)


@pytest.mark.parametrize(
    ("outputs", "inputs", "sentence"),
    [
        ({"logits": torch.ones(2, 3)}, {}, "the batch has no labels"),
        ({"logits": torch.ones(2, 3)}, {"labels": torch.ones(2, 3)}, "float32, not classes"),
        ((torch.ones(2, 3),), {"labels": torch.ones(2).long()}, "returns no logits by that name"),
        (
            {"logits": torch.ones(4, 3)},
            {"labels": torch.ones(2).long()},
            r"shape \(4, 3\) do not belong to labels of shape \(2,\)",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(outputs, inputs, sentence):
    with pytest.raises(ValueError, match=sentence):
        asked_logits(outputs, inputs)


def named(name, weight=1.0):
    return SimpleNamespace(name=name, weight=weight)


def test_weights_of_at_least_nought_are_taken():
    for weight in (0, 0.0, 1e-9, 7):
        require_weight(named("one", weight))
    require_objectives([named("one"), named("other", 0.0)])


@pytest.mark.parametrize("weight", [-1e-9, float("nan"), float("inf"), -float("inf")])
def test_other_weights_are_refused_with_their_remedy(weight):
    sentence = f"the weight of one is {weight}: give a finite number of at least 0"
    with pytest.raises(ValueError, match=sentence):
        require_objectives([named("one", weight)])


def test_a_name_is_given_once():
    with pytest.raises(ValueError, match="two objectives named one: give it once"):
        require_objectives([named("one"), named("other"), named("one", 2.0)])
