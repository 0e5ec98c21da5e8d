"""Heads trained for every depth inside somebody else's training, held against slow loops."""

import json
import logging
from typing import Any

import numpy as np
import oracles
import pytest
import torch
from small_trainers import (
    CAUSAL,
    NUM_DEPTHS,
    VOCAB,
    made,
    premasked,
    rows,
    scalars,
    stacked,
    trainer_of,
)
from torch import nn
from torch.utils.data import IterableDataset

from hf_apt.data.training_draws import RepeatedDraws, TrainingDraws
from hf_apt.depths.asked_labels import labels_asked
from hf_apt.depths.collated_batches import LabelledBatches, ServedBatches
from hf_apt.depths.head_config import HeadConfig
from hf_apt.depths.trunk import Trunk
from hf_apt.training.head_training import train_heads as trained_by_a_trainer
from trainer_callbacks import AptCallback, AptLiveView, AptPlotCallback, depth_heads
from trainer_callbacks.head_training import train_heads, training_batches

SHORT = HeadConfig(num_steps=12, batch_size=4, learning_rate=2e-2, seed=4)
KINDS = ("linear_head", "mlm_head")


def final(family: str, model: Any, depth: int, state: torch.Tensor) -> torch.Tensor:
    """What a head is shown: a pre-norm model's inner states have not passed its last norm yet."""
    return model.transformer.ln_f(state) if family == "gpt2" and depth < NUM_DEPTHS - 1 else state


def asked(family: str, model: Any, held: list[dict[str, Any]], depth: int) -> tuple[Any, Any]:
    """The hidden states (N, H) and labels (N,) of some rows at one depth, place by place."""
    batch = stacked(held)
    with torch.no_grad():
        states = model(input_ids=batch["input_ids"], output_hidden_states=True).hidden_states
        state = final(family, model, depth, states[depth])
    shown, labels = [], []
    for row, row_labels in enumerate(batch["labels"].tolist()):
        for place, label in enumerate(row_labels):
            if label == -100 or (family in CAUSAL and place == 0):
                continue
            shown.append(state[row, place - 1 if family in CAUSAL else place])
            labels.append(label)
    return torch.stack(shown), torch.tensor(labels)


def slow_head(kind: str, family: str, model: Any, train: list[Any], depth: int) -> nn.Module:
    """The head of one depth alone, in torch's own parts."""
    torch.manual_seed(SHORT.seed)
    decoders = [nn.Linear(16, VOCAB) for _ in range(NUM_DEPTHS)]  # the order in which they begin
    transforms = [nn.Identity() for _ in range(NUM_DEPTHS)]
    if kind == "mlm_head":
        transforms = [
            nn.Sequential(nn.Linear(16, 16), nn.GELU(), nn.LayerNorm(16)) for _ in range(NUM_DEPTHS)
        ]
    head = nn.Sequential(transforms[depth], decoders[depth])
    decoders[depth].weight.data = model.get_output_embeddings().weight.detach().clone()
    decoders[depth].bias.data.zero_()
    optimizer = torch.optim.AdamW(head.parameters(), lr=1.0, weight_decay=0.0)
    order = [
        int(row)
        for epoch in range(9)
        for row in np.random.default_rng([SHORT.seed, epoch]).permutation(len(train))
    ]
    for step in range(12):  # one step of warm-up from 0, then down to 0
        optimizer.param_groups[0]["lr"] = 2e-2 * (0 if step == 0 else (12 - step) / 11)
        held = [train[row] for row in order[4 * step : 4 * step + 4]]
        shown, labels = asked(family, model, held, depth)
        optimizer.zero_grad()
        nn.functional.cross_entropy(head(shown), labels).backward()
        optimizer.step()
    return head


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_heads_at_the_end_answer_as_heads_of_a_slow_loop(family, tokenizer, tmp_path):
    train, held = premasked(10, seed=1), premasked(9, seed=2)
    trainer = trainer_of(
        tmp_path,
        tokenizer,
        family,
        train_dataset=train,
        eval_dataset=held,
        data_collator=stacked,
        callbacks=[AptCallback(heads="both", head_config=SHORT, detail="all")],
    )
    trainer.train()
    model = trainer.model.eval()
    for kind in KINDS:
        with np.load(tmp_path / "apt" / f"eval_{kind}-step-00000006.npz") as arrays:
            hits, support = arrays["hits"], arrays["support"]
        content = json.loads((tmp_path / "apt" / f"eval_{kind}-step-00000006.json").read_text())
        for depth in range(NUM_DEPTHS):
            head = slow_head(kind, family, model, train, depth)
            table: oracles.Table = {}
            shown, labels = asked(family, model, held, depth)
            for label, answer in zip(labels.tolist(), head(shown).argmax(-1).tolist(), strict=True):
                table[label, answer] = table.get((label, answer), 0) + 1
            assert hits[depth].tolist() == oracles.hits(table, VOCAB)
            assert support.tolist() == oracles.support(table, VOCAB)
            mean = oracles.mean_apt(table, VOCAB)
            name = f"eval_{kind}_mean_apt_depth_{depth}"
            assert scalars(trainer, name) == {6: pytest.approx(mean)}
            assert content["depths"][depth]["pooled"]["mean_apt"]["value"] == pytest.approx(mean)
    accuracy = "next_token_accuracy" if family in CAUSAL else "masked_accuracy"
    assert set(scalars(trainer, f"eval_linear_head_{accuracy}")) == {6}
    assert set(scalars(trainer, "eval_mean_apt")) == {2, 4, 6}


def test_a_causal_model_whose_own_head_shows_nothing_of_inner_blocks(tokenizer, tmp_path):
    """In a circle of twelve tokens the next one is known from the present one: from any depth."""
    circle = [
        {"input_ids": ids, "labels": ids}
        for start in range(12)
        for ids in [[5 + (start + place) % 12 for place in range(8)]]
    ]
    trainer = trainer_of(
        tmp_path,
        tokenizer,
        "gpt2",
        train_dataset=circle,
        eval_dataset=circle,
        data_collator=stacked,
        max_steps=1,
        learning_rate=1e-9,
        eval_steps=1,
        callbacks=[
            AptCallback(
                heads="linear",
                head_config=HeadConfig(num_steps=100, batch_size=12, learning_rate=5e-2),
                detail="all",
            )
        ],
    )
    trainer.train()
    for depth in range(NUM_DEPTHS):
        assert scalars(trainer, f"eval_mean_apt_depth_{depth}")[1] < 0.2
        assert scalars(trainer, f"eval_linear_head_mean_apt_depth_{depth}")[1] == 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_the_heads_are_those_of_the_other_head_training(kind, tiny_model, tokens, tmp_path):
    """From the same batches: a Trainer of its own there, a loop here."""
    trunk = Trunk(tiny_model).prepare()
    config = HeadConfig(num_steps=6, batch_size=8, seed=4)
    theirs = trained_by_a_trainer(trunk, tokens, [kind], config, tmp_path)[kind].state_dict()
    draws = RepeatedDraws(
        TrainingDraws(tokens, tokens.masking(seed=4, rate=0.15), num_draws=48),
        num_draws=48,
        num_distinct=48,
    )
    batches = [draws.__getitems__(list(range(8 * step, 8 * step + 8))) for step in range(6)]
    ours = train_heads(
        trunk, (labels_asked(batch, range(8), trunk, None) for batch in batches), [kind], config
    )[kind].state_dict()
    assert ours.keys() == theirs.keys()
    for name, weight in theirs.items():
        torch.testing.assert_close(ours[name], weight, rtol=1e-5, atol=1e-6, msg=name)


def few_names(trainer: Any) -> set[str]:
    return {name for entry in trainer.state.log_history for name in entry if "_head_" in name}


@pytest.mark.usefixtures("quick_pictures")
def test_few_scalars_show_every_depth_and_go_to_whoever_draws(tokenizer, tmp_path):
    live = AptLiveView()
    trainer = trainer_of(
        tmp_path,
        tokenizer,
        callbacks=[AptCallback(heads="mlm", head_config=SHORT), AptPlotCallback(), live],
    )
    trainer.train()
    assert few_names(trainer) == {
        f"eval_mlm_head_{name}"
        for name in (
            *("mean_apt", "mean_apt_standard_error", "num_tokens", "masked_accuracy"),
            *(f"mean_apt_depth_{depth}" for depth in range(NUM_DEPTHS)),
        )
    }
    assert (tmp_path / "apt" / "eval_mlm_head-step-00000006.png").exists()
    assert set(live._bars) == {"eval", "eval_mlm_head"}


@pytest.fixture
def trainings(monkeypatch) -> list[Any]:
    """The kinds of every training of heads."""
    made_for: list[Any] = []

    def counted(trunk, batches, kinds, config):
        made_for.append(kinds)
        return train_heads(trunk, batches, kinds, config)

    monkeypatch.setattr(depth_heads, "train_heads", counted)
    return made_for


def test_heads_at_each_measurement_are_trained_once_for_all_data(tokenizer, tmp_path, trainings):
    trainer = trainer_of(
        tmp_path,
        tokenizer,
        eval_dataset={"a": rows(6, seed=2), "b": rows(7, seed=3)},
        save_strategy="best",
        metric_for_best_model="eval_a_linear_head_mean_apt",
        callbacks=[AptCallback(heads="linear", heads_at="measurement", head_config=SHORT)],
    )
    trainer.train()
    assert trainings == [("linear_head",)] * 3
    for name in "ab":
        values = scalars(trainer, f"eval_{name}_linear_head_mean_apt_depth_1")
        assert set(values) == {2, 4, 6}
    assert trainer.state.best_metric == max(
        scalars(trainer, "eval_a_linear_head_mean_apt").values()
    )


def test_later_evaluations_of_the_same_weights_are_read_by_the_same_heads(
    tokenizer, tmp_path, trainings
):
    trainer = trainer_of(
        tmp_path,
        tokenizer,
        callbacks=[AptCallback(heads="linear", head_config=SHORT)],
    )
    assert "eval_mean_apt" in trainer.evaluate()
    assert trainings == []
    trainer.train()
    at_the_end = scalars(trainer, "eval_linear_head_mean_apt")[6]
    assert trainer.evaluate()["eval_linear_head_mean_apt"] == at_the_end
    other = trainer.evaluate(rows(5, seed=9), metric_key_prefix="test")
    assert "test_linear_head_mean_apt_depth_0" in other
    assert trainings == [("linear_head",)]
    with torch.no_grad():
        next(trainer.model.parameters()).add_(1.0)
    changed = trainer.evaluate()
    assert "eval_mean_apt" in changed
    assert "eval_linear_head_mean_apt" not in changed


def test_heads_can_be_trained_on_other_data(tokenizer, tmp_path):
    values = []
    for other in (None, rows(40, seed=1), rows(3, seed=11)):
        trainer = trainer_of(
            tmp_path / str(len(values)),
            tokenizer,
            max_steps=1,
            callbacks=[AptCallback(heads="linear", head_config=SHORT, head_dataset=other)],
        )
        trainer.train()
        values.append(
            [entry for entry in trainer.state.log_history if few_names(trainer) & {*entry}]
        )
    assert values[0] == values[1] != values[2]


def test_what_cannot_be_read_for_heads_is_a_warning(tokenizer, tmp_path, caplog):
    callback = AptCallback(heads="linear", heads_at="measurement", head_config=SHORT)
    trainer = trainer_of(tmp_path, tokenizer, train_dataset=None, callbacks=[callback])
    with caplog.at_level(logging.WARNING, logger="trainer_callbacks"):
        assert "eval_mean_apt" in trainer.evaluate()
    assert "the Trainer has no training data to train heads on: give the callback a" in caplog.text
    nothing = [row | {"labels": [-100] * 8} for row in premasked(4)]
    callback = AptCallback(heads="linear", head_config=SHORT, head_dataset=nothing)
    trainer = trainer_of(
        tmp_path,
        tokenizer,
        train_dataset=premasked(8),
        eval_dataset=premasked(8),
        data_collator=stacked,
        callbacks=[callback],
    )
    with caplog.at_level(logging.WARNING, logger="trainer_callbacks"):
        trainer.train()
    assert "no heads were trained: the training data has no rows, or no label" in caplog.text
    assert set(scalars(trainer, "eval_mean_apt")) == {2, 4, 6}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"heads": "dense"}, "^heads is 'dense': choose one of none, linear, mlm, both.$"),
        ({"heads_at": "end"}, "^heads_at is 'end': choose one of train_end, measurement.$"),
        ({"head_config": {"num_steps": 3}}, "^head_config is a dict: give an hf_apt.HeadConfig.$"),
        ({"head_config": HeadConfig(masking_rate=0.3)}, "the collator masks, again at each step"),
        ({"head_config": HeadConfig(num_distinct_steps=3)}, "^head_config sets masking_rate or"),
    ],
)
def test_bad_options(changed, message):
    with pytest.raises(ValueError, match=message):
        AptCallback(**changed)


def test_data_that_would_share_a_name_with_heads(tokenizer, tmp_path):
    trainer = trainer_of(
        tmp_path,
        tokenizer,
        eval_dataset={"a": rows(6), "a_mlm_head": rows(7)},
        callbacks=[AptCallback(heads="both")],
    )
    message = "^the evaluation data eval_a_mlm_head would be called like the mlm_head of eval_a: gi"
    with pytest.raises(ValueError, match=message):
        trainer.train()


def test_no_data_to_ask_heads_about_at_the_end(tokenizer, tmp_path):
    trainer = trainer_of(
        tmp_path,
        tokenizer,
        eval_dataset=None,
        eval_strategy="no",
        callbacks=[AptCallback(heads="mlm")],
    )
    with pytest.raises(ValueError, match="^heads are asked about evaluation data at the end of"):
        trainer.train()


# What heads are trained on.


def collate(held: list[int]) -> dict[str, Any]:
    return {"rows": list(held), "drawn": int(torch.randint(10**9, ()))}


def numbers(data: Any, config: HeadConfig) -> list[list[int]]:
    return [batch["rows"] for _, batch in training_batches(data, config)]


def test_rows_are_drawn_anew_in_every_epoch():
    config = HeadConfig(num_steps=7, batch_size=4, seed=3)
    data = LabelledBatches(
        dataset=range(100, 110), collate=collate, batch_size=2, indices=[[0, 1, 2], [5, 6, 7, 9]]
    )
    drawn = [row for batch in numbers(data, config) for row in batch]
    assert len(drawn) == 28
    epochs = [drawn[start : start + 7] for start in range(0, 28, 7)]
    assert all(sorted(epoch) == [100, 101, 102, 105, 106, 107, 109] for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4
    assert numbers(data, config) == numbers(data, config)
    assert numbers(data, HeadConfig(num_steps=7, batch_size=4, seed=4)) != numbers(data, config)
    seeds = [batch["drawn"] for _, batch in training_batches(data, config)]
    assert len(set(seeds)) == 7
    empty = LabelledBatches(dataset=[], collate=collate, batch_size=2)
    assert numbers(empty, config) == []


class Stream(IterableDataset):
    def __init__(self) -> None:
        self.num_read = 0

    def __iter__(self):
        for row in range(5):
            self.num_read += 1
            yield row


def test_streams_and_ready_batches_come_again_and_again():
    config = HeadConfig(num_steps=5, batch_size=2, seed=3)
    stream = Stream()
    data = LabelledBatches(dataset=stream, collate=collate, batch_size=1)
    assert numbers(data, config) == [[0, 1], [2, 3], [4], [0, 1], [2, 3]]
    assert stream.num_read == 0
    seeds = [batch["drawn"] for _, batch in training_batches(data, config)]
    assert len(set(seeds)) == 5
    ready = ServedBatches(batches=[{"rows": [1]}, {"rows": [2, 3]}])
    assert numbers(ready, config) == [[1], [2, 3], [1], [2, 3], [1]]
    assert numbers(ServedBatches(batches=[]), config) == []


def test_a_model_in_half_precision_is_read_by_heads_in_single(tokenizer, tmp_path):
    model = made("bert").bfloat16()
    trainer = trainer_of(
        tmp_path, tokenizer, model=model, callbacks=[AptCallback(heads="both", head_config=SHORT)]
    )
    trainer.train()
    for kind in KINDS:
        assert set(scalars(trainer, f"eval_{kind}_mean_apt")) == {6}
