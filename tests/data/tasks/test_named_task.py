"""A task where a name is wanted: what each spelling stands for, and what is told."""

import pytest

from hf_apt.data.tasks.named_task import named_task
from hf_apt.data.tasks.task_config import TaskConfig


@pytest.mark.parametrize(
    ("text", "config"),
    [
        ("task:planted", TaskConfig(name="planted")),
        ("planted", TaskConfig(name="planted")),
        ("task:C:/rows.csv", TaskConfig(name="C:/rows.csv")),
        ("task:rows_*.csv:train_per_class=8", TaskConfig(name="rows_*.csv", train_per_class=8)),
        (
            "task:planted:test_per_class=5;seed=7;num_words=9",
            TaskConfig(name="planted", test_per_class=5, seed=7, num_words=9),
        ),
    ],
)
def test_what_a_name_stands_for(text, config):
    assert named_task(text) == config


def test_the_column_is_that_of_the_text():
    assert named_task("task:rows.csv", column="said").text_column == "said"


@pytest.mark.parametrize("part", ["colour=3", "seed=x", "seed=-1", "seed=1;seed=2"])
def test_what_is_no_number_of_a_task_is_told(part):
    with pytest.raises(ValueError, match="is no number of a task: there are train_per_class, .*"):
        named_task(f"task:planted:{part}")
