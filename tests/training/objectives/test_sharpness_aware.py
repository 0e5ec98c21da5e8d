"""Sharpness-aware minimisation against the paper's two steps by hand."""

import pytest
import torch
from torch.nn.functional import cross_entropy
from workers.objectives import GradientsKept, classifier, classifying, logged, stacked, texts

from hf_apt.cli.objectives import objective_of
from hf_apt.training.contrast.balanced_term import BalancedTerm
from hf_apt.training.objectives.r_drop import RDrop
from hf_apt.training.objectives.sharpness_aware import SharpnessAware


def by_hand(radius: float) -> dict[str, torch.Tensor]:
    model = classifier().train()
    batch = stacked(texts()[:8])

    def backward() -> None:
        model.zero_grad()
        cross_entropy(model(batch["input_ids"]).logits, batch["labels"]).backward()

    backward()
    slopes = {name: each.grad.clone() for name, each in model.named_parameters()}
    size = torch.stack([each.square().sum() for each in slopes.values()]).sum().sqrt()
    with torch.no_grad():
        for name, each in model.named_parameters():
            each += radius * slopes[name] / size
    backward()
    return {name: each.grad for name, each in model.named_parameters()}


def test_gradients_are_those_at_the_worst_weights(tmp_path):
    kept = GradientsKept()
    trainer = classifying(str(tmp_path), (SharpnessAware(weight=0.3),), max_steps=1)
    trainer.add_callback(kept)
    passes: list[int] = []
    trainer.model.register_forward_pre_hook(lambda *_: passes.append(1))
    trainer.train()
    assert len(passes) == 2
    expected, plain = by_hand(0.3), by_hand(0.0)
    (gradients,) = kept.steps
    for name, each in expected.items():
        torch.testing.assert_close(torch.tensor(gradients[name]), each, rtol=1e-4, atol=1e-6)
    moved = max(float((expected[name] - plain[name]).abs().max()) for name in plain)
    assert moved > 1e-2
    own = classifier().state_dict()
    for name, weight in trainer.model.named_parameters():
        step = own[name] - 0.05 * torch.tensor(gradients[name])
        torch.testing.assert_close(weight.detach(), step, rtol=1e-5, atol=1e-7)


def test_the_loss_and_the_terms_of_the_first_pass_are_logged_once(tmp_path):
    states, logs = [], []
    for first in ((SharpnessAware(weight=0.3),), ()):
        objectives = (*first, RDrop(weight=1))
        trainer = classifying(str(tmp_path), objectives, dropout=0.2, max_steps=1)
        trainer.train()
        states.append(torch.get_rng_state())
        logs.append(logged(trainer))
    assert logs[0] == logs[1]
    assert torch.equal(*states), "both passes draw the same dropout"


def test_a_step_of_several_batches_is_refused(tmp_path):
    with pytest.raises(ValueError, match="gradient_accumulation_steps is 2: set it to 1"):
        classifying(str(tmp_path), (SharpnessAware(weight=0.1),), accumulation_steps=2)
    classifying(str(tmp_path), (SharpnessAware(weight=0),), accumulation_steps=2)
    with pytest.raises(ValueError, match="weight of sharpness_aware is nan"):
        SharpnessAware(weight=float("nan"))


def test_bfloat16_is_finite(tmp_path):
    trainer = classifying(str(tmp_path), (SharpnessAware(weight=0.3),), bf16=True)
    trainer.train()
    assert all(torch.isfinite(each).all() for each in trainer.model.state_dict().values())


def test_what_is_remembered_of_a_step_is_remembered_once(tmp_path):
    contrast = objective_of("balanced_contrast:weight=0.5,num_positives=4,num_negatives=6")
    kept = []
    for around in ((SharpnessAware(weight=0.05),), ()):
        trainer = classifying(str(tmp_path), (*around, contrast), max_steps=1)
        trainer.train()
        (term,) = (each for each in trainer._terms if isinstance(each, BalancedTerm))
        kept.append(term.memory.arrays())
    asked = sum(row["labels"] != -100 for row in texts()[:8])
    assert sum(len(features) for features in kept[0].values()) == asked
    for name, features in kept[1].items():
        torch.testing.assert_close(kept[0][name], features)
