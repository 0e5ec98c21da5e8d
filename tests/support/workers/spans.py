"""A short training on spans, which writes down the gradients of every step and what is logged.

Run by tests in their own process; as a script, under torchrun, with a folder and an arm.
"""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from span_tokenizers import encoder_for, grammar, tokenizer_of
from workers.objectives import GradientsKept

from hf_apt.spans.ner_config import NerConfig
from hf_apt.spans.span_draws import SpanDraws
from hf_apt.spans.span_model import SpanModel
from hf_apt.spans.span_rows import SpanRows
from hf_apt.spans.training import TrainingWays, span_trainer
from hf_apt.training.finetune_config import FinetuneConfig

LABELS = ("person", "place")


def span_training(folder: Path, arm: str = "spans", ways: Any = None, **changed: Any) -> Any:
    """A Trainer of a tiny model on one sentence, 14 rows an epoch, in batches of 8."""
    settings: dict[str, Any] = {"num_epochs": 3, "batch_size": 8, "sequence_length": 48}
    config = NerConfig(
        max_span_words=2,
        max_rows=14,
        finetune=FinetuneConfig(**settings | {"learning_rate": 1e-3, "seed": 5} | changed),
    )
    tokenizer = tokenizer_of("bert")
    rows = SpanRows(tokenizer, config.form(arm))
    draws = SpanDraws(grammar(1), rows, LABELS, num_epochs=3, seed=5, max_rows=14, multiple_of=8)
    model = SpanModel.on_trunk(encoder_for(tokenizer).base_model, LABELS, rows.form, seed=5)
    trainer = span_trainer(model, draws, config.finetune, folder, ways or TrainingWays())
    trainer.args.max_grad_norm = 0.0
    trainer.args.logging_steps = 1
    return trainer


def gradients_of(trainer: Any) -> dict[str, np.ndarray]:
    """Gradients by step and weight, and what was logged, of a whole training."""
    kept = GradientsKept()
    trainer.add_callback(kept)
    trainer.train()
    figures = {
        f"{step}.{name}": gradient
        for step, of_step in enumerate(kept.steps)
        for name, gradient in of_step.items()
    }
    for entry in trainer.state.log_history:
        if "loss" in entry:
            for name in ("loss", "type_loss"):
                figures[f"{entry['step']}.{name}"] = np.array(entry[name])
    return figures


if __name__ == "__main__":
    place = Path(sys.argv[1])
    kept: Any = gradients_of(span_training(place / "trainer", sys.argv[2]))
    np.savez(place / f"{os.environ['RANK']}.npz", **kept)
