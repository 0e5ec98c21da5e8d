"""Training with the callbacks is training without, to the bit; a resume leaves no trace."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_trainers import made, premasked, rows, scalars, stacked, trainer_of
from transformers import DataCollatorForLanguageModeling, Trainer, TrainerCallback

from hf_apt import atomic
from hf_apt.depths.head_config import HeadConfig
from trainer_callbacks import (
    AptCallback,
    AptEarlyStopping,
    AptPlotCallback,
    ConfusionCallback,
)
from trainer_callbacks.files import StepFiles


def generators() -> list[Any]:
    """The state of everybody's random numbers."""
    numpy = [np.asarray(part).tolist() for part in np.random.get_state()]  # noqa: NPY002
    return [torch.get_rng_state().tolist(), random.getstate(), numpy]


FEW_STEPS = HeadConfig(num_steps=3, batch_size=4)

CALLBACKS = {
    "at evaluations": lambda: [
        AptCallback(),
        ConfusionCallback(),
        AptPlotCallback(),
        AptEarlyStopping(patience=9),
    ],
    "at every step": lambda: [
        AptCallback(every=1, eval_dataset=rows(9, seed=8)),
        ConfusionCallback(at_steps=(2, 3), seed=4),
        AptPlotCallback(),
        AptEarlyStopping(patience=9),
    ],
    "with heads": lambda: [
        AptCallback(heads="both", heads_at="measurement", head_config=FEW_STEPS),
        ConfusionCallback(),
        AptPlotCallback(),
        AptEarlyStopping(patience=9),
    ],
}


class Trajectory:
    """All that a training is."""

    def __init__(
        self, folder: Path, tokenizer: Any, family: str, callbacks: list[Any], **changed: Any
    ):
        # Dropout is drawn, masks are drawn, examples are shuffled.
        changed = {"logging_steps": 1, "callbacks": callbacks} | changed
        trainer = trainer_of(folder, tokenizer, family, **changed)
        random.seed(3)
        np.random.seed(3)  # noqa: NPY002
        trainer.train()
        self.weights = {name: value.clone() for name, value in trainer.model.state_dict().items()}
        self.losses = [
            (entry["step"], name, entry[name])
            for entry in trainer.state.log_history
            for name in ("loss", "grad_norm", "learning_rate", "eval_loss")
            if name in entry
        ]
        self.generators = generators()
        self.num_entries = len(trainer.state.log_history)


@pytest.mark.parametrize("family", ["bert", pytest.param("gpt2", marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", CALLBACKS)
def test_the_trajectory_is_the_same_to_the_bit(kind, family, tokenizer, tmp_path):
    alone = Trajectory(tmp_path / "alone", tokenizer, family, [])
    observed = Trajectory(tmp_path / "observed", tokenizer, family, CALLBACKS[kind]())
    assert observed.num_entries > alone.num_entries
    assert len(alone.losses) == 6 * 3 + 3
    assert observed.losses == alone.losses
    assert observed.generators == alone.generators
    assert observed.weights.keys() == alone.weights.keys()
    for name, weight in alone.weights.items():
        assert torch.equal(observed.weights[name], weight), name


@pytest.mark.usefixtures("quick_pictures")
def test_a_model_that_draws_when_it_is_asked_is_not_disturbed(tokenizer, tmp_path):
    def drawing() -> Any:
        model = made("bert")
        model.bert.encoder.layer[0].register_forward_hook(
            lambda *_: (torch.rand(1), random.random(), np.random.random()) and None  # noqa: NPY002
        )
        return model

    alone = Trajectory(tmp_path / "alone", tokenizer, "bert", [], model=drawing())
    for kind, make in CALLBACKS.items():
        observed = Trajectory(tmp_path / kind, tokenizer, "bert", make(), model=drawing())
        assert observed.losses == alone.losses
        assert observed.generators == alone.generators


def test_a_collator_with_a_generator_of_its_own_goes_on_with_it(tokenizer, tmp_path):
    states = []
    with_heads = AptCallback(heads="linear", heads_at="measurement", head_config=FEW_STEPS)
    others = [AptCallback(every=1), ConfusionCallback()]
    for callbacks in ([], others, [with_heads], [AptCallback(heads="mlm", head_config=FEW_STEPS)]):
        collate = DataCollatorForLanguageModeling(tokenizer, seed=7)
        folder = tmp_path / str(len(states))
        trainer = trainer_of(folder, tokenizer, data_collator=collate, callbacks=callbacks)
        trainer.train()
        states.append((scalars(trainer, "loss"), collate.generator.get_state().tolist()))
    assert all(state == states[0] for state in states[1:])


class Seen(TrainerCallback):
    """What a callback finds, before or after the measurement."""

    def __init__(self) -> None:
        self.found: list[Any] = []

    def see(self, control: Any, model: Any) -> None:
        modules = [(name, module.training) for name, module in model.named_modules()]
        inside = [
            (name, sorted(module.__dict__), len(module._forward_hooks))
            for name, module in model.named_modules()
        ]
        gradients = [
            (weight.requires_grad, None if weight.grad is None else weight.grad.sum().item())
            for weight in model.parameters()
        ]
        self.found.append((modules, inside, gradients, dict(vars(control)), generators()))

    def on_step_end(self, args, state, control, *, model, **event):
        self.see(control, model)

    def on_evaluate(self, args, state, control, *, model, **event):
        self.see(control, model)


class SeenBefore(Seen):
    pass


class SeenAfter(Seen):
    pass


@pytest.mark.usefixtures("quick_pictures")
@pytest.mark.parametrize("kind", CALLBACKS)
def test_model_gradients_generators_and_flags_are_left_as_found(kind, tokenizer, tmp_path):
    before, after = SeenBefore(), SeenAfter()
    callbacks = [before, *CALLBACKS[kind](), after]
    trainer_of(tmp_path, tokenizer, logging_steps=1, callbacks=callbacks).train()
    assert len(before.found) == 9  # six steps and three evaluations
    assert after.found == before.found
    assert {flags["should_log"] for _, _, _, flags, _ in before.found} == {True, False}
    assert any(flags["should_evaluate"] for _, _, _, flags, _ in before.found)
    assert {dict(modules)[""] for modules, *_ in before.found} == {True, False}


# Resuming.


class InterruptedError(Exception):
    """Stands for whatever ends a process."""


class Interrupted(TrainerCallback):
    """Ends training at a step, as nothing can prevent."""

    def __init__(self, at_step: int):
        self.at_step = at_step

    def on_step_begin(self, args, state, control, **event):
        if state.global_step == self.at_step:
            raise InterruptedError


def measured(trainer: Trainer) -> list[tuple[float, str, float]]:
    """Everything that was logged and does not depend on the clock, in order."""
    return [
        (entry["step"], name, value)
        for entry in trainer.state.log_history
        for name, value in sorted(entry.items())
        if not name.endswith(("runtime", "per_second")) and name != "train_loss"
    ]


def tables(folder: Path) -> dict[str, Any]:
    """The tables of a run, as they read."""
    found: dict[str, Any] = {}
    for path in sorted(folder.glob("apt/*")) + sorted(folder.glob("confusion/*")):
        name = f"{path.parent.name}/{path.name}"
        if path.suffix == ".npz":
            with np.load(path) as arrays:
                found[name] = {key: arrays[key].tolist() for key in arrays.files}
        elif path.suffix == ".json":
            found[name] = json.loads(path.read_text())
        else:
            found[name] = path.read_bytes()[:4]
    return found


def resumable(folder: Path, tokenizer: Any, kind: str, *others: Any) -> Trainer:
    """Training examples are masked beforehand: a Trainer that resumes does not draw masks again."""
    masked = DataCollatorForLanguageModeling(tokenizer)
    return trainer_of(
        folder,
        tokenizer,
        train_dataset=premasked(40),
        data_collator=lambda held: stacked(held) if "labels" in held[0] else masked(held),
        callbacks=[*CALLBACKS[kind](), *others],
        max_steps=8,
        logging_steps=1,
        save_strategy="steps",
        save_steps=3,
    )


@pytest.fixture(scope="module")
def whole_trainings() -> dict[str, tuple[Trainer, Path]]:
    """Trainings that were never interrupted, with their folders, by the kind of their callbacks."""
    return {}


@pytest.mark.usefixtures("quick_pictures")
@pytest.mark.parametrize("at_step", [4, pytest.param(5, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", CALLBACKS)
def test_a_resumed_training_has_every_step_once(
    kind, at_step, tokenizer, tmp_path, whole_trainings
):
    """Interrupted after an evaluation behind the last checkpoint, or between evaluations."""
    if kind not in whole_trainings:
        trainer = resumable(tmp_path / "whole", tokenizer, kind)
        trainer.train()
        whole_trainings[kind] = (trainer, tmp_path / "whole")
    whole, whole_folder = whole_trainings[kind]
    folder = tmp_path / "resumed"
    with pytest.raises(InterruptedError):
        resumable(folder, tokenizer, kind, Interrupted(at_step)).train()
    assert 4 in StepFiles(folder / "apt").steps()
    # A kill in the middle of writing the next tables.
    files = StepFiles(folder / "apt")
    files.claimed("eval", 6, "npz")
    (folder / "apt" / ".eval-step-00000006.npz.a1b2c3_4").write_bytes(b"PK")
    files.claimed("eval", 7, "json").write_text('{"step":')

    resumed = resumable(folder, tokenizer, kind)
    resumed.train(resume_from_checkpoint=True)
    assert measured(resumed) == measured(whole)
    steps = list(scalars(resumed, "eval_mean_apt"))
    assert steps == (list(range(1, 9)) if kind == "at every step" else [2, 4, 6, 8])
    assert tables(folder) == tables(whole_folder)
    assert StepFiles(folder / "apt").steps() == steps
    assert StepFiles(folder / "apt").steps(kind="png") == steps


@pytest.mark.usefixtures("quick_pictures")
def test_a_training_from_the_beginning_drops_the_tables_of_the_one_before(tokenizer, tmp_path):
    callbacks = [AptCallback(), ConfusionCallback(), AptPlotCallback()]
    trainer_of(tmp_path, tokenizer, callbacks=callbacks).train()
    others = tmp_path / "apt" / "notes.txt", tmp_path / "apt" / "eval-step-6.json"
    for path in others:
        path.write_text("mine")
    callbacks = [AptCallback(), ConfusionCallback()]
    trainer_of(tmp_path, tokenizer, max_steps=3, callbacks=callbacks).train()
    assert StepFiles(tmp_path / "apt").steps() == [2, 3]
    assert StepFiles(tmp_path / "apt").steps(kind="png") == []
    assert StepFiles(tmp_path / "confusion").steps(kind="npz") == [2, 3]
    assert all(path.read_text() == "mine" for path in others)


def test_a_table_is_under_its_name_whole_or_not_at_all(tokenizer, tmp_path, monkeypatch):
    """Whatever is seen there at the moment when a file gets its name can be read."""
    replace, seen = atomic.os.replace, []

    def checked(source: Any, target: Any) -> None:
        if Path(target).name == ".files.json":
            replace(source, target)
            return
        assert not Path(target).exists()
        if str(target).endswith(".json"):
            json.loads(Path(source).read_text())
        elif str(target).endswith(".npz"):
            with np.load(source) as arrays:
                assert all(arrays[name] is not None for name in arrays.files)
        seen.append(Path(target).name)
        replace(source, target)

    monkeypatch.setattr(atomic.os, "replace", checked)
    callbacks = [AptCallback(), ConfusionCallback(), AptPlotCallback()]
    trainer_of(tmp_path, tokenizer, max_steps=2, callbacks=callbacks).train()
    kinds = ("json", "npz", "png")
    assert sorted(seen) == sorted([f"eval-step-00000002.{kind}" for kind in kinds] * 2)
