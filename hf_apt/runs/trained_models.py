"""What pre-training leaves in a run's folder: one checkpoint, or that of two models and each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hf_apt.atomic import writing
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
    """Write `checkpoint/`, a generator and discriminator or a head over pairs beside it.

    `training.json` is written last.
    """
    save_model(run, trained, run.path("checkpoint"))
    save_pair_head(run)
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


def save_pair_head(run: Run) -> None:
    """Copy the head over pairs that the training has left, if any; one of another goes."""
    from hf_apt.training.pairs.head_file import HEAD_FILE

    trained, kept = run.path("training") / HEAD_FILE, run.path(HEAD_FILE)
    kept.unlink(missing_ok=True)
    if trained.exists():
        with writing(kept, "wb") as file:
            file.write(trained.read_bytes())
