"""Smoothness in a Trainer: what is added, in which precision and with which dropout."""

import json
from dataclasses import asdict
from typing import Any

import pytest
import torch
from torch import nn
from workers.objectives import classifier, classifying, logged, stacked, texts

from hf_apt.training.adversary import smoothness_term
from hf_apt.training.adversary.divergence import symmetric_kl
from hf_apt.training.objective import Step
from hf_apt.training.objectives.smoothness import Smoothness


def step_of(model: Any, batch: dict[str, torch.Tensor], *, seed: int = 0) -> Step:
    outputs = model(**batch)
    return Step(
        model=model,
        inputs=batch,
        outputs=outputs,
        loss=outputs.loss,
        num_items=torch.tensor(1),
        loss_and_outputs=lambda inputs: pytest.fail("no pass of the Trainer's is needed"),
        seed=seed,
    )


def total(config: Smoothness, model: Any, batch: Any = None, **changed: Any) -> torch.Tensor:
    (term,) = config(step_of(model, batch or stacked(texts(4)), **changed))
    assert (term.name, term.weight) == ("smoothness", config.weight)
    return term.total


def size(config: Smoothness, model: Any, batch: Any = None) -> float:
    return total(config, model, batch).item()


def test_presets_fill_what_is_left_open():
    paper, mtdnn = Smoothness(weight=1), Smoothness(weight=1, preset="mtdnn")
    assert (paper.norm_level, mtdnn.norm_level, mtdnn.radius) == ("sequence", "token", 1.0)
    assert paper.radius is not None
    assert paper.radius < 1e-3
    content = json.loads(json.dumps(asdict(mtdnn)))
    assert content["name"] == "smoothness"
    assert content["radius"] == 1.0
    del content["name"]
    assert Smoothness(**content) == mtdnn


@pytest.fixture
def deltas(monkeypatch) -> list[Any]:
    """What is added to the word embeddings, pass by pass."""
    kept: list[Any] = []
    own = smoothness_term.perturbed_pass

    def noted(model: Any, inputs: Any, delta: Any) -> Any:
        kept.append(delta.detach().clone())
        return own(model, inputs, delta)

    monkeypatch.setattr(smoothness_term, "perturbed_pass", noted)
    return kept


def test_it_is_the_divergence_at_the_worst_perturbation_found(deltas):
    """By hand: one step of the ascent from the same start, through the table itself."""
    model = classifier().train()
    batch = stacked(texts(4, unasked=False))
    config = Smoothness(weight=1, radius=0.3, noise=0.05, step_size=0.2)
    value = total(config, model, batch)
    noise, last = deltas
    plain = model.get_input_embeddings()(batch["input_ids"]).detach()
    leaf = noise.clone().requires_grad_()
    clean = model(batch["input_ids"]).logits.detach()
    moved = model(inputs_embeds=plain + leaf).logits
    (slope,) = torch.autograd.grad(symmetric_kl(clean, moved).sum(), leaf)
    expected = noise + 0.2 * slope / slope.abs().amax(dim=(1, 2), keepdim=True)
    torch.testing.assert_close(last, expected.clamp(-0.3, 0.3), rtol=1e-3, atol=1e-5)
    at_worst = model(inputs_embeds=plain + last).logits
    torch.testing.assert_close(value, symmetric_kl(clean, at_worst).sum())


def test_the_gradient_is_that_of_the_divergence_with_the_perturbation_held():
    model = classifier().train().double()
    batch = stacked(texts(3))
    config = Smoothness(weight=1, preset="mtdnn", noise=0.1)
    weight = model.classifier.weight
    (slope,) = torch.autograd.grad(total(config, model, batch), weight)
    weight.requires_grad_(False)
    for place in ((0, 3), (2, 7)):
        values = []
        for sign in (1, -1):
            weight[place] += sign * 1e-4
            values.append(size(config, model, batch))
            weight[place] -= sign * 1e-4
        # The perturbation follows the weights, too: at the radius, by little.
        assert float(slope[place]) == pytest.approx((values[0] - values[1]) / 2e-4, rel=0.25)


@pytest.mark.parametrize("dropout", ["shared", "off"])
def test_without_other_dropout_it_falls_as_the_square_of_the_radius(dropout):
    model = classifier(0.3).train()
    torch.manual_seed(0)  # of dropout
    sizes = [
        size(Smoothness(weight=1, radius=radius, step_size=1, dropout=dropout), model)
        for radius in (0.02, 0.002)
    ]
    if dropout == "off":
        assert sizes[0] / sizes[1] == pytest.approx(100, rel=0.1)
    assert 0 < sizes[1] < sizes[0] < 0.1
    other = Smoothness(weight=1, radius=0.002, step_size=1)
    assert size(other, model) > 3 * sizes[0]


def test_the_random_arm_has_the_same_size_and_moves_less(deltas):
    model = classifier().train()
    sizes = {}
    for direction in ("adversarial", "random"):
        config = Smoothness(weight=1, radius=0.05, step_size=1, direction=direction)
        sizes[direction] = size(config, model)
    worst, random = deltas[1::2]
    torch.testing.assert_close(random.abs(), worst.abs())
    assert not torch.equal(random, worst)
    assert sizes["random"] < 0.5 * sizes["adversarial"]


@pytest.mark.parametrize(("preset", "radius"), [("paper", 0.01), ("mtdnn", 1.0)])
def test_padding_is_never_perturbed_and_changes_nothing(preset, radius, deltas):
    # In the paper's own ball, a thousandth of this, rounding is as large as what is compared.
    model = classifier().train()
    batch = stacked(texts(4))
    batch["attention_mask"] = torch.ones_like(batch["input_ids"])
    ball: dict[str, Any] = {"preset": preset, "radius": radius}
    config = Smoothness(weight=1, **ball, noise=0.05, step_size=0.5, num_steps=2)
    short = size(config, model, batch)
    padding = torch.zeros(4, 3, dtype=torch.long)
    longer = {
        **{name: torch.cat([batch[name], padding], 1) for name in ("input_ids", "attention_mask")},
        "labels": batch["labels"],
    }
    assert size(config, model, longer) == pytest.approx(short, rel=1e-3)
    assert len(deltas) == 6
    assert torch.equal(deltas[-1][:, 8:], torch.zeros(4, 3, 16))
    torch.testing.assert_close(deltas[-1][:, :8], deltas[2], rtol=1e-2, atol=1e-4)


def test_the_papers_passes_are_in_float32_under_a_trainer_with_bfloat16(tmp_path):
    """Rounded to bfloat16 the answers would not be moved, or by a rounding error."""
    logs = {}
    for bf16 in (False, True):
        config = Smoothness(weight=1, preset="paper", dropout="off", radius=1e-3, step_size=1)
        trainer = classifying(str(tmp_path), (config,), bf16=bf16, max_steps=1)
        trainer.train()
        logs[bf16] = logged(trainer)["1.smoothness"]
    assert logs[True] == pytest.approx(logs[False], rel=1e-3)
    assert logs[False] > 0


@pytest.mark.parametrize("dropout", ["independent", "shared", "off"])
@pytest.mark.parametrize("preset", ["paper", "mtdnn"])
def test_bfloat16_is_finite(preset, dropout, tmp_path):
    config = Smoothness(weight=1, preset=preset, dropout=dropout)
    trainer = classifying(str(tmp_path), (config,), dropout=0.2, bf16=True)
    trainer.train()
    assert all(torch.isfinite(each).all() for each in trainer.model.state_dict().values())
    assert 0 <= logged(trainer)["3.smoothness"] < 10


def test_dropout_that_is_off_leaves_the_trainers_own_as_it_is(tmp_path):
    """The first step's plain loss, and all random numbers, are those without the objective."""
    states, losses = [], []
    for objectives in ((), (Smoothness(weight=1e-9, dropout="off"),)):
        trainer = classifying(str(tmp_path), objectives, dropout=0.3)
        trainer.train()
        states.append(torch.get_rng_state())
        losses.append(logged(trainer)["3.loss"])
    assert torch.equal(*states)
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_regression_is_the_worst_squared_difference():
    """A linear model on the mean of two word embeddings: the worst is known."""

    class Linear(nn.Module):
        config = type("Config", (), {"is_encoder_decoder": False})()

        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(10, 3)
            self.head = nn.Linear(3, 1)

        def get_input_embeddings(self) -> nn.Embedding:
            return self.words

        def forward(self, input_ids: Any, labels: Any) -> Any:
            class Answer(dict[str, Any]):
                loss = torch.zeros(())

            return Answer(logits=self.head(self.words(input_ids).mean(1)))

    torch.manual_seed(0)
    model = Linear()
    batch = {"input_ids": torch.tensor([[1, 2], [3, 4]]), "labels": torch.tensor([0.0, 1.0])}
    config = Smoothness(weight=1, radius=0.1, noise=1e-3, step_size=100)
    assert config.count(batch) == 2
    worst = (0.1 * float(model.head.weight.detach().abs().sum())) ** 2
    assert size(config, model, batch) == pytest.approx(2 * worst, rel=1e-4)


def test_token_classification_is_summed_over_labelled_tokens():
    from transformers import BertForTokenClassification

    torch.manual_seed(0)
    model = BertForTokenClassification(classifier().config).train()
    batch = stacked(texts(4))
    labels = torch.randint(0, 3, (4, 8))
    labels[:, ::3] = -100
    batch["labels"] = labels
    config = Smoothness(weight=1, preset="mtdnn")
    assert config.count(batch) == int((labels != -100).sum())
    value = total(config, model, batch)
    assert value.ndim == 0
    assert float(value) > 0
    labels[0] = -100
    assert 0 < size(config, model, batch) < float(value)


def test_a_masked_lm_may_answer_where_it_is_asked_alone(tokens):
    from hf_apt.models.fresh import new_model
    from hf_apt.models.shapes import ModelShape

    shape = ModelShape(hidden_size=16, num_heads=2, num_blocks=2, dropout=0.0)
    model = new_model(shape, tokens, seed=3).train()
    ids = torch.randint(5, 65, (3, 17), generator=torch.Generator().manual_seed(0))
    batch = {"input_ids": ids, "labels": torch.where(ids % 3 == 0, (ids * 7) % 65, -100)}
    values = [
        size(Smoothness(weight=1, preset="mtdnn", noise=0.1, dropout=each), model, batch)
        for each in ("independent", "off")
    ]
    assert values[0] > 0
    assert values[0] == pytest.approx(values[1], rel=1e-3)


# What is refused.


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"weight": -1.0}, "weight of smoothness is -1.0"),
        ({"preset": "other"}, "preset is 'other'"),
        ({"norm": "3"}, "norm is '3'"),
        ({"norm_level": "word"}, "norm_level is 'word'"),
        ({"dropout": "none"}, "dropout is 'none'"),
        ({"direction": "down"}, "direction is 'down'"),
        ({"radius": 0.0}, "radius must be .*0.0"),
        ({"num_steps": 0}, "num_steps must be .*0"),
        ({"noise": -1.0}, "noise must .*-1.0"),
        ({"noise": 0.0, "dropout": "off"}, "noise of smoothness is 0, where answers are alike"),
    ],
)
def test_settings_out_of_range_are_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        Smoothness(**{"weight": 1.0} | setting)


def test_models_that_it_is_not_for_are_refused_as_the_trainer_is_made(tmp_path):
    with pytest.raises(ValueError, match=r"1e-05 vanishes in word embeddings of bfloat16"):
        classifying(str(tmp_path), (Smoothness(weight=1),), model=classifier().bfloat16())
    model = classifier()
    model.config.is_encoder_decoder = True
    with pytest.raises(ValueError, match="an encoder with a decoder"):
        classifying(str(tmp_path), (Smoothness(weight=1),), model=model)
    classifying(str(tmp_path), (Smoothness(weight=0),), model=model)
