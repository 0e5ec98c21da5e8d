"""The decoders of a run: the own head, heads and lenses made for each depth, made once."""

from __future__ import annotations

import hashlib
import json
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from hf_apt.data.tokens import Tokens
from hf_apt.depths.decoded import SweepingDecoder
from hf_apt.depths.head_config import DecoderKind, heads_among, lenses_among
from hf_apt.depths.heads import DepthHeads
from hf_apt.depths.lenses.carried_head import CarriedHead
from hf_apt.depths.lenses.depth_maps import DepthMaps
from hf_apt.depths.lenses.jacobian import fit_jacobian
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.devices import process_state
from hf_apt.models.weights_digest import model_digest
from hf_apt.records.fingerprints import file_fingerprint
from hf_apt.records.run import Run
from hf_apt.training.head_training import train_heads
from hf_apt.training.sharding import unsharded
from hf_apt.training.translator_training import train_translator

if TYPE_CHECKING:
    from hf_apt.runs.recipes import RunConfig


def decoders(
    trunk: Trunk, train: Tokens, config: RunConfig, run: Run
) -> dict[str, SweepingDecoder]:
    """The decoder of each readout by name.

    Heads and lenses are made and saved where they are not yet. Those on disk that are broken, or of
    another model, text or training, are made again, with a warning. Kinds of heads that are missing
    are trained together, each draw read once by the trunk.
    """
    kinds = config.head_kinds
    made_from = {kind: _made_from(kind, trunk, train, config, run) for kind in kinds}
    made: dict[str, DepthHeads | DepthMaps] = {}
    for kind in kinds:
        path = _path(run, kind)
        if path.exists():
            try:
                made[kind] = _opened(kind, path, trunk, made_from[kind])
            except ValueError as error:
                warnings.warn(f"{error} {_AGAIN[kind]}", stacklevel=2)
    missing: list[DecoderKind] = [kind for kind in kinds if kind not in made]
    with unsharded():
        if heads := heads_among(missing):
            made |= train_heads(trunk, train, heads, config.heads, run.path("training/heads"))
            for kind in heads:
                _save(made[kind], _path(run, kind), made_from[kind])
        for kind in lenses_among(missing):  # each as soon as it is there: they take long
            if kind == "jacobian":
                made[kind] = fit_jacobian(trunk, train, config.jacobian)
            else:
                made[kind] = train_translator(trunk, train, config.heads)
            _save(made[kind], _path(run, kind), made_from[kind])
    by_readout: dict[str, SweepingDecoder] = {"own_head": OwnHead(trunk)}
    for kind in kinds:
        one = made[kind].to(trunk.model.device)
        by_readout[kind] = CarriedHead(trunk, one) if isinstance(one, DepthMaps) else one
    return by_readout


_AGAIN: dict[DecoderKind, str] = {
    "linear_head": "They are trained again.",
    "mlm_head": "They are trained again.",
    "jacobian": "It is fitted again.",
    "translator": "It is trained again.",
}


def _path(run: Run, kind: DecoderKind) -> Path:
    return run.path(f"heads/{kind}.safetensors")


def _opened(kind: DecoderKind, path: Path, trunk: Trunk, made_from: str) -> DepthHeads | DepthMaps:
    """What the file holds. Raises ValueError if it was not made from `made_from`."""
    if kind == "linear_head" or kind == "mlm_head":
        return DepthHeads.load(path, kind, made_from)
    return DepthMaps.load(path, trunk.model, made_from)


def _save(made: DepthHeads | DepthMaps, path: Path, made_from: str) -> None:
    if process_state().is_main_process:
        path.unlink(missing_ok=True)  # one that was not to be used
        made.save(path, made_from)


def _made_from(kind: DecoderKind, trunk: Trunk, train: Tokens, config: RunConfig, run: Run) -> str:
    """The fingerprint of all that a head or lens depends on: model, tokens, settings."""
    frequency = run.path("frequency.npy")
    settings = config.jacobian if kind == "jacobian" else config.heads
    made_from = {
        "model": model_digest(trunk.model),
        "tokens": asdict(train.description),
        "frequency": file_fingerprint(frequency) if frequency.exists() else None,
        "settings": asdict(settings),
    }
    text = json.dumps(made_from, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
