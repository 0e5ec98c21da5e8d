"""Averaged weights: what the model has at the end, and a training that is the plain one."""

import json
from dataclasses import asdict

import pytest
import torch
from transformers import Trainer, TrainerCallback
from workers.objectives import classifying, logged, texts

from hf_apt.training.methods.weight_average import WeightAverage
from hf_apt.training.methods.weight_average_callback import NAME


def averaged(folder, method: WeightAverage, **changed) -> tuple[Trainer, list[dict]]:
    """The trainer after training, and the weights after each step."""
    trainer = classifying(str(folder), (), dropout=0.2, **changed)
    steps: list[dict] = []

    class Kept(TrainerCallback):
        def on_step_end(self, args, state, control, *, model, **kwargs):
            steps.append({name: each.detach().clone() for name, each in model.named_parameters()})

    trainer.add_callback(Kept())
    trainer.add_callback(method.callback())
    return trainer, steps


def weights_of(trainer: Trainer) -> dict:
    return {name: each.detach() for name, each in trainer.model.named_parameters()}


@pytest.mark.parametrize(
    ("method", "shares"),
    [
        (WeightAverage(kind="swa"), (1 / 3, 1 / 3, 1 / 3)),
        (WeightAverage(kind="swa", start=0.4), (0, 0.5, 0.5)),
        (WeightAverage(momentum=0.0), (0, 0, 1)),
    ],
)
def test_the_model_has_the_mean_of_the_steps(method, shares, tmp_path):
    trainer, steps = averaged(tmp_path, method)
    trainer.train()
    for name, weight in weights_of(trainer).items():
        expected = sum(share * step[name] for share, step in zip(shares, steps, strict=True))
        torch.testing.assert_close(weight, expected)


def test_an_exponential_average_begins_with_the_model(tmp_path):
    trainer, steps = averaged(tmp_path, WeightAverage(momentum=0.5))
    began = {name: each.clone() for name, each in weights_of(trainer).items()}
    trainer.train()
    for name, weight in weights_of(trainer).items():
        shares = ((0.125, began), (0.125, steps[0]), (0.25, steps[1]), (0.5, steps[2]))
        torch.testing.assert_close(weight, sum(share * each[name] for share, each in shares))


def test_training_is_the_plain_one_to_the_bit(tmp_path):
    trainer, steps = averaged(tmp_path / "0", WeightAverage(momentum=0.0))
    trainer.train()
    state = torch.get_rng_state()
    plain = classifying(str(tmp_path / "1"), (), dropout=0.2)
    plain.train()
    assert torch.equal(torch.get_rng_state(), state)
    assert logged(trainer) == logged(plain)
    for name, weight in weights_of(plain).items():
        assert torch.equal(weight, steps[-1][name])
        assert torch.equal(weight, weights_of(trainer)[name])


def test_bfloat16_is_finite_and_near(tmp_path):
    trainers = [
        averaged(tmp_path, WeightAverage(momentum=0.5), bf16=each)[0] for each in (False, True)
    ]
    for trainer in trainers:
        trainer.train()
    exact, rounded = map(weights_of, trainers)
    for name, weight in rounded.items():
        assert torch.isfinite(weight).all()
        torch.testing.assert_close(weight, exact[name], rtol=0.1, atol=0.02)


def test_an_interrupted_training_ends_with_the_same_average(tmp_path):
    options = {"save_strategy": "steps", "save_steps": 2, "max_steps": 4, "rows": texts(32)}
    method = WeightAverage(kind="swa")
    whole, _ = averaged(tmp_path, method, **options)
    whole.train()
    checkpoint = tmp_path / "checkpoint-2"
    assert (checkpoint / NAME).is_file()
    resumed, _ = averaged(tmp_path, method, **options)
    resumed.train(resume_from_checkpoint=str(checkpoint))
    for name, weight in weights_of(whole).items():
        assert torch.equal(weights_of(resumed)[name], weight)


def test_what_is_refused(tmp_path):
    with pytest.raises(ValueError, match="kind is 'mean': choose one of ema, swa"):
        WeightAverage(kind="mean")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="the start of weight_average is 2: give a number from 0"):
        WeightAverage(start=2)
    trainer, _ = averaged(tmp_path, WeightAverage())
    trainer.args.load_best_model_at_end = True
    with pytest.raises(ValueError, match="load_best_model_at_end those of one step: leave one"):
        trainer.train()


def test_its_name_is_in_its_json():
    content = json.loads(json.dumps(asdict(WeightAverage())))
    assert content == {"name": "weight_average", "kind": "ema", "momentum": 0.99, "start": 0.0}
