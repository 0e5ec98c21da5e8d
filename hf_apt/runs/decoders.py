"""The decoders of a run: the model's own head, and heads trained for each depth, made once."""

from __future__ import annotations

import hashlib
import json
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from hf_apt.data.tokens import Tokens
from hf_apt.depths.decoded import SweepingDecoder
from hf_apt.depths.head_config import HeadKind
from hf_apt.depths.heads import DepthHeads
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.devices import process_state
from hf_apt.models.weights_digest import model_digest
from hf_apt.records.fingerprints import file_fingerprint
from hf_apt.records.run import Run
from hf_apt.training.head_training import train_heads
from hf_apt.training.sharding import unsharded

if TYPE_CHECKING:
    from hf_apt.runs.recipes import RunConfig


def decoders(
    trunk: Trunk, train: Tokens, config: RunConfig, run: Run
) -> dict[str, SweepingDecoder]:
    """The decoder of each readout by name; heads are trained and saved where they are not yet.

    Heads on disk that are broken, or of another model, text or training, are trained again, with a
    warning. Kinds that are missing are trained together, each draw read once by the trunk.
    """
    paths: dict[HeadKind, Path] = {
        kind: run.path(f"heads/{kind}.safetensors") for kind in config.head_kinds
    }
    made_from = _made_from(trunk, train, config, run)
    kept: dict[HeadKind, DepthHeads] = {}
    for kind, path in paths.items():
        if path.exists():
            try:
                kept[kind] = DepthHeads.load(path, kind, made_from)
            except ValueError as error:
                warnings.warn(f"{error} They are trained again.", stacklevel=2)
    missing: list[HeadKind] = [kind for kind in paths if kind not in kept]
    if missing:
        with unsharded():
            trained = train_heads(trunk, train, missing, config.heads, run.path("training/heads"))
        if process_state().is_main_process:
            for kind, heads in trained.items():
                heads.save(paths[kind], made_from)
        kept |= trained
    by_readout: dict[str, SweepingDecoder] = {"own_head": OwnHead(trunk)}
    for kind in paths:
        by_readout[kind] = kept[kind].to(trunk.model.device)
    return by_readout


def _made_from(trunk: Trunk, train: Tokens, config: RunConfig, run: Run) -> str:
    """The fingerprint of all that heads depend on: model, tokens, settings."""
    frequency = run.path("frequency.npy")
    made_from = {
        "model": model_digest(trunk.model),
        "tokens": asdict(train.description),
        "frequency": file_fingerprint(frequency) if frequency.exists() else None,
        "settings": asdict(config.heads),
    }
    text = json.dumps(made_from, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
