"""Files of callbacks lie in the checkpoint they belong to, in a search of hyper-parameters too."""

from types import SimpleNamespace
from typing import Any

import pytest
from safetensors.torch import load_file
from transformers import integrations
from transformers.trainer_utils import HPSearchBackend
from workers.objectives import classifying

from hf_apt.cli.objectives import objective_of
from hf_apt.training.averages import proximal_term
from hf_apt.training.contrast import balanced_term
from hf_apt.training.methods import weight_average_callback
from hf_apt.training.methods.weight_average import WeightAverage

PROXIMAL = objective_of("proximal:weight=1")
CONTRAST = objective_of("balanced_contrast:weight=1")
NAMES = {proximal_term.NAME, balanced_term.NAME, weight_average_callback.NAME}


@pytest.fixture(autouse=True)
def trials(monkeypatch):
    """Optuna, whose trials these are, need not be installed: the Trainer is the real one."""
    monkeypatch.setattr(integrations, "hp_params", lambda trial: trial.params)


def searched(folder: Any, name: Any, *numbers: int) -> Any:
    """A Trainer that has made trials of a search, of which the library alone is left out."""
    trainer: Any = classifying(
        str(folder), (PROXIMAL, CONTRAST), save_strategy="steps", save_steps=1
    )
    trainer.add_callback(WeightAverage().callback())
    trainer.hp_search_backend, trainer.hp_space = HPSearchBackend.OPTUNA, lambda trial: {}
    trainer.hp_name, trainer.model_init = name, lambda: trainer.model
    for number in numbers:
        trainer.train(trial=SimpleNamespace(number=number, params={}))
    return trainer


@pytest.mark.parametrize("name", [None, lambda trial: f"trial {trial.number}"])
def test_each_trial_has_its_own(name, tmp_path):
    searched(tmp_path, name, 1, 2)
    folders = ("run-1", "run-2") if name is None else ("trial 1", "trial 2")
    for folder in folders:
        for step in (1, 2, 3):
            checkpoint = tmp_path / folder / f"checkpoint-{step}"
            assert {path.name for path in checkpoint.iterdir()} >= NAMES
            assert load_file(checkpoint / proximal_term.NAME)
    assert {path.name for path in tmp_path.iterdir()} == set(folders)


def test_without_a_search_it_is_in_the_trainers_folder(tmp_path):
    searched(tmp_path / "before", None, 1)
    classifying(str(tmp_path), (PROXIMAL,), save_strategy="steps", save_steps=3).train()
    assert (tmp_path / "checkpoint-3" / proximal_term.NAME).is_file()
