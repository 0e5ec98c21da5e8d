"""Short trainings of masked LMs, which write down gradients, weights and losses.

Run by tests in their own process; as a script, under torchrun, with a JSON list of `trained`'s
arguments.
"""

import json
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from small_trainers import MASKED, SMALL, made, stacked
from transformers import Trainer, TrainerCallback, TrainingArguments
from workers.objectives import GradientsKept

import hf_apt
from trainer_callbacks import LossCheckCallback

BATCH_SIZE = 8
NUM_STEPS = 3
NUM_MASKED = (0, 0, 7, 1, 2, 8, 0, 3)
"""Of the rows of a step: uneven, and none in the first two."""


def bert6() -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        sizes = SMALL | {"num_hidden_layers": 2, "initializer_range": 0.2}
        return hf_apt.Bert6ForMaskedLM(hf_apt.Bert6Config(**sizes))


FAMILIES: dict[str, Callable[[], Any]] = {
    **{family: lambda family=family: made(family) for family in MASKED},
    "bert6": bert6,
}


def model_of(family: str, *, dtype: torch.dtype = torch.float64) -> Any:
    """A model of a family without dropout."""
    model = FAMILIES[family]()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return model.to(dtype)


def rows(num: int = NUM_STEPS * BATCH_SIZE, *, masked: tuple[int, ...] = NUM_MASKED) -> list[dict]:
    """Sequences of eight tokens, of which as many are masked as `masked` says, in turn."""
    generator = np.random.default_rng(1)
    result = []
    for number in range(num):
        true = generator.integers(5, 65, 8)
        is_asked = np.arange(8) < masked[number % len(masked)]
        generator.shuffle(is_asked)
        result.append(
            {
                "input_ids": np.where(is_asked, 4, true).tolist(),
                "labels": np.where(is_asked, true, -100).tolist(),
            }
        )
    return result


def trainer_of(
    folder: str,
    family: str,
    *,
    kind: str = "mixin",
    accumulation_steps: int = 1,
    data: list[dict] | None = None,
    model: Any = None,
    callbacks: Any = (),
    **changed: Any,
) -> Trainer:
    """A Trainer of `NUM_STEPS` steps by gradient descent; `kind` says whose the loss is."""
    num_parts = int(os.environ.get("WORLD_SIZE", "1")) * accumulation_steps
    own = {"data_collator": changed.pop("data_collator", stacked)}
    if kind == "function":
        own["compute_loss_func"] = hf_apt.masked_lm_loss
    elif "compute_loss_func" in changed:
        own["compute_loss_func"] = changed.pop("compute_loss_func")
    arguments = {
        "output_dir": folder,
        "max_steps": NUM_STEPS,
        "per_device_train_batch_size": BATCH_SIZE // num_parts,
        "per_device_eval_batch_size": BATCH_SIZE // num_parts,
        "gradient_accumulation_steps": accumulation_steps,
        "train_sampling_strategy": "sequential",
        "learning_rate": 0.05,
        "optim": "sgd",
        "max_grad_norm": 0.0,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "use_cpu": True,
        "disable_tqdm": True,
        "seed": 5,
    }
    return (hf_apt.WithMaskedLMLoss if kind == "mixin" else Trainer)(
        model=model_of(family) if model is None else model,
        args=TrainingArguments(**arguments | changed),
        train_dataset=rows() if data is None else data,
        eval_dataset=rows(23),
        callbacks=list(callbacks),
        **own,
    )


def trained(family: str, folder: str, **options: Any) -> dict[str, np.ndarray]:
    """Gradients by step and weight, weights at the end, losses by step, the evaluation's loss."""
    gradients = GradientsKept()
    trainer = trainer_of(folder, family, **options)
    trainer.add_callback(gradients)
    trainer.train()
    evaluated = trainer.evaluate()
    model: Any = trainer.accelerator.unwrap_model(trainer.model)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return {
        **{
            f"gradient {step} {name}": gradient
            for step, of_step in enumerate(gradients.steps)
            for name, gradient in of_step.items()
        },
        **{f"weight {name}": each.detach().numpy() for name, each in model.named_parameters()},
        "losses": np.array(losses),
        "eval_loss": np.array(evaluated["eval_loss"]),
    }


class _Stops(TrainerCallback):
    def on_step_end(self, args, state, control, **kwargs):
        control.should_training_stop = state.global_step >= NUM_STEPS


def checked(family: str, folder: str, **options: Any) -> list[str]:
    """What `LossCheckCallback` says in the first `NUM_STEPS` steps of a training."""
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())
    logger = logging.getLogger("trainer_callbacks.loss_check")
    logger.addHandler(handler)
    callbacks = [LossCheckCallback(), _Stops()]
    try:
        trainer_of(folder, family, callbacks=callbacks, **options).train()
    finally:
        logger.removeHandler(handler)
    return said


if __name__ == "__main__":
    for number, asked in enumerate(json.loads(sys.argv[1])):
        is_check = asked.pop("check", False)
        kept = {"said": np.array(checked(**asked))} if is_check else trained(**asked)
        np.savez(Path(asked["folder"]) / f"{number}-{os.environ['RANK']}.npz", **kept)
