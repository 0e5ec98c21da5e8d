"""The decoders of a run: the model's own head, and heads trained for each depth, made once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hf_apt.data.tokens import Tokens
from hf_apt.depths.decoded import SweepingDecoder
from hf_apt.depths.head_config import HeadKind
from hf_apt.depths.heads import DepthHeads
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.devices import process_state
from hf_apt.records.run import Run
from hf_apt.training.head_training import train_heads
from hf_apt.training.sharding import unsharded

if TYPE_CHECKING:
    from hf_apt.runs.recipes import RunConfig


def decoders(
    trunk: Trunk, train: Tokens, config: RunConfig, run: Run
) -> dict[str, SweepingDecoder]:
    """The decoder of each readout by name; heads are trained and saved where they are not yet.

    Kinds that are missing are trained together, each draw read once by the trunk.
    """
    paths: dict[HeadKind, Path] = {
        kind: run.path(f"heads/{kind}.safetensors") for kind in config.head_kinds
    }
    missing: list[HeadKind] = [kind for kind, path in paths.items() if not path.exists()]
    trained: dict[HeadKind, DepthHeads] = {}
    if missing:
        with unsharded():
            trained = train_heads(trunk, train, missing, config.heads, run.path("training/heads"))
        if process_state().is_main_process:
            for kind, heads in trained.items():
                heads.save(paths[kind])
    by_readout: dict[str, SweepingDecoder] = {"own_head": OwnHead(trunk)}
    for kind, path in paths.items():
        heads = trained[kind] if kind in trained else DepthHeads.load(path, kind)
        by_readout[kind] = heads.to(trunk.model.device)
    return by_readout
