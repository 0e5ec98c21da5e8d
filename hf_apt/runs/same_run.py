"""Whether a folder's run can go on under other options: what is made fixes what it was made of."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from hf_apt.depths.head_config import DECODER_KINDS
from hf_apt.records.run import Run

_FREE = ("pretrain.report_to", "pretrain.save_every")
"""What changes no result: who watches, and how often there is a checkpoint to resume from."""

_TEXT = ("corpus", "tokenizer", "vocab_size", "sequence_length", "layout")
_TRAINING = ("shape", "pretrain")
_HEADS = ("heads",)
_JACOBIAN = ("jacobian",)
_MEASURING = ("measure",)


def require_same_run(config: Any, run: Run) -> None:
    """Raise ValueError if what `run` holds was made under other options than `config`.

    An option is fixed once something was made that depends on it: those of the text by the
    tokenizer, those of the model and its training by the first checkpoint, those of heads and of
    measuring by the first counts. The sentence names the options that differ and no others.
    """
    made = _fixed(run)
    if not made:
        return
    now = as_recorded(config)
    before = _plain(_completed(run.read_json("config.json"), config))
    changed = {
        name: values
        for name, values in _differences(before, now)
        if name not in _FREE and name.partition(".")[0] in made
    }
    if not changed:
        return
    told = ", ".join(
        f"{name} ({before} before, now {now})" for name, (before, now) in changed.items()
    )
    advice = "choose another --output, or give the same options as before."
    if set(changed) == {"pretrain.num_steps"}:
        advice = (
            "the learning rate falls to 0 at the last step, so that more or fewer steps are "
            f"another training: {advice}"
        )
    raise ValueError(f"{run.folder} holds a run with other options: {told}: {advice}")


def as_recorded(config: Any) -> dict[str, Any]:
    """`config` as `config.json` has it."""
    return _plain(dataclasses.asdict(config))


def _plain(content: dict[str, Any]) -> dict[str, Any]:
    """`content` as it is read again from JSON."""
    return json.loads(json.dumps(content))


def _fixed(run: Run) -> set[str]:
    """The options that what is there depends on."""
    trained = run.path("training.json").exists() or any(run.path("training").glob("checkpoint-*"))
    made_for_depths = {path.stem for path in run.path("heads").glob("*.safetensors")}
    made_for_depths |= {*run.readouts()} & {*DECODER_KINDS["all"]}  # counted, and deleted since
    made = {
        _TEXT: run.path("tokenizer").exists(),
        _TRAINING: trained,
        _HEADS: bool(made_for_depths - {"jacobian"}),
        _JACOBIAN: "jacobian" in made_for_depths,
        _MEASURING: bool(run.readouts()),
    }
    return {name for names, is_made in made.items() if is_made for name in names}


def _differences(before: Any, now: Any, name: str = "") -> Iterator[tuple[str, tuple[Any, Any]]]:
    """The leaves that differ, by their path."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in now:
            yield from _differences(before.get(key), now[key], f"{name}.{key}" if name else key)
    elif before != now:
        yield name, (before, now)


def _completed(before: dict[str, Any], config: Any) -> dict[str, Any]:
    """`before` with those fields of `config` that there were not yet.

    They had the value that a field's metadata call `before`, or else its default.
    """
    completed = dict(before)
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if field.name not in before and "before" in field.metadata:
            completed[field.name] = field.metadata["before"]
        elif field.name not in before and field.default is not dataclasses.MISSING:
            completed[field.name] = field.default
        elif field.name not in before and field.default_factory is not dataclasses.MISSING:
            completed[field.name] = dataclasses.asdict(field.default_factory())
        elif dataclasses.is_dataclass(value) and isinstance(before.get(field.name), dict):
            completed[field.name] = _completed(before[field.name], value)
    return completed
