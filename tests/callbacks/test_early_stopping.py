"""Laws of stopping when mean APT has stopped growing, on histories with known answers."""

from typing import Any

import pytest
from small_trainers import made, premasked, scalars, stacked, trainer_of
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from trainer_callbacks import AptCallback, AptEarlyStopping, ConfusionCallback


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
                f"{prefix}_mean_apt_stderr": error,
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
        {"eval_other_mean_apt": 0.5, "eval_other_mean_apt_stderr": 0.0, "step": step}
        for step in range(9)
    ]
    state.global_step = 8
    callback.on_evaluate(args, state, control)
    assert not control.should_training_stop


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
