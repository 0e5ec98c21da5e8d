"""Laws of stopping when mean APT has stopped growing, on histories with known answers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_trainers import made, premasked, scalars, stacked, trainer_of
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from trainer_callbacks import AptCallback, AptEarlyStopping, ConfusionCallback
from trainer_callbacks.files import StepFiles


def stops_at(values: list[float], *, error: float = 0.01, **arguments: Any) -> int | None:
    """After how many measurements training would be stopped; None if never."""
    callback = AptEarlyStopping(**arguments)
    state = TrainerState()
    args = TrainingArguments(use_cpu=True, report_to="none")
    prefix = arguments.get("prefix", "eval")
    for number, value in enumerate(values, start=1):
        state.global_step = 10 * number
        control = TrainerControl()
        state.log_history += [
            {"loss": 1.0, "step": state.global_step},
            {
                f"{prefix}_mean_apt": value,
                f"{prefix}_mean_apt_standard_error": error,
                "step": state.global_step,
            },
            {f"{prefix}_num_clusters_depth_0": 1, "step": state.global_step},
        ]
        callback.on_evaluate(args, state, control)
        if control.should_training_stop:
            return number
        # Between measurements nothing is decided.
        state.global_step += 1
        callback.on_step_end(args, state, control)
        assert not control.should_training_stop
    return None


GROWING = [0.1 * n for n in range(10)]
FLAT = [0.1, 0.3, 0.5, 0.5, 0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    ("values", "arguments", "number"),
    [
        (GROWING, {}, None),
        (FLAT, {}, 6),  # three measurements after the first 0.5
        (FLAT, {"patience": 1}, 4),
        (FLAT, {"patience": 4}, 7),
        (FLAT, {"patience": 5}, None),  # too few measurements
        (FLAT[:5], {}, None),
        # sqrt(2) * 0.01 = 0.01414 is the error of a difference.
        ([0.5, 0.5141, 0.5141, 0.5141], {}, 4),
        ([0.5, 0.5142, 0.5142, 0.5142], {}, None),
        ([0.5, 0.5282, 0.52, 0.52], {"num_errors": 2.0}, 4),
        ([0.5, 0.5283, 0.52, 0.52], {"num_errors": 2.0}, None),
        ([0.5, 0.5001, 0.5001, 0.5001], {"num_errors": 0.0}, None),
        ([0.5, 0.5, 0.5, 0.5], {"num_errors": 0.0}, 4),
        # One good value in the window is growth, whatever comes after it.
        ([0.5, 0.2, 0.2, 0.9, 0.2, 0.2, 0.2], {}, 7),
        # Shrinking is no growth.
        ([0.5, 0.4, 0.3, 0.2], {}, 4),
        # Slow growth that adds up to more than the error within the window.
        ([0.5 + 0.006 * n for n in range(20)], {}, None),
        ([0.5 + 0.004 * n for n in range(20)], {}, 4),
    ],
)
def test_training_stops_when_growth_has_ended(values, arguments, number):
    assert stops_at(values, **arguments) == number


def test_the_errors_of_both_values_count():
    assert stops_at([0.5, 0.52, 0.52, 0.52], error=0.01) is None
    assert stops_at([0.5, 0.52, 0.52, 0.52], error=0.02) == 4


def test_an_unknown_error_stops_nothing():
    assert stops_at(FLAT, error=float("nan")) is None


def test_only_the_data_named_are_read():
    assert stops_at(FLAT, prefix="eval_other") == 6
    callback, state, control = AptEarlyStopping(), TrainerState(), TrainerControl()
    args = TrainingArguments(use_cpu=True, report_to="none")
    state.log_history = [
        {"eval_other_mean_apt": 0.5, "eval_other_mean_apt_standard_error": 0.0, "step": step}
        for step in range(9)
    ]
    state.global_step = 8
    callback.on_evaluate(args, state, control)
    assert not control.should_training_stop


def ends(folder: Path) -> bool:
    """Whether training ends after measurements of 0.5 and 0.52, with the tables in a folder."""
    args = TrainingArguments(str(folder), use_cpu=True, report_to="none")
    state, control = TrainerState(global_step=2), TrainerControl()
    state.log_history = [
        {"step": step, "eval_mean_apt": value, "eval_mean_apt_standard_error": 0.1}
        for step, value in ((1, 0.5), (2, 0.52))
    ]
    AptEarlyStopping(patience=1).on_evaluate(args, state, control)
    return control.should_training_stop


def stalls(folder: Path, hits_2V: Any, support_2V: Any) -> bool:
    """Whether two measurements with such tables end training."""
    files = StepFiles(folder / "apt")
    files.begin(0)
    for step, hits_V, support_V in zip((1, 2), hits_2V, support_2V, strict=True):
        hits_DV = np.stack([np.zeros_like(hits_V), hits_V])
        np.savez(files.claimed("eval", step, "npz"), hits=hits_DV, support=support_V)
    return ends(folder)


def test_the_error_is_that_of_the_difference_paired_by_token(tmp_path):
    """Four tokens grow by 0.02 each, with no error; or two by 0.12 and two shrink by 0.08, with
    an error of 0.0577: the errors of the values themselves, 0.1, say nothing of either."""
    support = np.full(4, 50)
    before = np.array([5, 20, 30, 45])
    assert not stalls(tmp_path / "alike", [before, before + 1], [support] * 2)
    unlike = before + np.array([6, 6, -4, -4])
    assert stalls(tmp_path / "unlike", [before, unlike], [support] * 2)
    # Other tokens were asked: no pairs.
    other = np.array([50, 50, 50, 0])
    assert stalls(tmp_path / "other", [before, before + 1], [support, other])
    (tmp_path / "alike" / "apt" / "eval-step-00000001.npz").write_bytes(b"PK")
    assert ends(tmp_path / "alike")


# In a Trainer. A learning rate of 0 grows nothing.


@pytest.mark.parametrize(("schedule", "evaluated"), [({}, "steps"), ({"every": 1}, "no")])
@pytest.mark.parametrize("learning_rate", [0.0, 0.02])
def test_a_trainer_is_stopped(schedule, evaluated, learning_rate, tokenizer, tmp_path):
    data = premasked(30)
    trainer = trainer_of(
        tmp_path,
        tokenizer,
        train_dataset=data,
        eval_dataset=data,
        data_collator=stacked,
        eval_strategy=evaluated,
        eval_steps=1,
        max_steps=8,
        model=made("bert", scale=1.0),
        learning_rate=learning_rate,
        lr_scheduler_type="constant",
        callbacks=[
            AptCallback(**schedule),
            ConfusionCallback(**schedule),
            AptEarlyStopping(patience=2, num_errors=0.0),
        ],
    )
    trainer.train()
    values = list(scalars(trainer, "eval_mean_apt").values())
    stalled = (n for n in range(3, 9) if max(values[: n - 2]) >= max(values[n - 2 : n]))
    assert len(values) == trainer.state.global_step == next(stalled, 8)
    assert (trainer.state.global_step == 3) == (learning_rate == 0.0)


def test_a_resumed_training_stops_where_it_would_have(tokenizer, tmp_path):
    class Interrupted(TrainerCallback):
        def on_step_begin(self, args, state, control, **event):
            if state.global_step == 3:
                raise KeyboardInterrupt

    def trainer(*others: Any) -> Any:
        data = premasked(9)
        return trainer_of(
            tmp_path,
            tokenizer,
            train_dataset=data,
            eval_dataset=data,
            data_collator=stacked,
            eval_steps=1,
            save_strategy="steps",
            save_steps=2,
            max_steps=9,
            learning_rate=0.0,
            callbacks=[AptCallback(), AptEarlyStopping(patience=4), *others],
        )

    with pytest.raises(KeyboardInterrupt):
        trainer(Interrupted()).train()
    resumed = trainer()
    resumed.train(resume_from_checkpoint=True)
    assert resumed.state.global_step == 5
    assert list(scalars(resumed, "eval_mean_apt")) == [1, 2, 3, 4, 5]
