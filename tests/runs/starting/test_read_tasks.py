"""What objectives read of tasks is recorded in a training's folder and kept with its models."""

from pathlib import Path

import numpy as np
import pytest

from hf_apt.data.tasks.read_texts import NAME, numbers_of, texts_of_tasks
from hf_apt.data.tasks.task import open_task
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.records.run import Run
from hf_apt.runs.saved_models import save_model
from hf_apt.runs.starting.read_tasks import keep_read_tasks, require_tests_unread
from hf_apt.studies.block_accuracy_config import BlockAccuracyConfig
from hf_apt.training.objectives.graph_pairs import GraphPairs
from hf_apt.training.objectives.masked_pairs import MaskedPairs
from hf_apt.training.objectives.rademacher import Rademacher
from hf_apt.training.pretrain_config import PretrainConfig

FEW = TaskConfig(name="planted", train_per_class=32)


class Saved:
    def save_pretrained(self, folder: Path) -> None:
        (folder / "weights").write_text("1")


@pytest.mark.parametrize(
    ("objective", "num_texts"),
    [
        (Rademacher(weight=1, texts="task:planted:train_per_class=8"), 32),
        (Rademacher(weight=1, texts="task:planted:train_per_class=8", max_texts=5), 5),
        (Rademacher(weight=0, texts="task:planted"), 0),
        (Rademacher(weight=1, texts="some.csv"), 0),
        (GraphPairs(weight=1, graph="labels", texts="planted:train_per_class=8"), 32),
        (MaskedPairs(weight=1), 0),
    ],
)
def test_training_texts_of_tasks_are_read(objective, num_texts):
    assert len(texts_of_tasks([objective])) == num_texts


def test_they_are_recorded_and_kept_with_the_model(tmp_path):
    config = PretrainConfig(
        num_steps=1, objectives=(Rademacher(weight=1, texts="task:planted:train_per_class=8"),)
    )
    run = Run(tmp_path)
    run.path("tokenizer").mkdir()
    keep_read_tasks(config, run.path("training"), writes=True)
    save_model(run, Saved(), run.path("checkpoint"))
    kept = np.load(run.path("checkpoint") / NAME)
    read = open_task(TaskConfig(name="planted", train_per_class=8)).train.texts
    assert np.array_equal(kept, numbers_of(read))


def test_tests_of_every_seed_to_come_are_held_against_it():
    """The training texts of the first seed are never its tests, and some are those of the next."""
    own, task = Rademacher(weight=1, texts="task:planted"), TaskConfig(name="planted")
    require_tests_unread([own], BlockAccuracyConfig(task=task))
    with pytest.raises(ValueError, match="read 2 of the 400 test texts"):
        require_tests_unread([own], BlockAccuracyConfig(task=task, num_seeds=2))


def test_a_task_whose_tests_would_be_read_is_refused_before_the_training():
    whole = Rademacher(weight=1, texts="task:planted")
    with pytest.raises(ValueError, match="of this training read 227 .*train_per_class=32;seed=1"):
        require_tests_unread([whole], BlockAccuracyConfig(task=FEW))
    require_tests_unread([whole], BlockAccuracyConfig(task=TaskConfig(name="planted")))
    own = Rademacher(weight=1, texts="task:planted:train_per_class=32")
    require_tests_unread([own], BlockAccuracyConfig(task=FEW))
