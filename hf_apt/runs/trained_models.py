"""What pre-training leaves in a run's folder: one checkpoint, or that of two models and each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hf_apt.records.fingerprints import checkpoint_identity
from hf_apt.records.run import Run
from hf_apt.runs.saved_models import save_model

if TYPE_CHECKING:
    from hf_apt.data.tokens import Tokens
    from hf_apt.runs.recipes import RunConfig

PARTS = ("generator", "discriminator")
"""Folders of two models that were trained together, each a checkpoint beside that of both."""


def require_one_model(config: RunConfig) -> None:
    """Raise ValueError for a generator and its discriminator, of which no one page can tell."""
    if config.shape.generator is not None:
        raise ValueError(
            "a generator and its discriminator are two models, which `hf-apt pretrain` trains: "
            "give it these options, then measure FOLDER/generator, fine-tune FOLDER/discriminator, "
            "and see what the discriminator tells by `hf-apt selection FOLDER`."
        )


def save_trained(config: RunConfig, run: Run, trained: Any, result: dict, train: Tokens) -> None:
    """Write `checkpoint/`, a generator and discriminator beside it, and then `training.json`."""
    save_model(run, trained, run.path("checkpoint"))
    for name in PARTS if config.shape.generator else ():
        save_model(run, getattr(trained, f"{name}_model")(), run.path(name))
    seen = config.pretrain.num_steps * config.pretrain.batch_size
    tokens_seen = round(seen * train.description.num_tokens / train.description.num_sequences)
    run.write_json(
        "training.json",
        result
        | {
            "num_sequences_seen": seen,
            "num_tokens_seen": tokens_seen,
        }
        | checkpoint_identity(str(run.path("checkpoint"))),
    )
