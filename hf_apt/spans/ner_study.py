"""Span F1 after a few examples, of several ways to find names, over draws, as a record.

The question of arXiv 2205.11799: does fine-tuning gain by looking like pre-training? Each training
is kept as it is finished, so that an interrupted measurement goes on with the next one.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hf_apt.data.tokenizer import fingerprint
from hf_apt.depths.trunk import Trunk
from hf_apt.models.checkpoint_config import require_length
from hf_apt.models.description import depth_names
from hf_apt.models.devices import process_state
from hf_apt.models.encoders import Encoder
from hf_apt.models.weights_digest import model_digest
from hf_apt.records.fingerprints import recorded_identity, require_still_the_same
from hf_apt.records.run import Run
from hf_apt.records.run_folder import require_run_folder, writing_run
from hf_apt.records.studies.study_record import StudyRecord
from hf_apt.spans.ner_arms import Shots, prototype_figures, span_figures, token_figures, with_seed
from hf_apt.spans.ner_config import NerConfig
from hf_apt.spans.ner_record import ner_record
from hf_apt.spans.ner_task import NerTask
from hf_apt.spans.training import require_trainable
from hf_apt.spans.word_tagger import load_tagger
from hf_apt.stats.estimates import mean_estimate, plain


class _Item(NamedTuple):
    """One training, or prototypes."""

    arm: str
    depth: int | None

    @property
    def key(self) -> str:
        return self.arm if self.depth is None else f"{self.arm} cut after {self.depth}"


def measure_ner(checkpoint: str, task: NerTask, config: NerConfig, run: Run) -> StudyRecord:
    """How well a checkpoint finds names after a few examples, by each arm of `config`.

    The span model of the first draw is written to `ner/<data>/` of `run`
    (`hf_apt.spans.span_tagger.SpanTagger.load`), with what methods of its training recorded. What
    is in `ner/<data>-draw-<number>.json`, of the same settings, sentences, weights and tokenizer,
    is not trained again.

    Args:
        checkpoint: folder, Hub id or shipped name of an encoder with a mask token.
        task: the sentences.
        config: what is tried.
        run: the run whose folder is written.

    Returns:
        The record of a study. Of its `results`, `arms` has for each arm `f1`, `precision` and
        `recall` over draws (`value`, `standard_error`, `num`), `f1_by_type`, `num_steps`, mean
        `seconds_training` and `seconds_testing`, and `f1_by_depth` for prototypes and where the
        trunk was cut; `depths` names the depths; `draws` has all figures of each draw.

    Raises:
        ValueError: for a checkpoint that cannot be opened, is no encoder, has no mask token or has
            fewer positions than rows have tokens; for settings that span models do not take, where
            several processes were started, and for a folder that is not `run`'s own or that another
            process writes into.
    """
    require_trainable(config.finetune)
    if process_state().num_processes > 1:
        raise ValueError(
            f"names are compared by one process, and {process_state().num_processes} were started: "
            "leave out torchrun or accelerate launch."
        )
    require_length(checkpoint, config.finetune.sequence_length)
    require_run_folder(run)
    with writing_run(run):
        return _measured(checkpoint, task, config, run)


def _measured(checkpoint: str, task: NerTask, config: NerConfig, run: Run) -> StudyRecord:
    identity = recorded_identity(checkpoint)
    first = load_tagger(checkpoint, task.labels, config.finetune)
    num_depths = Trunk(first.model).num_depths
    items = list(_items(config, num_depths))
    draws = [
        _of_draw(checkpoint, task, config, run, number, items) for number in range(config.num_draws)
    ]
    require_still_the_same(checkpoint, identity)
    results = {
        "labels": list(task.labels),
        "depths": depth_names(first.model.config, num_depths),
        "arms": {arm: plain(_summarised(arm, draws, num_depths)) for arm in config.arms},
        "draws": [{item.key: draw[item.key] for item in items} for draw in draws],
    }
    return ner_record(
        checkpoint, task.name, results, config=asdict(config), provenance=task.provenance
    )


def _items(config: NerConfig, num_depths: int) -> Iterator[_Item]:
    for arm in config.arms:
        yield _Item(arm, None)
        if config.cut and arm in ("spans", "tokens"):
            yield from (_Item(arm, depth) for depth in range(num_depths - 1))


def _of_draw(
    checkpoint: str,
    task: NerTask,
    config: NerConfig,
    run: Run,
    number: int,
    items: Sequence[_Item],
) -> dict[str, Any]:
    """The figures of each item, those that are on disk not measured again."""
    name = f"ner/{task.name}-draw-{number}.json"
    config = with_seed(config, number)
    conditions = _conditions(
        load_tagger(checkpoint, task.labels, config.finetune), task, config, number
    )
    figures = _before(run, name, conditions)
    for item in items:
        saved = run.path(f"ner/{task.name}") if item == ("spans", None) and not number else None
        if item.key in figures and (saved is None or saved.exists()):
            continue
        with tempfile.TemporaryDirectory(prefix="hf_apt-") as scratch:
            shots = Shots(task.train[number], task.test, task.labels, config, Path(scratch))
            encoder = load_tagger(checkpoint, task.labels, config.finetune)
            figures[item.key] = _figures(shots, encoder, item, saved)
        run.write_json(name, {"conditions": conditions, "figures": figures})
    return figures


def _figures(shots: Shots, encoder: Encoder, item: _Item, saved: Path | None) -> dict[str, Any]:
    if item.arm == "prototypes":
        return prototype_figures(shots, encoder)
    if item.arm == "tokens":
        return token_figures(shots, encoder, item.depth)
    return span_figures(shots, encoder, item.arm, item.depth, saved)


def _conditions(encoder: Encoder, task: NerTask, config: NerConfig, number: int) -> dict[str, Any]:
    """What the figures of a draw depend on, as JSON has it."""
    settings = asdict(config)
    for name in ("num_draws", "arms", "cut"):  # figures are kept by arm and depth
        del settings[name]
    conditions = {
        "number": number,
        "settings": settings,
        "data": task.provenance["file_fingerprints"],
        "model": model_digest(encoder.model),
        "tokenizer": fingerprint(encoder.tokenizer),
    }
    return json.loads(json.dumps(conditions))


def _before(run: Run, name: str, conditions: dict[str, Any]) -> dict[str, Any]:
    """What was measured under these conditions; nothing if it is broken."""
    if not run.path(name).exists():
        return {}
    try:
        before = run.read_json(name, "conditions", "figures")
    except ValueError:
        return {}
    is_same = before["conditions"] == conditions and isinstance(before["figures"], dict)
    return before["figures"] if is_same else {}


def _summarised(arm: str, draws: Sequence[dict[str, Any]], num_depths: int) -> dict[str, Any]:
    """Means over draws, with standard errors."""
    whole = [draw[arm] for draw in draws]
    summary: dict[str, Any] = {
        name: mean_estimate(np.array([one["score"][name] for one in whole]))
        for name in ("f1", "precision", "recall")
    }
    labels = sorted({label for one in whole for label in one["by_type"]})
    summary["f1_by_type"] = {
        label: mean_estimate(np.array([_of_type(one, label) for one in whole])) for label in labels
    }
    for name in ("num_steps", "seconds_training", "seconds_testing"):
        summary[name] = float(np.mean([one[name] for one in whole]))
    by_depth = [_by_depth(arm, draw, num_depths) for draw in draws]
    if all(by_depth):
        columns = np.array(by_depth, dtype=float).T
        summary["f1_by_depth"] = [mean_estimate(values_R) for values_R in columns]
    return summary


def _of_type(figures: dict[str, Any], label: str) -> float:
    """The F1 of a type; 0 where it is neither there nor predicted."""
    return figures["by_type"].get(label, {"f1": 0.0})["f1"]


def _by_depth(arm: str, draw: dict[str, Any], num_depths: int) -> list[float] | None:
    """The F1 at each depth, the last one that of the whole model; None where it was not asked."""
    if "f1_by_depth" in draw[arm]:
        return draw[arm]["f1_by_depth"]
    cut_keys = [_Item(arm, depth).key for depth in range(num_depths - 1)]
    if not all(key in draw for key in cut_keys):
        return None
    return [draw[key]["score"]["f1"] for key in (*cut_keys, arm)]
