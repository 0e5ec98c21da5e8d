"""Laws of a Trainer with an arithmetic: it holds within its calls, and nowhere else."""

from typing import Any

import pytest
import torch
from torch import nn
from transformers import TrainingArguments

from hf_apt.arithmetic.arithmetic import Arithmetic
from hf_apt.training.objective_trainer import trainer_with
from hf_apt.training.objectives.entropy import ConfidencePenalty
from hf_apt.training.with_arithmetic import WithArithmetic

MATH = Arithmetic(attention="math")


class Seeing(nn.Module):
    """A model that notes whether torch's flash attention is on."""

    def __init__(self, seen: list[bool]):
        super().__init__()
        self.seen = seen
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor, labels: Any = None, **_: Any) -> dict[str, torch.Tensor]:
        self.seen.append(torch.backends.cuda.flash_sdp_enabled())
        return {"loss": (self.weight * x).sum(), "logits": x}


def trainer_of(made: Any, folder: Any, seen: list[bool]) -> Any:
    arguments = TrainingArguments(
        output_dir=str(folder), max_steps=2, use_cpu=True, report_to="none", save_strategy="no"
    )
    rows = [{"x": torch.ones(1)} for _ in range(8)]
    return made(model=Seeing(seen), args=arguments, train_dataset=rows, eval_dataset=rows)


def test_settings_hold_in_its_calls_alone(tmp_path):
    seen: list[bool] = []
    trainer = trainer_of(trainer_with((), MATH), tmp_path, seen)
    assert isinstance(trainer, WithArithmetic)
    for call in (trainer.train, trainer.evaluate, lambda: trainer.predict(trainer.eval_dataset)):
        seen.clear()
        call()
        assert seen
        assert not any(seen)
        assert torch.backends.cuda.flash_sdp_enabled()


def test_without_one_torch_is_as_it_is(tmp_path):
    seen: list[bool] = []
    trainer_of(trainer_with(()), tmp_path, seen).train()
    assert all(seen)


def test_an_error_in_training_leaves_torch_as_it_was(tmp_path):
    trainer = trainer_of(trainer_with((), MATH), tmp_path, [])
    trainer.train_dataset = [{"y": 1}] * 8
    with pytest.raises(ValueError, match="."):
        trainer.train()
    assert torch.backends.cuda.flash_sdp_enabled()


def test_it_goes_with_objectives(tmp_path):
    made = trainer_with((ConfidencePenalty(weight=0.1),), MATH)
    trainer: Any = trainer_of(made, tmp_path, [])
    assert trainer.arithmetic == MATH
    assert trainer.objectives == (ConfidencePenalty(weight=0.1),)
