"""Which arithmetic a training multiplies with: chosen at its start, recorded, taken up again."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from hf_apt.arithmetic.arithmetic import Arithmetic
from hf_apt.arithmetic.clock import trial_clock
from hf_apt.arithmetic.matmul import is_exact, matmul_wanted
from hf_apt.arithmetic.precision import Precision
from hf_apt.arithmetic.step_trial import candidates, chosen, seconds_of
from hf_apt.atomic import writing
from hf_apt.models.devices import has_accelerator, process_state, trains_in_bfloat16
from hf_apt.reading import read_json

RECORD = "arithmetic.json"
"""The file, in the Trainer's folder, that says which arithmetic was chosen."""

FEWEST_STEPS = 500
"""Trainings of fewer steps are not worth a trial of 14, or of 26 where oneDNN is tried, too."""
_LONGEST_STEP = 0.3
"""Seconds of a step in a trial, about: longer ones are tried with fewer sequences."""

Loss = Callable[[int], Tensor]
"""The loss of the first n sequences of a batch; a backward pass is to follow."""


def training_arithmetic(
    precision: Precision,
    model: nn.Module,
    loss: Loss,
    *,
    num_sequences: int,
    num_steps: int,
    of: object = None,
    folder: Path | None = None,
    may_round: bool = True,
) -> Arithmetic:
    """How a training multiplies.

    Where `folder` holds a checkpoint to go on from, what it records comes first, so that a training
    goes on as it began. On a graphics card only the precision is chosen. On a processor ways are
    tried on the training's own step, in turns, each a few times; without a trial, in short
    trainings, torch's own way is taken, in float32 unless `bf16` is asked for. All processes take
    what the main one has chosen, but for a library that is not exact on their own processor.

    Args:
        precision: what is asked for.
        model: what is trained. It has no gradients after a trial; nothing else is changed in it,
            nor in torch's random state.
        loss: the loss of the first n sequences of a batch, with a graph for the backward pass.
        num_sequences: sequences of a step in this process.
        num_steps: steps of the training.
        of: what else the choice depends on, beside the model's modules, such as the length of
            sequences; where all is equal a trial is made once in a process.
        folder: the Trainer's, where the choice is recorded and looked up; None for neither.
        may_round: whether `auto` may take bfloat16 on a processor.

    Returns:
        The arithmetic.

    Raises:
        ValueError: for bf16 on a graphics card that has none, for a record that cannot be read, and
            for a recorded bfloat16 that is not what is asked for any more.
    """
    if precision == "bf16" and has_accelerator() and not trains_in_bfloat16():
        raise ValueError(
            "precision is bf16, and this device does not multiply in bfloat16: take fp32 or auto."
        )
    was_begun = folder is not None and any(folder.glob("checkpoint-*"))
    recorded = _recorded(folder / RECORD, precision) if folder is not None and was_begun else None
    if recorded is not None:
        return recorded
    if has_accelerator():
        is_rounded = precision != "fp32" and trains_in_bfloat16()
        made = Arithmetic(precision="bf16" if is_rounded else "fp32")
    elif num_steps < FEWEST_STEPS or was_begun:  # without a record before there were any
        made = Arithmetic(precision="bf16" if precision == "bf16" else "fp32")
    else:
        tried = "fp32" if precision == "auto" and not may_round else precision
        trained = tuple(weight.requires_grad for weight in model.parameters())
        key = (tried, repr(model), trained, num_sequences, of, torch.get_num_threads())
        if key not in _CHOSEN:
            trial = _Trial(tried, model, loss, num_sequences)
            _CHOSEN[key] = _exact_here(_of_main_process(lambda: _tried(trial)))
        made = _CHOSEN[key]
    if folder is not None and process_state().is_main_process:
        with writing(folder / RECORD) as file:
            json.dump(made.as_json(), file, indent=1)
    return made


_CHOSEN: dict[tuple[object, ...], Arithmetic] = {}
"""What trials of this process have chosen, by all that the choice depends on."""


@dataclass(frozen=True)
class _Trial:
    """What is tried."""

    precision: Precision
    model: nn.Module
    loss: Loss
    num_sequences: int


def _tried(trial: _Trial) -> Arithmetic:
    was_training = trial.model.training
    buffers = [(buffer, buffer.clone()) for buffer in trial.model.buffers()]
    trial.model.train()
    try:
        with torch.random.fork_rng(devices=[]):
            num = _num_tried(trial)

            def step(way: Arithmetic) -> None:
                with way.applied():
                    with way.autocast("cpu"):
                        loss = trial.loss(num)
                    loss.backward()

            return chosen(seconds_of(step, candidates(trial.precision)))
    finally:
        trial.model.train(was_training)
        trial.model.zero_grad(set_to_none=True)
        with torch.no_grad():  # running means move in training mode
            for buffer, before in buffers:
                buffer.copy_(before)


def _num_tried(trial: _Trial) -> int:
    """So many sequences that a step takes no longer than `_LONGEST_STEP`, about."""
    few, clock = min(2, trial.num_sequences), trial_clock()
    trial.loss(few).backward()  # what is made once is made
    began = clock()
    trial.loss(few).backward()
    by_sequence = (clock() - began) / few
    fitting = int(_LONGEST_STEP / max(by_sequence, 1e-9))
    return max(min(fitting, trial.num_sequences), few)


def _of_main_process(make: Callable[[], Arithmetic]) -> Arithmetic:
    state = process_state()
    if state.num_processes == 1:
        return make()
    from accelerate.utils import broadcast_object_list

    made = [make() if state.is_main_process else None]
    broadcast_object_list(made)
    assert made[0] is not None
    return made[0]


def _recorded(path: Path, precision: Precision) -> Arithmetic | None:
    """The arithmetic that `path` records; None if there is no such file.

    Where float32 by oneDNN is not exact on this processor, torch's own library takes its place.
    """
    if not path.exists():
        return None
    try:
        recorded = Arithmetic.from_json(read_json(path))
    except ValueError as error:
        raise ValueError(
            f"{path} does not say how this training multiplies ({error}): delete it, and a new "
            "choice is made, which may differ in the last digits."
        ) from error
    if precision not in ("auto", recorded.precision):
        raise ValueError(
            f"precision is {precision}, and {path.parent} holds a training in "
            f"{recorded.precision}: give the option that it was begun with, or another folder."
        )
    if matmul_wanted() == "default":
        return replace(recorded, matmul="default")
    return _exact_here(recorded, path)


def _exact_here(made: Arithmetic, path: Path | None = None) -> Arithmetic:
    """`made`, with torch's own library where another one rounds on this processor, with a word."""
    if is_exact(made.matmul):
        return made
    where = "another process" if path is None else str(path.parent)
    warnings.warn(
        f"{where} makes float32 products by {made.matmul}, which are not exact on this processor: "
        "torch's own library makes them here, and the last digits may differ.",
        stacklevel=3,
    )
    return replace(made, matmul="default")
