"""What a checkpoint's own MLM head answers after its last block: from a run, or asked of texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.tokens import write_tokens
from hf_apt.depths.measurement import measure
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.records.fingerprints import checkpoint_identity, is_same_checkpoint
from hf_apt.records.run import Run
from hf_apt.stats.counts import DepthCounts, PairCounts

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


def counts_in_run(run: Run, checkpoint: str) -> DepthCounts | None:
    """The counts of the own head at every depth, where `run` has measured this very checkpoint.

    Of a checkpoint of the Hub that is not here, it is the one that was last read from there.
    """
    if "own_head" not in run.readouts() or not run.path("model.json").exists():
        return None
    same = is_same_checkpoint(run.read_json("model.json"), checkpoint_identity(checkpoint))
    return run.counts("own_head") if same else None


def counts_of_texts(
    model: PreTrainedModel,
    tokenizer: Any,
    texts: Sequence[str],
    folder: Path,
    config: MeasureConfig,
    *,
    sequence_length: int,
) -> PairCounts:
    """The counts after the last block of `model` over the first tokens of each of `texts`.

    The tokens are written to `folder`. Raises ValueError where they do not fit the model.
    """
    tokens = write_tokens(
        folder,
        texts,
        tokenizer,
        sequence_length=sequence_length,
        layout="first",
        num_documents=len(texts),
    )
    trunk = Trunk(model)
    head = OwnHead(trunk)

    def last(hidden_DNH: Tensor) -> Tensor:
        # For all depths, of which only the last is read: to decode them all takes D times as long.
        return head(hidden_DNH[-1:]).expand(len(hidden_DNH), -1)

    readouts = measure(
        trunk, tokens, {"own_head": last}, config, measures=(), label="Asking for tokens"
    )
    return readouts["own_head"].counts.at(trunk.num_depths - 1)
