"""The penalty on texts of a task, in a Trainer: what it is by hand, its arms, and what it does."""

import itertools
import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_trainers import StopAt
from transformers import Trainer
from workers.objectives import NUM_STEPS, GradientsKept, logged, pretraining

from hf_apt.stats.rademacher.complexity import rademacher_complexity
from hf_apt.stats.rademacher.spread import effective_rank, mean_cosine
from hf_apt.training.objective import TrainingSetup
from hf_apt.training.objectives.rademacher import Rademacher
from hf_apt.training.representation.rademacher_term import complexity, norm_bound
from hf_apt.training.resume import last_checkpoint

NUM_TEXTS = 10


def all_signs(num: int) -> torch.Tensor:
    return torch.tensor(list(itertools.product((-1.0, 1.0), repeat=num)), dtype=torch.float64)


# The pure functions.


def test_known_values_with_every_choice_of_signs():
    rows = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], dtype=torch.float64)
    assert float(complexity(rows, all_signs(3))) == pytest.approx(0.5690355937, abs=1e-10)
    assert float(norm_bound(rows)) == pytest.approx(2 / 3)
    walks = [(1, 1.0), (2, 0.5), (4, 0.375), (8, 0.2734375), (16, 12870 / 65536)]
    for num, expected in walks:  # by the binomial coefficient of the middle
        alike = torch.tensor([[0.6, 0.8]], dtype=torch.float64).expand(num, 2)
        assert float(complexity(alike, all_signs(num))) == pytest.approx(expected, abs=1e-12)
    orthogonal = torch.eye(6, dtype=torch.float64)[:4]
    for signs in all_signs(4):
        assert float(complexity(orthogonal, signs[None])) == pytest.approx(0.5, abs=1e-12)


def test_it_is_what_the_statistics_say_and_so_are_the_bounds():
    rows = np.random.default_rng(0).normal(size=(7, 5))
    measured = rademacher_complexity(rows)
    tensor = torch.from_numpy(rows)
    assert float(complexity(tensor, all_signs(7))) == pytest.approx(measured.value, rel=1e-12)
    assert float(norm_bound(tensor)) == pytest.approx(measured.upper, rel=1e-12)
    root = math.sqrt(np.square(rows).sum(axis=1).mean() / 7)
    assert float(norm_bound(tensor)) == pytest.approx(root)


def test_a_choice_of_signs_is_what_the_best_linear_function_reaches():
    """The largest <v, sum_i s_i h_i>/n of unit weights v, by projected gradient ascent."""
    generator = np.random.default_rng(3)
    rows = generator.normal(size=(7, 3)) * [1.0, 4.0, 0.2] + [0.0, 1.0, 0.0]
    for signs in generator.choice([-1.0, 1.0], (5, 7)):
        slope = signs @ rows / len(rows)
        v = generator.normal(size=3)
        for _ in range(2000):
            v = v + 0.5 * slope
            v = v / max(np.linalg.norm(v), 1.0)
        value = complexity(torch.from_numpy(rows), torch.from_numpy(signs)[None])
        assert float(value) == pytest.approx(v @ slope, abs=1e-9)


def test_gradients_are_finite_everywhere():
    rows = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    rows.requires_grad_()
    signs = all_signs(4)[:5]
    assert torch.autograd.gradcheck(lambda each: complexity(each, signs), (rows,))
    assert torch.autograd.gradcheck(norm_bound, (rows,))
    for penalty in (lambda each: complexity(each, signs), norm_bound):
        zero = torch.zeros(4, 3, dtype=torch.float64, requires_grad=True)
        value = penalty(zero)
        value.backward()
        assert float(value.detach()) == 0.0
        assert zero.grad is not None
        assert torch.equal(zero.grad, torch.zeros(4, 3, dtype=torch.float64))


# In a Trainer.


@pytest.fixture(scope="module")
def given(tokens, tokenizer, documents, tmp_path_factory) -> dict[str, Any]:
    file = tmp_path_factory.mktemp("texts") / "texts.csv"
    file.write_text("\n".join(["text", *documents]))
    return {
        "tokens": str(Path(tokens.ids.filename).parent),
        "tokenizer": tokenizer,
        "texts": str(file),
    }


def trainer_of(given: dict, folder: Path, *, options: dict | None = None, **changed: Any) -> Any:
    asked = {"weight": 0.5, "texts": given["texts"], "num_texts": NUM_TEXTS} | changed
    objectives = (Rademacher(**asked),) if asked["weight"] is not None else ()
    return pretraining(
        str(folder), given["tokens"], objectives, tokenizer=given["tokenizer"], **options or {}
    )


def first_gradients(trainer: Trainer) -> dict[str, np.ndarray]:
    kept = GradientsKept()
    trainer.add_callback(kept)
    trainer.train()
    return kept.steps[0]


def features_by_hand(trainer: Any, given: dict, *, depth: int) -> torch.Tensor:
    """Means of the states that transformers shows of the texts of the first group."""
    model: Any = trainer.model
    (term,) = trainer._terms
    numbers = term.groups.numbers(0)
    lines = Path(given["texts"]).read_text().splitlines()[1:]
    texts = term.groups.texts
    assert len(texts) == len(lines)
    rows = []
    for number in numbers:
        ids = torch.tensor([texts.rows[number]])
        state = model(input_ids=ids, output_hidden_states=True).hidden_states[depth]
        rows.append(state[0].mean(dim=0))
    return torch.stack(rows)


@pytest.mark.parametrize("penalty", ["complexity", "norm"])
def test_the_first_step_adds_what_is_made_by_hand(penalty, given, tmp_path):
    plain = first_gradients(trainer_of(given, tmp_path / "plain", weight=None))
    trainer = trainer_of(
        given, tmp_path / "own", penalty=penalty, features="after_norm", depth=1, weight=2.0
    )
    model: Any = trainer.model
    rows = features_by_hand(trainer, given, depth=1)
    if penalty == "norm":
        expected = rows.square().sum(dim=1).mean().div(NUM_TEXTS).sqrt()
    else:
        signs = 1.0 - 2.0 * np.random.default_rng([5, 0]).integers(0, 2, (8, NUM_TEXTS))
        sums = [sum(s * row for s, row in zip(each, rows, strict=True)) for each in signs]
        expected = torch.stack([each.norm() for each in sums]).mean() / NUM_TEXTS
    (2.0 * expected).backward()
    slopes = {
        name: each.grad.clone().numpy()
        for name, each in model.named_parameters()
        if each.grad is not None
    }
    model.zero_grad()
    gradients = first_gradients(trainer)
    logs = logged(trainer)
    assert logs["1.rademacher"] == pytest.approx(float(expected.detach()), rel=1e-5)
    assert logs["1.rademacher_weighted"] == pytest.approx(2 * float(expected.detach()), rel=1e-5)
    array = rows.detach().double().numpy()
    length = math.sqrt(np.square(array).sum(axis=1).mean())
    assert logs["1.rademacher_length"] == pytest.approx(length, rel=1e-4)
    assert logs["1.rademacher_rank"] == pytest.approx(effective_rank(array), rel=1e-4)
    assert logs["1.rademacher_cosine"] == pytest.approx(mean_cosine(array), abs=1e-4)
    assert "1.rademacher_rank_weighted" not in logs
    assert max(np.abs(each).max() for each in slopes.values()) > 1e-2
    for name, gradient in gradients.items():
        added = slopes.get(name, np.zeros_like(gradient))
        np.testing.assert_allclose(gradient - plain[name], added, rtol=1e-3, atol=2e-5)


def test_other_texts_and_signs_are_read_in_every_step(given, tmp_path):
    trainer = trainer_of(given, tmp_path)
    trainer.train()
    logs = logged(trainer)
    assert len({logs[f"{step}.rademacher_rank"] for step in range(1, NUM_STEPS + 1)}) == NUM_STEPS


def test_the_passes_alone_change_nothing(given, tmp_path):
    """The arm of equal time is the plain training, to the bit."""
    plain = trainer_of(given, tmp_path / "plain", weight=None)
    passes = trainer_of(given, tmp_path / "passes", penalty="none", weight=3.0)
    seen: list[int] = []
    for trainer in (plain, passes):
        model: Any = trainer.model
        model.register_forward_pre_hook(lambda *_: seen.append(1))
        trainer.train()
        seen.append(0)
    first, second = seen[: seen.index(0)], seen[seen.index(0) + 1 :]
    assert sum(second) == sum(first) + NUM_STEPS
    for name, weight in plain.model.state_dict().items():
        assert torch.equal(passes.model.state_dict()[name], weight), name
    assert logged(passes)["1.rademacher"] == 0.0
    assert logged(passes)["1.rademacher_rank"] > 1


def test_under_a_normalisation_it_rewards_features_that_are_alike(given, tmp_path):
    """Lengths are nearly fixed there: what falls is the number of directions."""
    options = {"num_steps": 30}
    ranks = {}
    for penalty in ("none", "complexity"):
        trainer = trainer_of(
            given,
            tmp_path / penalty,
            options=options,
            penalty=penalty,
            features="after_norm",
            pooling="cls",
            weight=30.0,
        )
        trainer.train()
        logs = logged(trainer)
        ranks[penalty] = logs["30.rademacher_rank"], logs["30.rademacher_cosine"]
        ratio = logs["30.rademacher_length"] / logs["1.rademacher_length"]
        assert 0.7 < ratio < 1.4
    assert ranks["complexity"][0] - 1 < 0.5 * (ranks["none"][0] - 1)
    assert ranks["complexity"][1] > ranks["none"][1]


def test_an_interrupted_training_goes_on_to_the_bit(given, tmp_path):
    def made(name: str) -> Any:
        options = {"dropout": 0.2, "save_every": 2, "num_steps": 5}
        return trainer_of(given, tmp_path / name, options=options)

    expected = made("whole")
    expected.train()
    interrupted = made("cut")
    interrupted.add_callback(StopAt(2))
    interrupted.train()
    resumed = made("cut")
    resumed.train(resume_from_checkpoint=str(last_checkpoint(tmp_path / "cut")))
    assert logged(resumed) == logged(expected)
    for name, weight in expected.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], weight), name


def test_bfloat16_gives_what_float32_gives_but_for_its_rounding(given, tmp_path):
    logs = []
    for precision in ("fp32", "bf16"):
        trainer = trainer_of(
            given, tmp_path / precision, options={"precision": precision, "num_steps": 1}
        )
        trainer.train()
        logs.append(logged(trainer)["1.rademacher"])
    assert logs[0] == pytest.approx(logs[1], rel=0.02)
    assert logs[0] != logs[1]


def test_its_settings_are_in_its_json():
    content = json.loads(json.dumps(asdict(Rademacher(weight=0.5, texts="task:planted"))))
    assert content["name"] == "rademacher"
    assert (content["texts"], content["penalty"]) == ("task:planted", "complexity")


def test_what_is_refused(given, tmp_path, tokenizer):
    with pytest.raises(ValueError, match="penalty is 'rank': choose one of complexity, norm, none"):
        Rademacher(weight=1, texts="a", penalty="rank")  # type: ignore
    with pytest.raises(ValueError, match="num_texts must be a whole number of at least 2, got 1"):
        Rademacher(weight=1, texts="a", num_texts=1)
    with pytest.raises(ValueError, match="there are 101 texts, fewer than the 200"):
        trainer_of(given, tmp_path, num_texts=200)
    with pytest.raises(ValueError, match="the model has the depths 0 to 2, not 9"):
        trainer_of(given, tmp_path, depth=9)
    with pytest.raises(ValueError, match="the Trainer has no tokenizer"):
        trainer_of({**given, "tokenizer": None}, tmp_path)
    step: Any = None
    with pytest.raises(ValueError, match="rademacher has no texts outside of a training"):
        Rademacher(weight=1, texts="a")(step)
    trainer = trainer_of(given, tmp_path, weight=None)
    trainer.args.fsdp = True
    setup = TrainingSetup(model=trainer.model, args=trainer.args, tokenizer=tokenizer)
    with pytest.raises(ValueError, match="rademacher needs all weights in every process"):
        Rademacher(weight=1, texts=given["texts"]).in_training(setup)
