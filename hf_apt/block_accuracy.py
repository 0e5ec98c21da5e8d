"""Accuracy of a task at every depth of a checkpoint: frozen, and after fine-tuning.

What arXiv 2509.03407 sets beside APT per block. Two protocols: a head for each depth on the frozen
trunk, and the same on the trunk that was fine-tuned as a whole. All depths of a protocol come from
one pass over the texts.
"""
# D depths, S seeds.

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from hf_apt.adapters import num_trained
from hf_apt.apt import mean_apt, mean_over_tokens
from hf_apt.atomic import writing_folder
from hf_apt.confidence import spearman
from hf_apt.confidence_record import ConfidenceConfig, Tuned, confidence_record
from hf_apt.descriptions import depth_names
from hf_apt.encoders import Encoder, load_encoder
from hf_apt.environment import environment
from hf_apt.features import FeatureConfig, Pooling, features
from hf_apt.finetune import FinetuneConfig, finetune, to_train
from hf_apt.own_counts import counts_in_run, weights_fingerprint
from hf_apt.pretrain import untrained_twin
from hf_apt.probes import PROBES, Probe, ProbeConfig, over_seeds, probe_accuracies
from hf_apt.records import Run
from hf_apt.summary import plain
from hf_apt.tasks import Task, TaskConfig, open_task
from hf_apt.transfer_scores import SCORES, score_per_depth
from hf_apt.trunk import Trunk

SCHEMA = "hf_apt.block_accuracy/1"


@dataclass(frozen=True, kw_only=True)
class BlockAccuracyConfig:
    """What to measure of a checkpoint on a task."""

    task: TaskConfig
    """The texts."""

    features: FeatureConfig = field(default_factory=FeatureConfig)
    """How they become vectors."""

    probe: ProbeConfig = field(default_factory=ProbeConfig)
    """Settings of the probes."""

    probes: tuple[Probe, ...] = PROBES
    """Which to train."""

    finetune: FinetuneConfig | None = field(default_factory=FinetuneConfig)
    """How to fine-tune; None for the frozen protocol alone."""

    confidence: ConfidenceConfig | None = field(default_factory=ConfidenceConfig)
    """How the fine-tuned classifier's confidence is examined; None for not at all."""

    untrained: bool = False
    """Whether to do the same with a twin of fresh weights."""

    num_seeds: int = 1
    """Repetitions, each with its own choice of texts, fresh head and order."""


def measure_blocks(checkpoint: str, config: BlockAccuracyConfig, run: Run) -> dict[str, Any]:
    """The accuracies of `checkpoint` on the task, also written to `finetune/<task>.json` of `run`.

    The fine-tuned model of the first seed goes to `finetune/<task>/`. Of the result, `models` holds
    `pretrained` and maybe `untrained`, each with the protocols `frozen` and maybe `finetuned`: for
    each pooling, lists over depths of the accuracy by each probe (`value`, `standard_error`, `num`
    of seeds) and of each score; `depths` has their names. `own_head` is the accuracy of the
    fine-tuned classifier itself, `num_trained_parameters` what training changed. `agreement` ranks
    depths by each score, and by mean APT where `run` has counts of the same checkpoint, against
    their `linear` accuracy (Spearman). `confidence` is the `hf_apt.confidence_record` of the first
    seed's fine-tuned model.

    Raises ValueError for what makes no task, a checkpoint that is none, and settings out of range.
    """
    if config.num_seeds < 1:
        raise ValueError(f"at least one seed is needed, got {config.num_seeds}.")
    first = open_task(config.task)
    by_seed: dict[str, list[dict[str, Any]]] = {}
    provenance = []
    depths: list[str] = []
    record: dict[str, Any] = {}
    for number in range(config.num_seeds):
        task_config = replace(config.task, seed=config.task.seed + number)
        task = open_task(task_config) if number else first
        provenance.append(task.provenance)
        encoder = load_encoder(checkpoint, label_names=task.label_names, seed=task_config.seed)
        depths = depth_names(encoder.model.config, Trunk(encoder.model).num_depths)
        # Before the encoder is changed by training.
        twin = Encoder(untrained_twin(encoder.model, seed=task_config.seed), encoder.tokenizer)
        saved = run.path(f"finetune/{task.name}") if number == 0 else None
        with tempfile.TemporaryDirectory(prefix="hf_apt-") as scratch:
            one = _Measurement(task, config, Path(scratch), number)
            found = one.of(encoder, saved)
            by_seed.setdefault("pretrained", []).append(found)
            if config.finetune and config.confidence and number == 0:
                sizes = config.finetune.sequence_length, config.finetune.batch_size
                tuned = Tuned(checkpoint, encoder, task, *sizes)
                record["confidence"] = confidence_record(
                    tuned, found["logits"], config.confidence, run, Path(scratch)
                )
            if config.untrained:
                by_seed.setdefault("untrained", []).append(one.of(twin, None))
    models = {name: _summarised(found, len(first.test)) for name, found in by_seed.items()}
    result = {
        "schema": SCHEMA,
        "task": first.name,
        "checkpoint": checkpoint,
        "weights": weights_fingerprint(checkpoint),
        "label_names": list(first.label_names),
        "depths": depths,
        "chance": first.chance,
        "provenance": provenance,
        "config": json.loads(json.dumps(asdict(config))),
        "models": models,
        "agreement": _agreement(models["pretrained"], _mean_apt_D(run, checkpoint)),
        **record,
        "environment": environment(),
    }
    run.write_json(f"finetune/{first.name}.json", result)
    return result


@dataclass(frozen=True)
class _Measurement:
    """All protocols on one choice of texts."""

    task: Task
    config: BlockAccuracyConfig
    scratch: Path
    number: int

    def of(self, encoder: Encoder, saved: Path | None) -> dict[str, Any]:
        """The figures of one model; it is fine-tuned in place and left in the folder `saved`."""
        found: dict[str, Any] = {"frozen": self._by_pooling(encoder)}
        if self.config.finetune is not None:
            config = replace(self.config.finetune, seed=self.config.finetune.seed + self.number)
            encoder = to_train(encoder, config)
            found["num_trained_parameters"] = num_trained(encoder.model)
            logits_MC = finetune(encoder, self.task, config, self.scratch / "training")
            found["logits"] = logits_MC
            right_M = logits_MC.argmax(axis=1) == self.task.test.labels
            found["own_head"] = float(right_M.mean())
            found["finetuned"] = self._by_pooling(encoder)
            if saved is not None:
                with writing_folder(saved) as partial:
                    encoder.save(partial)
        return found

    def _by_pooling(self, encoder: Encoder) -> dict[str, dict[str, np.ndarray]]:
        """Arrays (D,) by the names of probes and scores, by pooling."""
        from tqdm.auto import tqdm

        train, test = (
            features(encoder, part.texts, self.config.features, self.scratch / side)
            for side, part in (("train", self.task.train), ("test", self.task.test))
        )
        names = [*self.config.probes, *SCORES]
        pairs: list[tuple[Pooling, str]] = [
            (pooling, name) for pooling in self.config.features.poolings for name in names
        ]
        found: dict[str, dict[str, np.ndarray]] = {}
        for pooling, name in tqdm(pairs, desc="Training heads", unit=" heads"):
            labels_N = self.task.train.labels
            if name in SCORES:
                figures_D = score_per_depth(name, train[pooling], labels_N)
            else:
                tests = test[pooling], self.task.test.labels
                figures_D = probe_accuracies(
                    cast(Probe, name), train[pooling], labels_N, *tests, self.config.probe
                )
            found.setdefault(pooling, {})[name] = figures_D
        return found


def _summarised(by_seed: Sequence[dict[str, Any]], num_test: int) -> dict[str, Any]:
    """Means and standard errors over seeds, as JSON takes them."""
    found: dict[str, Any] = {}
    for protocol in ("frozen", "finetuned"):
        if protocol in by_seed[0]:
            found[protocol] = {
                pooling: {
                    name: _estimates(
                        [one[protocol][pooling][name] for one in by_seed], name, num_test
                    )
                    for name in figures
                }
                for pooling, figures in by_seed[0][protocol].items()
            }
    if "own_head" in by_seed[0]:
        accuracies = [np.array([one["own_head"]]) for one in by_seed]
        found["own_head"] = plain(over_seeds(accuracies, num_test)[0])
        found["num_trained_parameters"] = by_seed[0]["num_trained_parameters"]
    return found


def _estimates(figures_SD: Sequence[np.ndarray], name: str, num_test: int) -> list[dict[str, Any]]:
    if name in SCORES:
        return [plain(mean_over_tokens(values_S)) for values_S in np.stack(figures_SD).T]
    return [plain(estimate) for estimate in over_seeds(figures_SD, num_test)]


def _agreement(model: dict[str, Any], apt_D: list[float] | None) -> dict[str, Any]:
    """Spearman's correlation over depths of each score with accuracy, by protocol and pooling."""
    found: dict[str, Any] = {}
    for protocol in ("frozen", "finetuned"):
        for pooling, figures in model.get(protocol, {}).items():
            if "linear" not in figures:
                continue
            accuracy_D = np.array([depth["value"] for depth in figures["linear"]])
            # Scores of the pre-trained trunk: what could be known before fine-tuning.
            before = model["frozen"][pooling]
            ranked = {name: [depth["value"] for depth in before[name]] for name in SCORES}
            if apt_D is not None and len(apt_D) == len(accuracy_D):
                ranked["mean_apt"] = apt_D
            found.setdefault(protocol, {})[pooling] = {
                name: plain(spearman(np.array(values), accuracy_D))
                for name, values in ranked.items()
            }
    return found


def _mean_apt_D(run: Run, checkpoint: str) -> list[float] | None:
    """Mean APT at each depth by the own head, where `run` has measured these weights."""
    counts = counts_in_run(run, checkpoint)
    if counts is None:
        return None
    support_V = counts.support()
    return [mean_apt(hits_V, support_V).value for hits_V in counts.hits()]
