"""What a run knows of a checkpoint's own head."""

from __future__ import annotations

from hf_apt.records.fingerprints import checkpoint_identity, is_same_checkpoint
from hf_apt.records.run import Run
from hf_apt.stats.counts import DepthCounts


def counts_in_run(run: Run, checkpoint: str) -> DepthCounts | None:
    """The counts of the own head at every depth, where `run` has measured this very checkpoint.

    Of a checkpoint of the Hub that is not here, it is the one that was last read from there.
    """
    if "own_head" not in run.readouts() or not run.path("model.json").exists():
        return None
    same = is_same_checkpoint(run.read_json("model.json"), checkpoint_identity(checkpoint))
    return run.counts("own_head") if same else None
