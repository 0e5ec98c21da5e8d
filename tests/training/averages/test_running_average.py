"""Averages of weights: known answers, no shared memory, and files."""

import pytest
import torch
from torch import nn
from workers.objectives import classifier, stacked, texts

from hf_apt.training.averages.running_average import RunningAverage


def numbered(value: float) -> nn.Linear:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, value)
    return layer


def after(momentum: float) -> float:
    average = RunningAverage.of(numbered(0.0))
    for value in (1.0, 2.0, 3.0):
        average.update(numbered(value), momentum)
    return float(average.weights["weight"])


def test_known_answers():
    assert after(0.9) == pytest.approx(0.561)
    assert after(0.0) == 3.0
    assert after(1.0) == 0.0


def test_it_shares_no_memory_and_answers_for_itself():
    model, batch = classifier().eval(), stacked(texts(4))
    average = RunningAverage.of(model)
    own = {each.data_ptr() for each in model.parameters()}
    assert not own & {each.data_ptr() for each in average.weights.values()}
    before = model(**batch).logits
    assert torch.equal(average.answer(model, batch).logits, before)
    with torch.no_grad():
        for each in model.parameters():
            each += 0.1
    assert torch.equal(average.answer(model, batch).logits, before)
    assert not torch.equal(model(**batch).logits, before)
    average.write_into(model)
    assert torch.equal(model(**batch).logits, before)


def test_frozen_weights_are_the_models_and_buffers_are_copied():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    model[0].weight.requires_grad_(False)
    average = RunningAverage.of(model)
    assert set(average.weights) == {"0.bias", "1.weight", "1.bias"}
    model.train()(torch.randn(8, 2))
    assert not torch.equal(average.buffers["1.running_mean"], model[1].running_mean)
    average.update(model, 1.0)
    assert torch.equal(average.buffers["1.running_mean"], model[1].running_mean)
    assert int(average.buffers["1.num_batches_tracked"]) == 1


def test_it_is_kept_in_float32():
    model = numbered(1.0).bfloat16()
    average = RunningAverage.of(model)
    average.update(numbered(1.0 + 2**-7).bfloat16(), 0.99)
    assert average.weights["weight"].dtype == torch.float32
    assert float(average.weights["weight"]) == pytest.approx(1 + 2**-7 / 100)


def test_a_file_gives_it_back(tmp_path):
    average = RunningAverage.of(nn.BatchNorm1d(3))
    average.weights["weight"] += torch.rand(3)
    average.save(tmp_path / "average")
    other = RunningAverage.of(nn.BatchNorm1d(3))
    other.load(tmp_path / "average")
    assert torch.equal(other.weights["weight"], average.weights["weight"])
    with pytest.raises(ValueError, match="is missing, which holds the average of the weights: go"):
        other.load(tmp_path / "none")
    with pytest.raises(ValueError, match="is of another model: it has no weight of this shape"):
        RunningAverage.of(nn.BatchNorm1d(4)).load(tmp_path / "average")
