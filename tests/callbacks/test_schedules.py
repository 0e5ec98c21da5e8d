"""When the callbacks measure, and on which data."""

import re
from typing import Any

import datasets
import numpy as np
import oracles
import pytest
from small_trainers import VOCAB, looped, made, premasked, rows, scalars, stacked, trainer_of
from transformers import TrainerCallback

from hf_apt.stats.counts import DepthCounts
from trainer_callbacks import AptCallback, ConfusionCallback
from trainer_callbacks.files import StepFiles
from trainer_callbacks.schedule import Schedule


def test_each_of_several_sets_is_measured_on_its_own(tokenizer, tmp_path):
    few = {"few": premasked(7, seed=3), "many": premasked(18, seed=4)}
    trainer = trainer_of(
        tmp_path,
        tokenizer,
        eval_dataset=few,
        train_dataset=premasked(20),
        data_collator=stacked,
        callbacks=[AptCallback(), ConfusionCallback()],
    )
    trainer.train()
    returned = trainer.evaluate()
    for name, data in few.items():
        tables = looped("bert", trainer.model.eval(), [stacked(data)])
        expected = oracles.mean_apt(tables[2], VOCAB)
        assert returned[f"eval_{name}_mean_apt"] == pytest.approx(expected)
        assert list(scalars_but_last(trainer, f"eval_{name}_mean_apt")) == [2, 4, 6]
        with np.load(tmp_path / "apt" / f"eval_{name}-step-00000006.npz") as found:
            assert found["support"].tolist() == oracles.support(tables[2], VOCAB)
            assert found["hits"][1].tolist() == oracles.hits(tables[1], VOCAB)
    assert StepFiles(tmp_path / "confusion").steps("eval_few") == [2, 4, 6]
    assert StepFiles(tmp_path / "confusion").steps("eval") == []


def scalars_but_last(trainer: Any, name: str) -> dict[int, float]:
    """Without the evaluation after training, at the same step as the one before."""
    places = [place for place, entry in enumerate(trainer.state.log_history) if name in entry]
    entries = [trainer.state.log_history[place] for place in places[:-1]]
    assert len({entry["step"] for entry in entries}) == len(entries)
    return {entry["step"]: entry[name] for entry in entries}


class Meddling(TrainerCallback):
    """Takes our scalars for the end of an evaluation."""

    def on_log(self, args, state, control, *, logs, **event):
        if "eval_mean_apt" in logs:
            control.should_log = control.should_evaluate = control.should_save = False


@pytest.mark.parametrize(
    ("schedule", "steps"),
    [
        ({"every": 2}, [2, 4, 6]),
        ({"every": 1}, [1, 2, 3, 4, 5, 6]),
        ({"at_steps": (3, 4, 99)}, [3, 4]),
        ({"every": 5, "at_steps": [1, 5]}, [1, 5]),
    ],
)
def test_steps_of_ones_own_take_nothing_from_the_trainers(schedule, steps, tokenizer, tmp_path):
    callbacks = [Meddling(), AptCallback(**schedule), ConfusionCallback(**schedule)]
    saving = {"save_strategy": "steps", "save_steps": 2, "logging_steps": 1}
    trainer = trainer_of(tmp_path, tokenizer, callbacks=callbacks, **saving)
    trainer.train()
    assert list(scalars(trainer, "eval_mean_apt")) == steps
    assert list(scalars(trainer, "eval_num_clusters")) == steps
    assert list(scalars(trainer, "loss")) == [1, 2, 3, 4, 5, 6]
    assert list(scalars(trainer, "eval_loss")) == [2, 4, 6]
    assert sorted(path.name for path in tmp_path.glob("checkpoint-*")) == [
        "checkpoint-2",
        "checkpoint-4",
        "checkpoint-6",
    ]
    assert StepFiles(tmp_path / "apt").steps() == steps
    assert StepFiles(tmp_path / "confusion").steps(kind="npz") == steps


@pytest.mark.parametrize("kind", ["list", "Dataset", "several"])
def test_at_steps_the_same_data_are_asked_as_at_evaluations(kind, tokenizer, tmp_path):
    data: Any = rows(23, seed=2)
    if kind == "Dataset":  # with a column that is no input
        data = datasets.Dataset.from_list([row | {"text": "some text"} for row in data])
    if kind == "several":
        data = {"one": data[:9], "other": data[9:]}
    found = {}
    for name, callback in (("steps", AptCallback(every=2)), ("evaluations", AptCallback())):
        trainer = trainer_of(tmp_path / name, tokenizer, eval_dataset=data, callbacks=[callback])
        trainer.train()
        names = ["eval_one_mean_apt", "eval_other_mean_apt"]
        names = names if kind == "several" else ["eval_mean_apt"]
        found[name] = [scalars(trainer, scalar) for scalar in names]
        assert [list(values) for values in found[name]] == [[2, 4, 6]] * len(names)
    assert found["steps"] == found["evaluations"]


@pytest.mark.parametrize("schedule", [{}, {"every": 2}])
def test_data_of_ones_own_take_the_place_of_the_trainers(schedule, tokenizer, tmp_path):
    own = premasked(10, seed=6)
    callbacks = [AptCallback(**schedule, eval_dataset=own)]
    callbacks.append(ConfusionCallback(**schedule, eval_dataset={"own": own, "cut": own[:2]}))
    trainer = trainer_of(
        tmp_path,
        tokenizer,
        train_dataset=premasked(20),
        eval_dataset=premasked(11, seed=5),
        data_collator=stacked,
        callbacks=callbacks,
    )
    trainer.train()
    expected = looped("bert", trainer.model.eval(), [stacked(own)])[2]
    assert scalars(trainer, "eval_mean_apt")[6] == pytest.approx(oracles.mean_apt(expected, VOCAB))
    counts = DepthCounts.load(tmp_path / "confusion" / "eval_own-step-00000006.npz")
    assert counts.support().tolist() == oracles.support(expected, VOCAB)
    counts = DepthCounts.load(tmp_path / "confusion" / "eval_cut-step-00000006.npz")
    expected = looped("bert", trainer.model, [stacked(own[:2])])[2]
    assert counts.support().tolist() == oracles.support(expected, VOCAB)


def test_an_evaluation_at_the_start_is_measured(tokenizer, tmp_path):
    for _ in range(2):  # the second time over the files of the first
        trainer = trainer_of(
            tmp_path, tokenizer, max_steps=2, eval_on_start=True, callbacks=[AptCallback()]
        )
        trainer.train()
        assert list(scalars(trainer, "eval_mean_apt")) == [0, 2]
        assert StepFiles(tmp_path / "apt").steps() == [0, 2]


def test_a_second_training_of_the_same_model_is_measured_anew(tokenizer, tmp_path):
    """At the same steps, on the same data: nothing is taken from the first."""
    data, model = premasked(11), made("bert")
    first = []
    for number in (1, 2):
        trainer = trainer_of(
            tmp_path / str(number),
            tokenizer,
            model=model,
            train_dataset=data,
            eval_dataset=data,
            data_collator=stacked,
            max_steps=1,
            learning_rate=5e-2,
            callbacks=[AptCallback(every=1)],
        )
        trainer.train()
        expected = looped("bert", model.eval(), [stacked(data)])[2]
        found = np.load(tmp_path / str(number) / "apt" / "eval-step-00000001.npz")
        assert found["hits"][2].tolist() == oracles.hits(expected, VOCAB)
        first.append(expected)
    assert first[0] != first[1]


def test_masks_stay_from_one_evaluation_to_the_next_and_follow_the_seed(tokenizer, tmp_path):
    supports = []
    for number, seed in enumerate((1, 1, 2)):
        folder = tmp_path / str(number)
        callbacks = [AptCallback(seed=seed), ConfusionCallback()]
        trainer = trainer_of(folder, tokenizer, seed=number, max_steps=4, callbacks=callbacks)
        trainer.train()
        of_steps = [np.load(path)["support"] for path in sorted((folder / "apt").glob("*.npz"))]
        assert len(of_steps) == 2
        assert all(np.array_equal(support, of_steps[0]) for support in of_steps)
        # Another seed is another pass.
        other = DepthCounts.load(folder / "confusion" / "eval-step-00000002.npz").support()
        assert not np.array_equal(other, of_steps[0])
        supports.append(of_steps[0].tolist())
    assert supports[0] == supports[1] != supports[2]


@pytest.mark.parametrize(
    ("schedule", "wrong"),
    [
        *(({"every": wrong}, wrong) for wrong in (0, -2, "500", 1.5, True, [3])),
        *(({"at_steps": (3, wrong)}, wrong) for wrong in (0, "5", 1.5, None)),
        *(({"at_steps": wrong}, wrong) for wrong in (5, "500", None)),
        ({"seed": -1}, -1),
        ({"seed": "1"}, "1"),
    ],
)
@pytest.mark.parametrize("kind", [AptCallback, ConfusionCallback])
def test_steps_and_seeds_that_are_none_are_refused(kind, schedule, wrong):
    (name,) = schedule
    message = (
        rf"^(a step of )?{name} must be a (whole number|list) .*, got {re.escape(repr(wrong))}\.$"
    )
    with pytest.raises(ValueError, match=message):
        kind(**schedule)


def test_steps_can_be_numbers_of_numpy():
    assert AptCallback(every=np.int64(3)).schedule.is_due(6)
    assert AptCallback(at_steps=np.array([2, 4])).schedule.is_due(4)


def test_a_schedule_is_due_as_it_says():
    due = Schedule(every=3, at_steps=(4,))
    assert [step for step in range(1, 10) if due.is_due(step)] == [3, 4, 6, 9]
    assert not due.follows_evaluation
    assert Schedule().follows_evaluation
    assert not any(Schedule().is_due(step) for step in range(1, 10))
