"""Laws of keeping the model of chosen steps: it is the model of that step, and nothing changes."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import TrainerControl, TrainerState, TrainingArguments

from hf_apt.cli.spelling.lists import steps_of
from hf_apt.data.planted.corpus import PlantedCorpus
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.loading import load_masked_lm
from hf_apt.models.shapes import ModelShape
from hf_apt.records.run import Run
from hf_apt.runs.pipeline import begin, pretrain_run
from hf_apt.runs.recipes import RunConfig
from hf_apt.training.kept_steps import KeepSteps
from hf_apt.training.pretrain_config import PretrainConfig

CONFIG = RunConfig(
    corpus=PlantedCorpus(num_documents=200, num_validation_documents=48),
    sequence_length=16,
    layout="first",
    shape=ModelShape(hidden_size=16, num_heads=2, num_blocks=2, dropout=0.1),
    pretrain=PretrainConfig(
        num_steps=6, batch_size=8, save_every=2, keep_at=(2, 4, 6), num_validation_sequences=8
    ),
)


def trained(config: RunConfig, folder: Path) -> Run:
    run = begin(config, folder)
    pretrain_run(config, run)
    return run


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def is_same(one: Path, other: Path) -> bool:
    first, second = weights(one), weights(other)
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    return trained(CONFIG, tmp_path_factory.mktemp("kept") / "run")


def test_each_is_the_model_of_its_step(run):
    kept = {path.name for path in run.path("steps").iterdir() if path.is_dir()}
    assert kept == {"step-2", "step-4", "step-6"}
    for step in (4, 6):  # the Trainer leaves its last two
        assert is_same(run.path(f"steps/step-{step}"), run.path(f"training/checkpoint-{step}"))
    assert is_same(run.path("steps/step-6"), run.path("checkpoint"))
    assert not is_same(run.path("steps/step-2"), run.path("steps/step-4"))
    head = OwnHead(Trunk(load_masked_lm(str(run.path("steps/step-2")))))
    assert head.trunk.num_depths == 3, "a checkpoint as any other"


def test_the_training_is_the_same_without(run, tmp_path):
    plain = replace(CONFIG, pretrain=replace(CONFIG.pretrain, keep_at=(), save_every=100))
    without = trained(plain, tmp_path / "run")
    assert is_same(without.path("checkpoint"), run.path("checkpoint"))
    assert not without.path("steps").exists()


def test_random_numbers_that_keeping_draws_are_given_back(tmp_path):
    def keep(folder: Path) -> None:
        torch.rand(5)

    callback = KeepSteps(tmp_path / "steps", [3], keep)
    arguments, state = TrainingArguments(str(tmp_path), use_cpu=True), TrainerState(global_step=3)
    torch.manual_seed(0)
    callback.on_step_end(arguments, state, TrainerControl())
    after = torch.rand(1)
    torch.manual_seed(0)
    assert torch.equal(after, torch.rand(1))


def test_steps_to_come_are_removed_and_those_before_stay(tmp_path):
    callback = KeepSteps(tmp_path, [2, 8], lambda _: None)
    for step in (2, 5, 8):
        callback.path(step).mkdir()
    arguments, state = TrainingArguments(str(tmp_path), use_cpu=True), TrainerState(global_step=4)
    callback.on_train_begin(arguments, state, TrainerControl())
    assert sorted(path.name for path in tmp_path.glob("step-*")) == ["step-2"]


def test_files_of_somebody_else_are_refused_before_training(tmp_path):
    begin(CONFIG, tmp_path / "run")
    note = tmp_path / "run/steps/step-4/notes.txt"
    note.parent.mkdir(parents=True)
    note.write_text("mine")
    with pytest.raises(ValueError, match="step-4 holds files that are not hf_apt's"):
        trained(CONFIG, tmp_path / "run")
    assert note.read_text() == "mine"
    assert not (tmp_path / "run/training.json").exists()


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ((7,), "keep_at asks for step 7, and there are 6 steps"),
        ((0,), "a step of keep_at must be"),
        ((2.5,), "a step of keep_at must be"),
    ],
)
def test_steps_that_there_are_not_are_told(steps, message):
    with pytest.raises(ValueError, match=message):
        replace(CONFIG.pretrain, keep_at=steps)


def test_the_command_line_spells_them_between_commas():
    assert steps_of("1000, 10,10") == (10, 1000)
    with pytest.raises(ValueError, match="'ten' are no steps: give whole numbers"):
        steps_of("ten")
