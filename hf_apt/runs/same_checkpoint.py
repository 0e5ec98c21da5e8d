"""Whether the checkpoint to be measured is the one that a run's folder holds figures of."""

from __future__ import annotations

from pathlib import Path

from hf_apt.records.fingerprints import checkpoint_identity, is_same_checkpoint
from hf_apt.records.run import Run
from hf_apt.records.summary_record import TRAINING


def require_trained_checkpoint(run: Run, checkpoint: str) -> None:
    """Raise ValueError if the run's own checkpoint is not the one that its training left."""
    own = run.path("checkpoint")
    if Path(checkpoint) != own or not run.path("training.json").exists():
        return
    trained = run.read_json("training.json", *TRAINING)
    if "weights" in trained and not is_same_checkpoint(trained, checkpoint_identity(checkpoint)):
        raise ValueError(
            f"the model in {own} is not the one that training left there: put its weights and its "
            "config.json back, or delete the folder and training.json, and the same command trains "
            "to the end again."
        )


def require_same_checkpoint(run: Run, checkpoint: str) -> None:
    """Raise ValueError if what the run holds was measured with another checkpoint."""
    if not run.readouts() or not run.path("model.json").exists():
        return
    before, now = run.read_json("model.json", "weights"), checkpoint_identity(checkpoint)
    # Unknown are those of the Hub until they are loaded, and were those of the Hub once.
    known = None not in (before["weights"], now["weights"])
    if known and not is_same_checkpoint(before, now):
        raise ValueError(
            f"{run.folder} holds the measurement of another checkpoint, not of {checkpoint}: "
            "choose another --output, or delete the folder."
        )
