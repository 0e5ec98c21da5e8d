"""A short pre-training that writes down what it saw, lost and stepped along.

Run by tests in their own process; as a script, under torchrun or to be killed, with a JSON object
of `pretraining`'s arguments, or a list of several.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import Trainer, TrainerCallback

from hf_apt.cli.spelling.masking_laws import masking_law_of
from hf_apt.data.tokens import Tokens
from hf_apt.models.fresh import new_model
from hf_apt.models.shapes import ModelShape
from hf_apt.training.pretrain_config import PretrainConfig
from hf_apt.training.pretraining import pretrain, pretrainer

NUM_STEPS = 8
BATCH_SIZE = 8
SAVE_EVERY = 3


class GradientsKept(TrainerCallback):
    """Keeps the gradients of every step."""

    def __init__(self) -> None:
        self.steps: list[dict[str, np.ndarray]] = []

    def on_pre_optimizer_step(self, args, state, control, *, model, **kwargs):
        self.steps.append(
            {
                name.removeprefix("module."): weight.grad.numpy().copy()
                for name, weight in model.named_parameters()
                if weight.grad is not None
            }
        )


class Killed(TrainerCallback):
    """Ends the process at a step, as nothing can prevent."""

    def __init__(self, at_step: int):
        self.at_step = at_step

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == self.at_step:
            os.kill(os.getpid(), signal.SIGKILL)


def ceiling_of(tokens: Tokens) -> np.ndarray:
    """(V,) a best accuracy for each token, drawn at random; special tokens have none."""
    size = tokens.description.vocab_size
    ceiling_V = np.random.default_rng(4).uniform(0.0, 1.0, size)
    ceiling_V[list(tokens.description.special_ids)] = np.nan
    return ceiling_V


def trainer_of(
    tokens: str,
    folder: str,
    *,
    dropout: float,
    accumulation_steps: int = 1,
    masking_law: str | None = None,
    callbacks: tuple[TrainerCallback, ...] = (),
    **changed: Any,
) -> Trainer:
    held = Tokens(Path(tokens))
    law = masking_law_of(masking_law) if masking_law else None
    shape = ModelShape(hidden_size=16, num_heads=2, num_blocks=2, dropout=dropout)
    config = PretrainConfig(
        num_steps=NUM_STEPS,
        batch_size=BATCH_SIZE,
        accumulation_steps=accumulation_steps,
        masking_law=law,
        learning_rate=1e-2,
        windows=((8, 0.5),) if held.description.layout == "packed" else (),
        save_every=SAVE_EVERY,
        seed=5,
        num_validation_sequences=16,
        **changed,
    )
    model = new_model(shape, held, seed=5)
    ceiling_V = ceiling_of(held) if law is not None and law.needs_ceiling else None
    trainer = pretrainer(
        *(model, held, held, config, Path(folder)), callbacks=callbacks, ceiling_V=ceiling_V
    )
    # A cut gradient would hide that it is too large.
    trainer.args.max_grad_norm = 0.0
    return trainer


def pretraining(
    tokens: str,
    folder: str,
    *,
    accumulation_steps: int = 1,
    masking_law: str | None = None,
    kept: str | None = None,
) -> dict[str, Any]:
    """Without dropout: the losses, and in `kept` the gradients and examples of this process."""
    gradients = GradientsKept()
    trainer = trainer_of(
        tokens,
        folder,
        dropout=0.0,
        accumulation_steps=accumulation_steps,
        masking_law=masking_law,
        callbacks=(gradients,),
    )
    shown: list[np.ndarray] = []

    def show(module: torch.nn.Module, arguments: Any, named: dict[str, torch.Tensor]) -> None:
        if module.training:
            shown.append(named["input_ids"].numpy().copy())

    trainer.model.register_forward_pre_hook(show, with_kwargs=True)
    result = pretrain(trainer)
    if kept is not None:
        arrays = {
            f"{step}.{name}": gradient
            for step, of_step in enumerate(gradients.steps)
            for name, gradient in of_step.items()
        }
        np.savez(kept, shown=np.stack(shown), **arrays)
    return result | {"losses": logged(trainer)}


def logged(trainer: Trainer) -> dict[str, float]:
    """Every training and held-out loss that was logged, by step."""
    return {
        f"{entry['step']}.{name}": entry[name]
        for entry in trainer.state.log_history
        for name in ("loss", "eval_loss")
        if name in entry
    }


def until_killed(tokens: str, folder: str, *, at_step: int) -> None:
    """With dropout, until the end of a step."""
    pretrain(trainer_of(tokens, folder, dropout=0.1, callbacks=(Killed(at_step),)))


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    rank = os.environ.get("RANK", "0")
    for asked in given if isinstance(given, list) else [given]:
        if "at_step" in asked:
            until_killed(**asked)
        kept = asked["kept"].format(rank=rank)
        Path(kept).with_suffix(".json").write_text(
            json.dumps(pretraining(**asked | {"kept": kept}))
        )
