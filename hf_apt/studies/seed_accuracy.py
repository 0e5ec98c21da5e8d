"""The figures of one seed, measured once: on disk as soon as they are finished."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hf_apt.data.tasks.task import Task
from hf_apt.data.tokenizer import fingerprint
from hf_apt.depths.own_head_counts import counts_in_run
from hf_apt.models.encoders import Encoder
from hf_apt.models.fresh import untrained_twin
from hf_apt.models.weights_digest import model_digest
from hf_apt.records.fingerprints import counts_fingerprint, file_fingerprint
from hf_apt.records.run import Run
from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.estimates import plain
from hf_apt.stats.measures.rarefied_apt import RarefiedApt
from hf_apt.stats.transfer_scores import SCORE_NAMES
from hf_apt.studies.block_accuracy_config import BlockAccuracyConfig
from hf_apt.studies.block_protocols import ModelFigures, Protocols
from hf_apt.studies.confidence import FinetunedClassifier, confidence_record


@dataclass(frozen=True)
class SeedFigures:
    """What one seed gives."""

    models: dict[str, ModelFigures]
    """Figures of `pretrained` and, where asked for, of its `untrained` twin."""

    confidence: dict[str, Any] | None
    """Record of `hf_apt.studies.confidence`, of seed number 0 where asked for."""


def figures_of_seed(
    encoder: Encoder,
    task: Task,
    config: BlockAccuracyConfig,
    run: Run,
    number: int,
    checkpoint: str,
) -> SeedFigures:
    """The figures of `encoder`, which was read from `checkpoint`.

    Read from `finetune/<task>-seed-<number>.json` where that has them for the same settings, texts,
    weights, tokenizer and, for confidence, counts of the run; otherwise measured and written there.
    `encoder` is fine-tuned in place; that of number 0 is saved in `finetune/<task>/`.
    """
    record = f"finetune/{task.name}-seed-{number}.json"
    saved = run.path(f"finetune/{task.name}") if number == 0 and config.finetune else None
    conditions = _conditions(encoder, task, config, number)
    examined = config.confidence if saved is not None else None
    counts = None if examined is None else counts_in_run(run, checkpoint)
    if counts is not None:
        conditions["counts"] = counts_fingerprint(counts)
    if examined is not None:  # the noise of APT is read off the groups of its answers
        conditions["grouped"] = _grouped(run, counts)
    before = _before(run, record, conditions)
    if before is not None and (saved is None or before[1] == _files(saved)):
        return before[0]
    # Before the encoder is changed by training.
    twin = Encoder(untrained_twin(encoder.model, seed=task.provenance["seed"]), encoder.tokenizer)
    with tempfile.TemporaryDirectory(prefix="hf_apt-") as scratch:
        protocols = Protocols(task, config, number, Path(scratch), checkpoint)
        models = {"pretrained": protocols.of(encoder, saved)}
        logits_IC = models["pretrained"].logits_IC
        confidence = None
        if config.finetune and examined is not None and logits_IC is not None:
            sizes = config.finetune.sequence_length, config.finetune.batch_size
            finetuned = FinetunedClassifier(checkpoint, encoder, task, *sizes)
            confidence = confidence_record(finetuned, logits_IC, examined, run, Path(scratch))
        if config.untrained:
            models["untrained"] = replace(protocols, checkpoint=None).of(twin, None)
    figures = {name: _written(one) for name, one in models.items()}
    content = {"conditions": conditions, "figures": figures, "confidence": confidence}
    run.write_json(record, content | {"saved": None if saved is None else _files(saved)})
    return SeedFigures(models, confidence)


def _before(
    run: Run, record: str, conditions: dict[str, Any]
) -> tuple[SeedFigures, dict[str, str] | None] | None:
    """What was measured under these conditions, and the files saved with it; None if broken."""
    if not run.path(record).exists():
        return None
    try:
        before = run.read_json(record, "conditions", "figures", "confidence", "saved")
        if before["conditions"] != conditions:
            return None
        models = {name: _read(figures) for name, figures in before["figures"].items()}
        return SeedFigures(models, before["confidence"]), before["saved"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _grouped(run: Run, counts: DepthCounts | None) -> str:
    """What groups the answers that APT per token comes from."""
    kept = run.path(f"measures/own_head-{RarefiedApt.name}.npz").exists()
    return RarefiedApt.name if counts is None or kept else "positions"


def _files(folder: Path) -> dict[str, str]:
    """Fingerprints of the files of a saved model, by name."""
    return {
        path.relative_to(folder).as_posix(): file_fingerprint(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _conditions(
    encoder: Encoder, task: Task, config: BlockAccuracyConfig, number: int
) -> dict[str, Any]:
    """What the figures depend on, as JSON has it, apart from the counts of a run."""
    settings = asdict(config)
    # The texts themselves are below; confidence is the first seed's.
    for name in ("task", "num_seeds", *(("confidence",) if number else ())):
        del settings[name]
    return json.loads(
        json.dumps(
            {
                "number": number,
                "settings": settings,
                "scores": SCORE_NAMES,
                "texts": task.provenance,
                "model": model_digest(encoder.model),
                "tokenizer": fingerprint(encoder.tokenizer),
            }
        )
    )


def _written(figures: ModelFigures) -> dict[str, Any]:
    return {
        "by_pooling": {
            protocol: {
                pooling: {name: plain(values_D.tolist()) for name, values_D in of_pooling.items()}
                for pooling, of_pooling in by_pooling.items()
            }
            for protocol, by_pooling in figures.by_pooling.items()
        },
        "classifier": figures.classifier,
        "cut": None if figures.cut is None else figures.cut.tolist(),
        "num_trained": figures.num_trained,
        "macro_f1": figures.macro_f1,
    }


def _read(content: dict[str, Any]) -> ModelFigures:
    return ModelFigures(
        {
            protocol: {
                pooling: {name: np.array(values, float) for name, values in of_pooling.items()}
                for pooling, of_pooling in by_pooling.items()
            }
            for protocol, by_pooling in content["by_pooling"].items()
        },
        content["classifier"],
        None,
        None if content["cut"] is None else np.array(content["cut"]),
        content["num_trained"],
        content["macro_f1"],
    )
