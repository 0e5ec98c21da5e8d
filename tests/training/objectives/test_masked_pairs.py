"""Pairs of masked words in a Trainer: by hand, interrupted, rounded, refused, and what is left."""

import json
from copy import deepcopy
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from small_trainers import StopAt
from transformers import Trainer, TrainerCallback
from workers.objectives import GradientsKept, classifying, logged, pretraining

from hf_apt.depths.trunk import Trunk
from hf_apt.training.objective import Step
from hf_apt.training.objectives.masked_pairs import MaskedPairs
from hf_apt.training.objectives.r_drop import RDrop
from hf_apt.training.pairs.drawn_pairs import drawn_pairs
from hf_apt.training.pairs.head_file import read_pair_head
from hf_apt.training.pairs.masked_pairs_term import NAME, MaskedPairsTerm
from hf_apt.training.resume import last_checkpoint


@pytest.fixture
def given(tokens, tokenizer) -> dict[str, Any]:
    return {"tokens": str(Path(tokens.ids.filename).parent), "tokenizer": tokenizer}


def trainer_of(given: dict, folder: Path, *, options: dict | None = None, **changed: Any) -> Any:
    asked = {"weight": 0.5, "num_words": 12, "rank": 4, "num_pairs": 3} | changed
    objectives = (MaskedPairs(**asked),) if asked["weight"] is not None else ()
    return pretraining(
        str(folder), given["tokens"], objectives, tokenizer=given["tokenizer"], **options or {}
    )


def term_of(trainer: Any) -> MaskedPairsTerm:
    (term,) = [each for each in trainer._terms if isinstance(each, MaskedPairsTerm)]
    return term


def first_gradients(trainer: Trainer) -> dict[str, np.ndarray]:
    kept = GradientsKept()
    trainer.add_callback(kept)
    trainer.train()
    return kept.steps[0]


def test_the_first_step_adds_what_is_made_by_hand(given, tmp_path):
    options = {"num_steps": 1}
    plain = first_gradients(trainer_of(given, tmp_path / "p", weight=None, options=options))
    trainer = trainer_of(given, tmp_path / "own", weight=2.0, options=options)
    model, term = trainer.model, term_of(trainer)
    batch = next(iter(trainer.get_train_dataloader()))
    asked = (batch["labels"] != -100).numpy()
    pairs = drawn_pairs(asked, num_pairs=3, max_distance=8, seed=5 << 31)
    words = term.word_ids_K.tolist()
    assert len(words) == 12
    states = model(
        input_ids=batch["input_ids"],
        attention_mask=batch["attention_mask"],
        output_hidden_states=True,
    ).hidden_states[-1]
    losses = []
    for row, first, distance in zip(pairs.rows_N, pairs.firsts_N, pairs.distances_N, strict=True):
        both = [first, first + distance]
        law = term.head(*states[row, both][:, None], torch.tensor([distance]))[0]
        true = [int(batch["labels"][row, at]) for at in both]
        at = [words.index(each) if each in words else 12 for each in true]
        losses.append(-law[at[0], at[1]])
    assert len(losses) > 8
    expected = torch.stack(losses).mean()
    (2.0 * expected).backward()
    slopes = {
        name: each.grad.clone().numpy()
        for name, each in model.named_parameters()
        if each.grad is not None
    }
    model.zero_grad()
    gradients = first_gradients(trainer)
    logs = logged(trainer)
    assert logs["1.masked_pairs"] == pytest.approx(float(expected.detach()), rel=1e-4)
    assert logs["1.masked_pairs_gap"] == pytest.approx(0.0, abs=1e-5)
    assert max(np.abs(each).max() for each in slopes.values()) > 1e-3
    for name, gradient in gradients.items():
        added = slopes.get(name, np.zeros_like(gradient))
        np.testing.assert_allclose(gradient - plain[name], added, rtol=1e-3, atol=5e-5)


def heads(trainer: Any) -> dict[str, torch.Tensor]:
    return {name: each.clone() for name, each in term_of(trainer).head.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor], **close: float) -> None:
    for name, weight in one.items():
        torch.testing.assert_close(weight, other[name], **close or {"rtol": 0, "atol": 0})


def test_the_head_of_a_divided_step_is_that_of_the_whole(given, tmp_path):
    one = trainer_of(given, tmp_path / "one")
    one.train()
    two = trainer_of(given, tmp_path / "two", options={"accumulation_steps": 2})
    two.train()
    for name in ("3.masked_pairs", "3.masked_pairs_gap"):
        assert logged(one)[name] == pytest.approx(logged(two)[name], rel=1e-4)
    same(heads(one), heads(two), rtol=1e-3, atol=1e-4)
    fresh = term_of(one)._fresh().state_dict()
    assert all(not torch.equal(each, fresh[name]) for name, each in heads(one).items())


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
    checkpoint = last_checkpoint(tmp_path / "cut")
    resumed.train(resume_from_checkpoint=str(checkpoint))
    assert logged(resumed) == logged(expected)
    same(heads(resumed), heads(expected))
    same(resumed.model.state_dict(), expected.model.state_dict())
    left = read_pair_head(tmp_path / "cut")
    same(left.head.state_dict(), heads(expected))
    assert left.word_ids_K.tolist() == term_of(expected).word_ids_K.tolist()
    assert not any("head" in name for name in expected.model.state_dict())
    other = trainer_of(given, tmp_path / "cut", num_words=5, options={"num_steps": 5})
    with pytest.raises(ValueError, match="holds a head over other words than the 5 most frequent"):
        other.train(resume_from_checkpoint=str(last_checkpoint(tmp_path / "cut")))
    checkpoint = last_checkpoint(tmp_path / "cut")
    assert checkpoint is not None
    (checkpoint / NAME).unlink()
    with pytest.raises(ValueError, match="is missing, which holds the head over pairs: go on fr"):
        made("cut").train(resume_from_checkpoint=str(last_checkpoint(tmp_path / "cut")))


class AtRest(TrainerCallback):
    """Takes the learning rate of every step away."""

    def on_step_begin(self, args: Any, state: Any, control: Any, **event: Any) -> None:
        for group in event["optimizer"].param_groups:
            group["lr"] = 0.0


def test_a_second_training_begins_afresh_and_learns_at_the_trainers_rate(given, tmp_path):
    trainer = trainer_of(given, tmp_path, options={"num_steps": 1})
    fresh = heads(trainer)
    trainer.train()
    assert any(not torch.equal(each, fresh[name]) for name, each in heads(trainer).items())
    trainer.add_callback(AtRest())
    trainer.train()
    same(heads(trainer), fresh)
    assert logged(trainer)["1.masked_pairs"] > 0


def test_the_head_is_stepped_as_an_adamw_with_clipped_gradients_does(given, tmp_path):
    trainer = trainer_of(given, tmp_path)
    term, args = term_of(trainer), trainer.args
    args.weight_decay, args.max_grad_norm = 0.3, 1.0
    term._optimizer = term._adamw()
    own = deepcopy(term.head)
    groups = [
        {"params": [each for each in own.parameters() if each.dim() > 1], "weight_decay": 0.3},
        {"params": [each for each in own.parameters() if each.dim() == 1], "weight_decay": 0.0},
    ]
    adamw = torch.optim.AdamW(groups, betas=(args.adam_beta1, args.adam_beta2))
    for scale, rate in ((5.0, 0.1), (1e-3, 0.02)):  # the first is clipped
        for weight, other in zip(term.head.parameters(), own.parameters(), strict=True):
            weight.grad = scale * torch.sin(torch.arange(weight.numel())).view_as(weight)
            other.grad = weight.grad.clone()
        norm = torch.cat([each.grad.flatten() for each in own.parameters()]).norm()
        for other in own.parameters():
            other.grad *= min(1.0, 1.0 / float(norm))
        for group in adamw.param_groups:
            group["lr"] = rate
        adamw.step()
        trainers = SimpleNamespace(param_groups=[{"lr": rate}])
        state: Any = trainer.state
        term.on_pre_optimizer_step(args, state, trainer.control, optimizer=trainers)
    same(term.head.state_dict(), own.state_dict(), rtol=1e-4, atol=1e-6)


def test_passes_of_others_are_not_kept(given, tmp_path):
    trainer = trainer_of(given, tmp_path, options={"num_steps": 1})
    term, model = term_of(trainer), trainer.model
    batch = next(iter(trainer.get_train_dataloader()))
    model.eval()(**batch)
    assert not term.states._caught
    model.train()(**batch)
    assert len(term.states._caught) == 1
    other = trainer_of(given, tmp_path / "other").model.train()
    state: Any = trainer.state
    term.on_train_begin(trainer.args, state, trainer.control, model=other)
    model(**batch)
    assert not term.states._caught
    other(**batch)
    assert len(term.states._caught) == 1
    trainer.train()  # listens to the first model again
    model.train()(**batch)
    other(**batch)
    assert not term.states._caught


def test_states_are_those_of_its_own_pass_beside_an_objective_with_more(given, tmp_path):
    """R-Drop passes the batch twice: with dropout the states of the other pass are others."""
    alone = trainer_of(given, tmp_path / "alone", options={"dropout": 0.3, "num_steps": 1})
    alone.train()
    both = pretraining(
        str(tmp_path / "both"),
        given["tokens"],
        (RDrop(weight=1.0), term_of(alone).config),
        tokenizer=given["tokenizer"],
        dropout=0.3,
        num_steps=1,
    )
    both.train()
    assert logged(both)["1.masked_pairs"] == logged(alone)["1.masked_pairs"]


def test_a_batch_that_is_passed_again_adds_no_gradient_to_the_head(given, tmp_path):
    trainer = trainer_of(given, tmp_path)
    term, model = term_of(trainer), trainer.model.train()
    batch = next(iter(trainer.get_train_dataloader()))
    for is_again in (True, False):
        term(step_of(batch, model(**batch), model, is_again))[0].total.backward()
        assert (term.head.first_scores.grad is None) == is_again
    outputs = model(**batch)
    outputs.logits = outputs.logits + 1
    with pytest.raises(ValueError, match="logits are not those that Bert6ForMaskedLM has just"):
        term(step_of(batch, outputs, model))


def test_passes_that_nobody_asks_for_are_forgotten(given, tmp_path):
    trainer = trainer_of(given, tmp_path)
    term, model = term_of(trainer), trainer.model.train()
    batch = next(iter(trainer.get_train_dataloader()))
    for _ in range(12):
        model(**batch)
    assert len(term.states._caught) == 8


def test_without_a_tokenizer_special_tokens_are_not_known(given, tmp_path):
    with pytest.raises(ValueError, match="no tokenizer that knows these"):
        pretraining(str(tmp_path), given["tokens"], (MaskedPairs(weight=1.0),), tokenizer=None)


def test_a_weight_of_a_text_is_that_of_its_pairs(given, tmp_path):
    trainer = trainer_of(given, tmp_path)
    term, model = term_of(trainer), trainer.model.train()
    batch = next(iter(trainer.get_train_dataloader()))

    def total(weights: torch.Tensor | None) -> float:
        step = replace(step_of(batch, model(**batch), model), weights=weights)
        return float(term(step)[0].total.detach())

    texts = torch.eye(len(batch["labels"]))
    of_texts = [total(one) for one in texts]
    assert total(None) == pytest.approx(sum(of_texts), rel=1e-5)
    assert min(of_texts) >= 0 < max(of_texts)
    weights = torch.arange(1.0, len(texts) + 1)
    expected = sum(float(w) * own for w, own in zip(weights, of_texts, strict=True))
    assert total(weights) == pytest.approx(expected, rel=1e-5)
    of_labels = weights[:, None].expand_as(batch["labels"])
    assert total(of_labels) == pytest.approx(expected, rel=1e-5)


def step_of(batch: dict, outputs: Any, model: Any, is_again: bool = False) -> Step:
    return Step(
        model=model,
        inputs=batch,
        outputs=outputs,
        loss=outputs.loss,
        num_items=torch.tensor(9),
        loss_and_outputs=lambda inputs: (outputs.loss, outputs),
        is_again=is_again,
    )


@pytest.mark.slow
def test_bfloat16_gives_what_float32_gives_but_for_its_rounding(given, tmp_path):
    logs = []
    for precision in ("fp32", "bf16"):
        options = {"precision": precision, "num_steps": 1}
        trainer = trainer_of(given, tmp_path / precision, options=options)
        trainer.train()
        logs.append(logged(trainer)["1.masked_pairs"])
    assert logs[0] == pytest.approx(logs[1], rel=0.02)
    assert logs[0] != logs[1]


def test_states_at_asked_positions_alone_are_those_of_all(given, tmp_path):
    """`Bert6ForMaskedLM` leaves others out in training; a depth pass reads all."""
    trainer = trainer_of(given, tmp_path)
    term, model = term_of(trainer), trainer.model.train()
    batch = next(iter(trainer.get_train_dataloader()))
    rows = term.states.of(model(**batch), batch).detach()
    asked = batch["labels"] != -100
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    term.states.remove()
    expected = Trunk(model.eval()).at(inputs, asked)[-1]
    torch.testing.assert_close(rows[asked.flatten()], expected)
    assert (rows[~asked.flatten()] == 0).all()


def test_its_settings_are_in_its_json():
    content = json.loads(json.dumps(asdict(MaskedPairs(weight=0.5))))
    assert (content["name"], content["num_words"]) == ("masked_pairs", 128)


def test_what_is_refused(given, tmp_path):
    with pytest.raises(
        ValueError, match=r"num_words of masked_pairs is 1000, .* takes 4\.0 MB, .* at most 512"
    ):
        MaskedPairs(weight=1, num_words=1000)
    for name in ("num_pairs", "max_distance", "num_words", "rank"):
        with pytest.raises(ValueError, match=f"{name} must be"):
            MaskedPairs(weight=1, **{name: 0})
    step: Any = None
    with pytest.raises(ValueError, match="masked_pairs has no head outside of a training"):
        MaskedPairs(weight=1)(step)
    ids, pairs = torch.ones(2, 4, dtype=torch.long), MaskedPairs(weight=1)
    with pytest.raises(ValueError, match="no labels of the shape of its input_ids"):
        pairs.count({"input_ids": ids, "labels": ids[:, 0]})
    with pytest.raises(ValueError, match="asks for next tokens, of which none is masked"):
        pairs.count({"input_ids": ids, "labels": ids, "attention_mask": ids[:, None, None]})
    assert pairs.count({"input_ids": ids, "labels": ids}) == 12
    with pytest.raises(ValueError, match="masked_pairs does not go with torch_compile: leave out"):
        trainer_of(given, tmp_path, options={"compile": True})
    with pytest.raises(ValueError, match=r"training data, a list, have no rows"):
        classifying(str(tmp_path), (pairs,), rows=[{"labels": 1}])
