"""The decoders of a run: the model's own head, and heads trained for each depth, made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hf_apt.depth_pass import Decoder
from hf_apt.heads import DepthHeads, train_heads
from hf_apt.records import Run
from hf_apt.tokens import Tokens
from hf_apt.trunk import OwnHead, Trunk

if TYPE_CHECKING:
    from hf_apt.recipes import RunConfig


def decoders(trunk: Trunk, train: Tokens, config: RunConfig, run: Run) -> dict[str, Decoder]:
    """The decoder of each readout by name; heads are trained and saved where they are not yet."""
    found: dict[str, Decoder] = {"own_head": OwnHead(trunk)}
    for kind in config.head_kinds:
        path = run.path(f"heads/{kind}.safetensors")
        if path.exists():
            heads = DepthHeads.load(path, kind)
        else:
            heads = train_heads(trunk, train, kind, config.heads, run.path("training/heads"))
            heads.save(path)
        found[kind] = heads.to(trunk.model.device)
    return found
