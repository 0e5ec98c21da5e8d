"""Texts that were read are not tested with, also by a checkpoint that goes on from another."""

from dataclasses import replace

import numpy as np
import pytest

from hf_apt.data.tasks.fewrel import sentence
from hf_apt.data.tasks.read_texts import NAME, numbers_of, open_first, open_unread, write_read_texts
from hf_apt.data.tasks.task import open_task
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.training.objectives.rademacher import Rademacher

FEW = TaskConfig(name="planted", train_per_class=32)


def test_texts_of_the_same_letters_are_one():
    numbers = numbers_of(["One, two.", "one two", "three", "!", "?"])
    assert (len(numbers), numbers.dtype) == (4, np.uint64)
    assert np.all(np.diff(numbers.astype(object)) > 0)
    assert len(numbers_of([])) == 0


def test_a_text_is_the_same_with_marks_of_entities_and_without():
    instance = {"tokens": "Ann met Bob .".split(), "head_pos": [0], "tail_pos": [2]}
    marked = sentence(instance, markers=True)
    assert marked == "[E1] Ann [/E1] met [E2] Bob [/E2] ."
    assert numbers_of([marked]) == numbers_of([sentence(instance)])


def test_tests_of_other_numbers_are_among_the_training_texts_and_refused(tmp_path):
    """By a plain count of the texts, 227 of the 400."""
    read = open_task(TaskConfig(name="planted")).train.texts
    num_read = sum(text in set(read) for text in open_task(FEW).test.texts)
    assert num_read == 227
    write_read_texts(tmp_path, read)
    with pytest.raises(ValueError, match=f"read {num_read} of the 400 test texts of planted"):
        open_unread(FEW, str(tmp_path))
    assert open_unread(TaskConfig(name="planted"), str(tmp_path)).name == "planted"


def test_what_a_checkpoint_before_read_is_read(tmp_path):
    first, then = tmp_path / "first", tmp_path / "then"
    write_read_texts(first, open_task(FEW).test.texts[:3])
    write_read_texts(then, ["another"], first, tmp_path / "without")
    with pytest.raises(ValueError, match="read 3 of the 400"):
        open_unread(FEW, "nowhere", str(then))
    write_read_texts(tmp_path / "nothing", [])
    assert not (tmp_path / "nothing" / NAME).exists()


@pytest.mark.parametrize("name", ["checkpoint-20", "checkpoint-20/"])
def test_a_checkpoint_of_a_step_has_read_what_its_training_had(tmp_path, monkeypatch, name):
    """The Trainer writes its folder, and the record is beside it."""
    training = tmp_path / "training"
    write_read_texts(training, open_task(FEW).test.texts[:3])
    (training / "checkpoint-20").mkdir()
    write_read_texts(tmp_path / "then", ["another"], training / name)
    monkeypatch.chdir(training / "checkpoint-20")
    for checkpoint in (f"{training}/{name}", ".", str(tmp_path / "then")):
        with pytest.raises(ValueError, match="read 3 of the 400"):
            open_unread(FEW, checkpoint)


def test_another_folder_beside_the_record_has_read_nothing(tmp_path):
    write_read_texts(tmp_path, open_task(FEW).test.texts[:3])
    (tmp_path / "other").mkdir()
    assert open_unread(FEW, str(tmp_path / "other")).name == "planted"


def test_a_training_that_begins_anew_forgets_what_the_one_before_read(tmp_path):
    write_read_texts(tmp_path, open_task(FEW).test.texts[:3])
    write_read_texts(tmp_path, [])
    assert open_unread(FEW, str(tmp_path)).name == "planted"


def test_tests_of_every_seed_are_held_against_it(tmp_path):
    second = replace(FEW, seed=FEW.seed + 1)
    write_read_texts(tmp_path, open_task(second).test.texts[:2])
    assert open_first(FEW, 1, str(tmp_path)).provenance["seed"] == FEW.seed
    with pytest.raises(ValueError, match="read 2 of the 400"):
        open_first(FEW, 2, str(tmp_path))


def test_tests_of_every_seed_are_held_against_objectives_of_a_training_to_come():
    """The training texts of the first seed are never its tests, and some are those of the next."""
    own, task = [Rademacher(weight=1, texts="task:planted")], TaskConfig(name="planted")
    assert open_unread(task, objectives=own).name == "planted"
    with pytest.raises(ValueError, match="of this training read 227 .*train_per_class=32;seed=1"):
        open_unread(FEW, "nowhere", objectives=own)
    with pytest.raises(ValueError, match="of this training read 2 of the 400"):
        open_first(task, 2, objectives=own)
    assert open_unread(FEW, objectives=[Rademacher(weight=0, texts="task:planted")])
