"""The proximal term and its teacher, in a Trainer and over checkpoints."""

import json
from dataclasses import asdict
from typing import Any

import pytest
import torch
from small_trainers import StopAt
from transformers import Trainer, TrainerCallback
from workers.objectives import classifier, classifying, logged, stacked, texts

from hf_apt.models.lora import with_adapter
from hf_apt.training.adversary.divergence import symmetric_kl
from hf_apt.training.averages.proximal_term import NAME, ProximalTerm
from hf_apt.training.objective import Step, TrainingSetup
from hf_apt.training.objectives.proximal import Proximal
from hf_apt.training.objectives.r_drop import RDrop
from hf_apt.training.objectives.smoothness import Smoothness


def teacher_of(trainer: Any) -> Any:
    (term,) = [each for each in trainer._terms if isinstance(each, ProximalTerm)]
    return term.teacher


def weights_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: each.detach().clone() for name, each in trainer.model.named_parameters()}


def test_the_teacher_is_the_average_of_the_weights_so_far(tmp_path):
    """Three steps by hand, of the weights after each."""
    trainer = classifying(str(tmp_path), (Proximal(weight=2, momentum=0.75),))
    steps = [weights_of(trainer)]

    class Kept(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            steps.append(weights_of(trainer))

    trainer.add_callback(Kept())
    trainer.train()
    assert len(steps) == 4
    for name, averaged in teacher_of(trainer).weights.items():
        expected = steps[0][name]
        for after in steps[1:]:
            expected = 0.75 * expected + 0.25 * after[name]
        torch.testing.assert_close(averaged, expected)
        assert not torch.equal(averaged, steps[-1][name]), name
    logs = logged(trainer)
    assert logs["1.proximal"] == 0.0
    assert logs["2.proximal_weighted"] == pytest.approx(2 * logs["2.proximal"])
    assert logs["2.proximal"] > 1e-4


def test_it_is_the_divergence_from_the_teachers_answers():
    model, batch = classifier().train(), stacked(texts(4))
    term = Proximal(weight=1).in_training(TrainingSetup(model=model, args=_args()))
    assert isinstance(term, ProximalTerm)
    step = _step(model, batch)
    (first,) = term(step)
    assert float(first.total) == 0.0
    assert all(
        slope is None or float(slope.abs().max()) < 1e-6
        for slope in torch.autograd.grad(first.total, [*model.parameters()], allow_unused=True)
    )
    taught = model(**batch).logits.detach()
    with torch.no_grad():
        model.classifier.bias += torch.tensor([0.5, 0.0, -0.5])
    (second,) = term(_step(model, batch))
    labelled = batch["labels"] != -100
    expected = symmetric_kl(model(**batch).logits, taught)[labelled].sum()
    torch.testing.assert_close(second.total, expected)


def _step(model: Any, batch: Any) -> Step:
    outputs = model(**batch)
    return Step(
        model=model,
        inputs=batch,
        outputs=outputs,
        loss=outputs.loss,
        num_items=torch.tensor(1),
        loss_and_outputs=lambda inputs: pytest.fail("no other pass of the Trainer's"),
    )


def _args() -> Any:
    from types import SimpleNamespace

    return SimpleNamespace(fsdp=None, deepspeed=None, gradient_accumulation_steps=1)


def test_a_momentum_of_nothing_copies_and_does_nothing(tmp_path):
    trainer = classifying(str(tmp_path / "0"), (Proximal(weight=5, momentum=0),))
    plain = classifying(str(tmp_path / "1"), ())
    for each in (trainer, plain):
        each.train()
    assert {logged(trainer)[f"{step}.proximal"] for step in (1, 2, 3)} == {0.0}
    own = weights_of(trainer)
    assert all(torch.equal(own[name], each) for name, each in teacher_of(trainer).weights.items())
    for name, each in weights_of(plain).items():
        torch.testing.assert_close(own[name], each)


def test_a_momentum_of_one_stays_where_the_model_began(tmp_path):
    trainer = classifying(str(tmp_path), (Proximal(weight=1, momentum=1),))
    began = weights_of(trainer)
    trainer.train()
    assert all(torch.equal(began[name], each) for name, each in teacher_of(trainer).weights.items())


def test_without_momentum_several_steps_are_taken_from_one_teacher(tmp_path):
    trainer = classifying(str(tmp_path), (Proximal(weight=1, momentum=0, update_every=2),))
    trainer.train()
    logs = logged(trainer)
    assert logs["1.proximal"] == logs["3.proximal"] == 0.0
    assert logs["2.proximal"] > 0


def test_an_interrupted_training_goes_on_to_the_bit(tmp_path):
    def made(name: str) -> Trainer:
        return classifying(
            str(tmp_path / name),
            (
                Proximal(weight=3, momentum=0.5),
                RDrop(weight=1),
                Smoothness(weight=1, preset="mtdnn"),
            ),
            dropout=0.2,
            save_strategy="steps",
            save_steps=2,
            max_steps=4,
            rows=texts(32),
        )

    expected = made("whole")
    expected.train()
    interrupted = made("cut")
    interrupted.add_callback(StopAt(2))
    interrupted.train()
    checkpoint = tmp_path / "cut" / "checkpoint-2"
    assert (checkpoint / NAME).is_file()
    resumed = made("cut")
    resumed.train(resume_from_checkpoint=str(checkpoint))
    assert logged(resumed) == logged(expected)
    own = weights_of(resumed)
    assert all(torch.equal(own[name], each) for name, each in weights_of(expected).items())
    for name, each in teacher_of(expected).weights.items():
        assert torch.equal(teacher_of(resumed).weights[name], each)
    (checkpoint / NAME).unlink()
    with pytest.raises(ValueError, match=f"{NAME} is missing"):
        made("cut").train(resume_from_checkpoint=str(checkpoint))


def test_of_adapters_the_teacher_keeps_these_alone(tmp_path):
    model = with_adapter(classifier(), 2, seed=0)
    trainer = classifying(str(tmp_path), (Proximal(weight=1, momentum=0.5),), model=model)
    trainer.train()
    kept = teacher_of(trainer).weights
    assert kept
    assert all("lora_" in name or "modules_to_save" in name for name in kept)
    assert logged(trainer)["3.proximal"] > 0


def test_bfloat16_gives_what_float32_gives_but_for_its_rounding(tmp_path):
    logs = []
    for bf16 in (False, True):
        trainer = classifying(str(tmp_path), (Proximal(weight=1, momentum=0.5),), bf16=bf16)
        trainer.train()
        logs.append(logged(trainer)["2.proximal"])
    assert logs[0] == pytest.approx(logs[1], rel=0.1)
    assert logs[0] != logs[1]


def test_its_name_is_in_its_json():
    content = json.loads(json.dumps(asdict(Proximal(weight=0.5))))
    assert content == {
        "name": "proximal",
        "weight": 0.5,
        "momentum": 0.99,
        "update_every": 1,
    }


def test_what_is_refused(tmp_path):
    with pytest.raises(ValueError, match="the momentum of proximal is 1.5: give a number from 0"):
        Proximal(weight=1, momentum=1.5)
    with pytest.raises(ValueError, match="update_every must be .*0"):
        Proximal(weight=1, update_every=0)
    with pytest.raises(ValueError, match="proximal has no teacher outside of a training"):
        Proximal(weight=1)(_step(classifier(), stacked(texts(2))))
    trainer = classifying(str(tmp_path), ())
    trainer.args.fsdp = True
    with pytest.raises(ValueError, match="proximal needs all weights in every process"):
        Proximal(weight=1).in_training(TrainingSetup(model=trainer.model, args=trainer.args))
