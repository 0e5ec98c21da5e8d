"""The contrast of tokens in a Trainer: what it is by hand, its arms, and what it does."""

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
from workers.objectives import GradientsKept, classifying, logged, pretraining

from hf_apt.training.objective import Step, TrainingSetup
from hf_apt.training.objectives.token_contrast import TokenContrast
from hf_apt.training.representation.aligned_tokens import aligned_token_infonce
from hf_apt.training.representation.token_contrast_term import TokenContrastTerm
from hf_apt.training.resume import last_checkpoint

QUIET = pytest.mark.filterwarnings("ignore:token_contrast compares two draws")


@pytest.fixture
def given(tokens, tokenizer) -> dict[str, Any]:
    return {"tokens": str(Path(tokens.ids.filename).parent), "tokenizer": tokenizer}


def trainer_of(given: dict, folder: Path, *, options: dict | None = None, **changed: Any) -> Any:
    asked = {"weight": 0.5, "group_size": 4} | changed
    objectives = (TokenContrast(**asked),) if asked["weight"] is not None else ()
    return pretraining(
        str(folder), given["tokens"], objectives, tokenizer=given["tokenizer"], **options or {}
    )


def first_gradients(trainer: Trainer) -> dict[str, np.ndarray]:
    kept = GradientsKept()
    trainer.add_callback(kept)
    trainer.train()
    return kept.steps[0]


def first_batch(trainer: Trainer) -> dict[str, torch.Tensor]:
    return next(iter(trainer.get_train_dataloader()))


def windows_by_hand(trainer: Trainer, batch: dict, depth: int) -> list[list[tuple[Any, Any, int]]]:
    """For each text the states of its matched tokens in both views, and their types.

    Each window is a text of its own, at the positions that it has in the whole one.
    """
    model: Any = trainer.model
    rows = []
    for number in range(len(batch["input_ids"])):
        present = batch["attention_mask"][number].bool()
        ids = batch["input_ids"][number][present]
        labels = batch["labels"][number][present]
        true = torch.where(labels == -100, ids, labels)
        width, length = math.ceil(0.75 * len(ids)), len(ids)
        places = [torch.arange(width), torch.arange(length - width, length)]
        states = [
            dict(
                zip(
                    at.tolist(),
                    model(
                        input_ids=ids[at][None], position_ids=at[None], output_hidden_states=True
                    ).hidden_states[depth][0],
                    strict=True,
                )
            )
            for at in places
        ]
        rows.append(
            [
                (states[0][at], states[1][at], int(true[at]))
                for at in states[0]
                if at in states[1] and int(true[at]) > 4
            ]
        )
    return rows


@pytest.mark.parametrize("mask_same_type", [False, True])
def test_the_first_step_adds_what_is_made_by_hand(mask_same_type, given, tmp_path):
    plain = first_gradients(trainer_of(given, tmp_path / "plain", weight=None))
    trainer = trainer_of(
        given, tmp_path / "own", weight=2.0, depth=1, mask_same_type=mask_same_type, temperature=0.2
    )
    model: Any = trainer.model
    batch = first_batch(trainer)
    tokens = windows_by_hand(trainer, batch, depth=1)
    losses = []
    for start in (0, 4):
        group = [each for row in tokens[start : start + 4] for each in row]
        first, second = (torch.stack([each[side] for each in group]) for side in (0, 1))
        types = torch.tensor([each[2] for each in group]) if mask_same_type else None
        losses.append(aligned_token_infonce(first, second, 0.2, types)[0])
    expected = (losses[0] + losses[1]) / 2
    (2.0 * expected).backward()
    slopes = {
        name: each.grad.clone().numpy()
        for name, each in model.named_parameters()
        if each.grad is not None
    }
    model.zero_grad()
    gradients = first_gradients(trainer)
    logs = logged(trainer)
    assert logs["1.token_contrast"] == pytest.approx(float(expected.detach()), rel=1e-4)
    assert logs["1.token_contrast_weighted"] == pytest.approx(
        2 * float(expected.detach()), rel=1e-4
    )
    assert 0 < logs["1.token_contrast_found"] <= 1
    assert max(np.abs(each).max() for each in slopes.values()) > 1e-2
    for name, gradient in gradients.items():
        added = slopes.get(name, np.zeros_like(gradient))
        np.testing.assert_allclose(gradient - plain[name], added, rtol=1e-3, atol=5e-5)


def step_of(batch: dict, model: Any, seed: int = 0) -> Step:
    outputs = model(**batch)
    num_items = torch.tensor(-(-len(batch["input_ids"]) // 4))
    return Step(
        model=model,
        inputs=batch,
        outputs=outputs,
        loss=outputs.loss,
        num_items=num_items,
        loss_and_outputs=lambda inputs: (outputs.loss, outputs),
        seed=seed,
    )


def term_of(trainer: Trainer, **asked: Any) -> TokenContrastTerm:
    config = TokenContrast(**({"weight": 1.0, "group_size": 4} | asked))
    setup = TrainingSetup(
        model=trainer.model, args=trainer.args, tokenizer=trainer.processing_class
    )
    term = config.in_training(setup)
    assert isinstance(term, TokenContrastTerm)
    return term


def test_no_other_token_is_taken_for_cls_where_a_window_begins(given, tmp_path):
    paths = {"cls_norms": [1, 2], "cls_projections": [2]}
    trainer = trainer_of(given, tmp_path, options={"shape": paths})
    model: Any = trainer.model
    generator = torch.Generator().manual_seed(0)
    for name, weight in model.named_parameters():
        if "cls_" in name:
            weight.data += 0.3 * torch.randn(weight.shape, generator=generator)
    batch = first_batch(trainer)
    tokens = windows_by_hand(trainer, batch, depth=2)
    expected = 0.0
    for start in (0, 4):
        group = [each for row in tokens[start : start + 4] for each in row]
        first, second = (torch.stack([each[side] for each in group]) for side in (0, 1))
        expected += float(aligned_token_infonce(first, second, 0.07)[0].detach())
    loss, _ = term_of(trainer, depth=2)(step_of(batch, model))
    assert float(loss.total.detach()) == pytest.approx(expected, rel=1e-4)


@QUIET
def test_without_dropout_every_token_finds_itself(given, tmp_path):
    trainer = trainer_of(given, tmp_path)
    step = step_of(first_batch(trainer), trainer.model)
    loss, found = term_of(trainer, views="dropout", mask_same_type=True)(step)
    assert float(found.total) == 2.0, "of two groups"
    assert float(loss.total.detach()) > 0


def test_many_tokens_are_drawn_from_anew_in_every_step(given, tmp_path):
    trainer = trainer_of(given, tmp_path)
    batch = first_batch(trainer)
    few = term_of(trainer, num_tokens=6)
    values = [
        float(few(step_of(batch, trainer.model, seed))[0].total.detach()) for seed in (1, 2, 1)
    ]
    assert values[0] == values[2]
    assert values[0] != values[1]
    # At a high temperature all are nearly alike, and six cost about log 6.
    hot = term_of(trainer, num_tokens=6, temperature=100.0)
    total = float(hot(step_of(batch, trainer.model))[0].total.detach())
    assert total / 2 == pytest.approx(math.log(6), abs=0.02)


@QUIET
def test_special_tokens_and_padding_are_left_out(given, tmp_path):
    """At a very high temperature a group of N tokens costs log N, which counts them."""
    trainer = trainer_of(given, tmp_path)
    batch = first_batch(trainer)
    term = term_of(trainer, views="dropout", temperature=1e5, num_tokens=10_000)
    total = float(term(step_of(batch, trainer.model))[0].total.detach())
    true = torch.where(batch["labels"] == -100, batch["input_ids"], batch["labels"])
    counts = (batch["attention_mask"].bool() & (true > 4)).sum(dim=1).reshape(2, 4).sum(dim=1)
    assert total == pytest.approx(float(counts.float().log().sum()), abs=1e-3)
    assert (batch["input_ids"] == 4).any(), "masked tokens are told apart by what they stand for"


def test_the_arm_of_sentences_tells_means_of_texts_apart(given, tmp_path):
    trainer = trainer_of(given, tmp_path)
    batch = first_batch(trainer)
    term = term_of(trainer, level="sentence", views="windows", temperature=0.5, depth=2)
    loss = term(step_of(batch, trainer.model))[0]
    model: Any = trainer.model
    pairs = []
    for ids, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True):
        ids = ids[mask.bool()]
        width = math.ceil(0.75 * len(ids))
        both = []
        for at in (torch.arange(width), torch.arange(len(ids) - width, len(ids))):
            shown = model(input_ids=ids[at][None], position_ids=at[None], output_hidden_states=True)
            both.append(shown.hidden_states[2][0].mean(dim=0))
        pairs.append(both)
    expected = sum(
        aligned_token_infonce(
            torch.stack([each[0] for each in pairs[start : start + 4]]),
            torch.stack([each[1] for each in pairs[start : start + 4]]),
            0.5,
        )[0]
        for start in (0, 4)
    )
    assert float(loss.total.detach()) == pytest.approx(
        float(torch.as_tensor(expected).detach()), rel=1e-4
    )


def test_tokens_come_to_find_their_match(given, tmp_path):
    trainer = trainer_of(given, tmp_path, options={"num_steps": 40}, weight=2.0, temperature=0.2)
    trainer.train()
    logs = logged(trainer)
    assert logs["40.token_contrast_found"] > logs["1.token_contrast_found"] + 0.1
    assert logs["40.token_contrast"] < logs["1.token_contrast"]


def test_an_interrupted_training_goes_on_to_the_bit(given, tmp_path):
    def made(name: str) -> Any:
        options = {"dropout": 0.2, "save_every": 2, "num_steps": 5}
        return trainer_of(given, tmp_path / name, options=options, views="dropout", num_tokens=8)

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
        options = {"precision": precision, "num_steps": 1}
        trainer = trainer_of(given, tmp_path / precision, options=options)
        trainer.train()
        logs.append(logged(trainer)["1.token_contrast"])
    assert logs[0] == pytest.approx(logs[1], rel=0.05)
    assert logs[0] != logs[1]


def test_it_goes_with_a_classifier(tokenizer, tmp_path):
    """Labels of texts are no types of tokens."""
    trainer: Any = classifying(str(tmp_path), (), max_steps=1)
    trainer.processing_class = tokenizer
    batch = first_batch(trainer)
    loss, _ = term_of(trainer)(step_of(batch, trainer.model.train()))
    assert float(loss.total.detach()) > 0


def test_its_settings_are_in_its_json():
    content = json.loads(json.dumps(asdict(TokenContrast(weight=0.5))))
    assert (content["name"], content["views"]) == ("token_contrast", "windows")


def test_what_is_refused_or_warned_of(given, tmp_path, tokenizer):
    with pytest.raises(ValueError, match="views is 'noise': choose one of windows, dropout"):
        TokenContrast(weight=1, views="noise")  # type: ignore
    with pytest.raises(
        ValueError, match="window_share of token_contrast is 0.5: give a number abo"
    ):
        TokenContrast(weight=1, window_share=0.5)
    with pytest.raises(ValueError, match="group_size of token_contrast is 1, where a text is told"):
        TokenContrast(weight=1, level="sentence", group_size=1)
    with pytest.raises(
        ValueError, match="tokens of 3 texts, and a batch of one .* holds 8: choose"
    ):
        trainer_of(given, tmp_path, group_size=3)
    with pytest.raises(ValueError, match="holds 2: choose a group_size that divides it"):
        trainer_of(given, tmp_path, options={"accumulation_steps": 4})
    with pytest.raises(ValueError, match="the Trainer has no tokenizer that tells"):
        trainer_of({**given, "tokenizer": None}, tmp_path)
    with pytest.warns(UserWarning, match="Bert6ForMaskedLM has none: every token matches itself"):
        trainer_of(given, tmp_path, views="dropout")
    step: Any = None
    with pytest.raises(ValueError, match="token_contrast knows no special tokens outside"):
        TokenContrast(weight=1)(step)
    with pytest.raises(ValueError, match="the batch has no input_ids of shape"):
        TokenContrast(weight=1).count({"labels": torch.ones(2)})
    assert TokenContrast(weight=1, group_size=4).count({"input_ids": torch.ones(9, 3)}) == 3
    ids = torch.ones(9, 3, dtype=torch.long)
    with pytest.raises(ValueError, match="asks for next tokens, of which no view can be cut out"):
        TokenContrast(weight=1).count({"input_ids": ids, "attention_mask": ids[:, None, None]})
