"""One mean over a step, however it is divided; gone on with exactly; plain without weights."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from span_tokenizers import encoder_for, grammar, tokenizer_of
from torch.nn.functional import cross_entropy
from transformers import TrainerCallback
from workers.spans import LABELS, gradients_of, span_training

from hf_apt.spans.ner_config import NerConfig
from hf_apt.spans.span_draws import SpanCollator
from hf_apt.spans.token_tags import TokenRows, bio_tags
from hf_apt.spans.training import TrainingWays, tag_trainer
from hf_apt.stats.counts import NOT_ASKED
from hf_apt.training.finetune_config import FinetuneConfig
from hf_apt.training.objectives.entropy import ConfidencePenalty
from hf_apt.training.objectives.r_drop import RDrop
from hf_apt.training.resume import last_checkpoint

WORKER = Path(__file__).parents[1] / "support/workers" / "spans.py"


def assert_close(actual: dict, expected: dict, tolerance: float = 1e-4) -> None:
    assert set(actual) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(
            actual[name], value, rtol=tolerance, atol=tolerance / 10, err_msg=name
        )


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, dict[str, np.ndarray]]:
    folder = tmp_path_factory.mktemp("whole")
    return {arm: gradients_of(span_training(folder, arm)) for arm in ("spans", "merged")}


@pytest.mark.parametrize("arm", ["spans", "merged"])
def test_the_loss_of_a_step_is_a_sum_over_rows(arm, whole, tmp_path) -> None:
    """The oracle: rows one by one, each mean over the whole step."""
    trainer = span_training(tmp_path, arm)
    rows = [trainer.train_dataset[number] for number in range(8)]
    model = trainer.model.train()
    collate = SpanCollator(0)
    entity, types = [], []
    for row in rows:
        batch = collate([row])
        output = model(**{k: v for k, v in batch.items() if "labels" not in k})
        entity.append(cross_entropy(output.logits, batch["labels"]))
        if row["type_labels"] != NOT_ASKED:
            types.append(cross_entropy(output.type_logits, batch["type_labels"]))
    per = len(rows) if arm == "merged" else len(types)
    assert 0 < len(types) < 8
    loss = torch.stack(entity).sum() / 8 + torch.stack(types).sum() / per
    loss.backward()
    loss, types = loss.detach(), [each.detach() for each in types]
    expected = {name: each.grad for name, each in model.named_parameters() if each.grad is not None}
    for name, gradient in expected.items():
        np.testing.assert_allclose(whole[arm][f"0.{name}"], gradient, rtol=1e-4, atol=1e-6)
    assert whole[arm]["1.loss"] == pytest.approx(float(loss), abs=1e-4)
    assert whole[arm]["1.type_loss"] == pytest.approx(float(sum(types)) / per, abs=1e-4)


@pytest.mark.parametrize("arm", ["spans", "merged"])
@pytest.mark.parametrize("steps", [2, 4])
def test_accumulation_changes_nothing(arm, steps, whole, tmp_path) -> None:
    ways = TrainingWays(accumulation_steps=steps)
    assert_close(gradients_of(span_training(tmp_path, arm, ways)), whole[arm])


@pytest.mark.slow
@pytest.mark.parametrize("arm", ["spans", "merged"])
def test_two_processes_are_one(arm, whole, tmp_path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    paths = [str(WORKER.parents[1]), str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]
    done = subprocess.run(
        [*command, str(WORKER), str(tmp_path), arm],
        capture_output=True,
        text=True,
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for rank in range(2):
        with np.load(tmp_path / f"{rank}.npz") as kept:
            actual = {name: value for name, value in kept.items() if not name.endswith("loss")}
        expected = {name: each for name, each in whole[arm].items() if not name.endswith("loss")}
        assert_close(actual, expected)


class _Stop(TrainerCallback):
    """A training that is killed after a step."""

    def on_step_end(self, args, state, control, **event):
        if state.global_step == 4:
            raise KeyboardInterrupt


def test_a_training_that_was_killed_goes_on_to_the_bit(tmp_path) -> None:
    ways = TrainingWays(save_every=2)
    expected = span_training(tmp_path / "whole", ways=ways)
    expected.train()
    killed = span_training(tmp_path / "killed", ways=ways)
    killed.add_callback(_Stop())
    with pytest.raises(KeyboardInterrupt):
        killed.train()
    checkpoint = last_checkpoint(tmp_path / "killed")
    assert checkpoint is not None
    resumed = span_training(tmp_path / "killed", ways=ways)
    resumed.train(resume_from_checkpoint=str(checkpoint))
    assert resumed.state.global_step == expected.state.global_step == 6
    for name, weight in expected.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], weight), name


def trained(folder: Path, objectives: tuple, **changed: Any) -> tuple[dict, torch.Tensor]:
    trainer = span_training(folder, objectives=objectives, **changed)
    trainer.train()
    return trainer.model.state_dict(), torch.get_rng_state()


def test_objectives_without_a_weight_change_no_bit(tmp_path) -> None:
    plain, state = trained(tmp_path, ())
    other, other_state = trained(tmp_path, (RDrop(weight=0.0), ConfidencePenalty(weight=0.0)))
    assert torch.equal(state, other_state)
    assert all(torch.equal(other[name], weight) for name, weight in plain.items())
    moved, _ = trained(tmp_path, (ConfidencePenalty(weight=0.5),))
    assert any(not torch.equal(moved[name], weight) for name, weight in plain.items())


def test_bfloat16_stays_finite(tmp_path) -> None:
    trainer = span_training(tmp_path, precision="bf16")
    trainer.train()
    assert trainer.args.bf16
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(losses) == 6
    assert np.isfinite(losses).all()
    assert all(weight.isfinite().all() for weight in trainer.model.parameters())


def test_words_are_trained_as_many_steps_as_asked(tmp_path) -> None:
    tokenizer = tokenizer_of("bert")
    rows, tags = TokenRows(tokenizer, 48), bio_tags(LABELS)
    trainer = tag_trainer(
        encoder_for(tokenizer),
        [rows.labelled(sentence, tags) for sentence in grammar(12)],
        FinetuneConfig(batch_size=4, sequence_length=48, learning_rate=5e-3, num_epochs=1),
        tmp_path,
        pad_id=tokenizer.pad_token_id,
        ways=TrainingWays(num_steps=7),
    )
    trainer.train()
    assert trainer.state.global_step == 7
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"num_epochs": 0}, "learn for one epoch at least, got 0"),
        ({"lora_rank": 4}, "leave out the rank of 4"),
    ],
)
def test_what_span_models_do_not_take_is_named(changed, told, tmp_path) -> None:
    with pytest.raises(ValueError, match=told):
        span_training(tmp_path, **changed)


def test_a_batch_that_cannot_be_divided_is_named(tmp_path) -> None:
    with pytest.raises(ValueError, match="cannot be divided into 3 equal parts"):
        span_training(tmp_path, ways=TrainingWays(accumulation_steps=3))


def test_the_seeds_of_all_draws_are_seeds() -> None:
    with pytest.raises(ValueError, match="seed must be a whole number from 0 to"):
        NerConfig(num_draws=3, finetune=FinetuneConfig(seed=2**32 - 2))
