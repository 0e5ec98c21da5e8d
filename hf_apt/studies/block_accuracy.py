"""Accuracy of a task at every depth of a checkpoint: over seeds, with errors, as a record.

What arXiv 2509.03407 sets beside APT per block, by the protocols of
`hf_apt.studies.block_protocols`. Each seed's figures are kept as they are finished, so that an
interrupted measurement goes on with the next one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from hf_apt.data.tasks.read_texts import open_first
from hf_apt.data.tasks.task import Task, open_task
from hf_apt.data.tokenizer import vocabulary
from hf_apt.depths.own_head_counts import counts_in_run
from hf_apt.depths.trunk import Trunk
from hf_apt.models.checkpoint_config import require_length
from hf_apt.models.description import depth_names
from hf_apt.models.devices import process_state
from hf_apt.models.encoders import Encoder, load_encoder
from hf_apt.models.lora import require_rank
from hf_apt.records.environment import environment
from hf_apt.records.fingerprints import (
    checkpoint_identity,
    is_same_checkpoint,
    recorded_identity,
    require_still_the_same,
)
from hf_apt.records.run import Run
from hf_apt.records.run_folder import require_run_folder, writing_run
from hf_apt.records.schemas import BLOCK_ACCURACY
from hf_apt.records.studies.study_files import write_study
from hf_apt.stats.apt import mean_apt
from hf_apt.stats.estimates import mean_estimate, over_seeds, plain
from hf_apt.stats.rank_agreement import agreement
from hf_apt.stats.token_overlap import overlap, token_counts
from hf_apt.stats.transfer.enough_depth import enough_depth
from hf_apt.stats.transfer_scores import SCORE_NAMES
from hf_apt.studies.block_accuracy_config import BlockAccuracyConfig
from hf_apt.studies.block_protocols import ModelFigures
from hf_apt.studies.data_maps import data_map_of
from hf_apt.studies.seed_accuracy import figures_of_seed


def measure_blocks(checkpoint: str, config: BlockAccuracyConfig, run: Run) -> dict[str, Any]:
    """Measure the accuracy of a checkpoint's blocks on a task, frozen and fine-tuned.

    The result is also written to `finetune/<task>.json` of `run`, and the fine-tuned model of the
    first seed to `finetune/<task>/`; with `training_dynamics` its data map is a study,
    `studies/data_map-<task>.json`. A seed whose figures are in
    `finetune/<task>-seed-<number>.json`, of the same settings, weights, tokenizer and texts, is not
    measured again.

    Args:
        checkpoint: folder, Hub id or shipped name of an encoder.
        config: the task, and what is measured of the checkpoint.
        run: the run whose folder is written; its counts are used where they are of this checkpoint.

    Returns:
        A record. Its `models` holds `pretrained` and maybe `untrained`, each with the protocols
        `frozen` and maybe `finetuned`: for each pooling, lists over depths of the accuracy in [0,
        1] by each probe (`value`, `standard_error`, `num` of seeds) and of each score; `depths` has
        their names. `classifier` is the accuracy of the fine-tuned classifier itself and
        `macro_f1` its macro F1; `cut`, where it was asked for, the accuracy of classifiers on the
        trunk cut after each block, as a list over depths; `num_trained_parameters` is what
        fine-tuning changed. `agreement` ranks depths by each score of the frozen trunk, and by mean
        APT where `run` has counts of the same checkpoint, against their `linear` accuracy and
        against `cut` (Spearman). `enough` holds for each protocol and pooling (of `cut` an empty
        one) which depth is enough for linear heads, and by how much an earlier one beats the last
        (`hf_apt.stats.transfer.enough_depth`). `overlap` is that of the first seed's texts with the
        run's training corpus, null where `run` did not pre-train this checkpoint. `confidence` is
        the `hf_apt.studies.confidence` of the first seed's fine-tuned model, where it was asked
        for.

    Raises:
        ValueError: for a task or a checkpoint that cannot be opened, one that is no encoder, has
            fewer positions than the texts have tokens, or whose objectives, or those of the
            fine-tuning, read texts that it would be tested with (`hf_apt.data.tasks.read_texts`),
            settings out of range, where several processes were started, and for a folder that is
            not `run`'s own or that another process writes into.
    """
    _require_sense(config)
    lengths = (each.sequence_length for each in (config.features, config.finetune) if each)
    require_length(checkpoint, max(lengths))
    require_run_folder(run)
    own = config.finetune.objectives if config.finetune else ()
    first = open_first(config.task, config.num_seeds, checkpoint, objectives=own)
    with writing_run(run):
        return _measured(checkpoint, config, run, first)


def _measured(
    checkpoint: str, config: BlockAccuracyConfig, run: Run, first: Task
) -> dict[str, Any]:
    by_seed: dict[str, list[ModelFigures]] = {}
    provenance = []
    depths: list[str] = []
    identity: dict[str, Any] = {}
    shared = confidence = None
    for number in range(config.num_seeds):
        seed = config.task.seed + number
        task = open_task(replace(config.task, seed=seed)) if number else first
        provenance.append(task.provenance)
        encoder = load_encoder(checkpoint, label_names=task.label_names, seed=seed)
        if number == 0:
            identity = recorded_identity(checkpoint)
            if config.finetune and config.finetune.lora_rank:
                require_rank(encoder.model, config.finetune.lora_rank)
            depths = depth_names(encoder.model.config, Trunk(encoder.model).num_depths)
            shared = _overlap(run, encoder, task, checkpoint, config.features.sequence_length)
        seed_figures = figures_of_seed(encoder, task, config, run, number, checkpoint)
        confidence = confidence or seed_figures.confidence
        for name, figures in seed_figures.models.items():
            by_seed.setdefault(name, []).append(figures)
    require_still_the_same(checkpoint, identity)
    models = {name: _summarised(seeds, len(first.test)) for name, seeds in by_seed.items()}
    result = {
        "schema": BLOCK_ACCURACY,
        "task": first.name,
        "checkpoint": checkpoint,
        **identity,
        "label_names": list(first.label_names),
        "depths": depths,
        "chance": first.chance,
        "provenance": provenance,
        "config": json.loads(json.dumps(asdict(config))),
        "models": models,
        "agreement": agreement(models["pretrained"], _mean_apt_D(run, checkpoint)),
        "enough": plain(_enough(by_seed["pretrained"], len(first.test))),
        "overlap": shared,
        "environment": environment(),
    }
    if confidence:
        result["confidence"] = confidence
    run.write_json(f"finetune/{first.name}.json", result)
    data_map = None
    if config.finetune is not None:
        data_map = data_map_of(run, checkpoint, first, result["config"]["finetune"])
    if data_map is not None:
        write_study(run, data_map)
    else:  # one of an earlier training is not of this one
        run.path(f"studies/data_map-{first.name}.json").unlink(missing_ok=True)
    return result


def _require_sense(config: BlockAccuracyConfig) -> None:
    if config.num_seeds < 1:
        raise ValueError(f"at least one seed is needed, got {config.num_seeds}.")
    if config.cut and config.finetune is None:
        raise ValueError("a trunk that is cut has to be fine-tuned: ask for at least one epoch.")
    if config.cut and config.finetune and config.finetune.lora_rank:
        raise ValueError("a trunk that is cut is fine-tuned whole: leave out adapters, or the cut.")
    if process_state().num_processes > 1:
        raise ValueError(
            f"accuracy per block is measured by one process, and {process_state().num_processes} "
            "were started: leave out torchrun or accelerate launch."
        )


def _summarised(by_seed: Sequence[ModelFigures], num_test: int) -> dict[str, Any]:
    """Means and standard errors over seeds, as JSON takes them."""
    summary: dict[str, Any] = {
        protocol: {
            pooling: {
                name: _estimates(
                    [one.by_pooling[protocol][pooling][name] for one in by_seed], name, num_test
                )
                for name in figures
            }
            for pooling, figures in by_seed[0].by_pooling[protocol].items()
        }
        for protocol in by_seed[0].by_pooling
    }
    classifiers = [np.array([one.classifier]) for one in by_seed if one.classifier is not None]
    cuts_RD = [one.cut for one in by_seed if one.cut is not None]
    if cuts_RD:
        summary["cut"] = plain(over_seeds(cuts_RD, num_test))
    if classifiers:
        summary["classifier"] = plain(over_seeds(classifiers, num_test)[0])
        summary["num_trained_parameters"] = by_seed[0].num_trained
    scores = [one.macro_f1 for one in by_seed if one.macro_f1 is not None]
    if scores:
        summary["macro_f1"] = plain(mean_estimate(np.array(scores)))
    return summary


def _estimates(figures_RD: Sequence[np.ndarray], name: str, num_test: int) -> list[dict[str, Any]]:
    if name in SCORE_NAMES:
        return [plain(mean_estimate(values_R)) for values_R in np.stack(figures_RD).T]
    return [plain(estimate) for estimate in over_seeds(figures_RD, num_test)]


def _enough(by_seed: Sequence[ModelFigures], num_test: int) -> dict[str, Any]:
    """The advice on depth by protocol and pooling, where linear heads were trained.

    Empty for a model of embeddings alone.
    """
    curves = {
        protocol: {
            pooling: [one.by_pooling[protocol][pooling]["linear"] for one in by_seed]
            for pooling, figures in by_pooling.items()
            if "linear" in figures
        }
        for protocol, by_pooling in by_seed[0].by_pooling.items()
    }
    cuts = [one.cut for one in by_seed if one.cut is not None]
    curves["cut"] = {"": cuts} if cuts else {}
    return {
        protocol: {name: enough_depth(np.stack(of), num_test) for name, of in by_pooling.items()}
        for protocol, by_pooling in curves.items()
        if any(len(of[0]) > 1 for of in by_pooling.values())
    }


def _mean_apt_D(run: Run, checkpoint: str) -> list[float] | None:
    """Mean APT at each depth by the own head, where `run` has measured these weights."""
    counts = counts_in_run(run, checkpoint)
    if counts is None:
        return None
    support_V = counts.support()
    return [mean_apt(hits_V, support_V).value for hits_V in counts.hits()]


def _overlap(
    run: Run, encoder: Encoder, task: Task, checkpoint: str, sequence_length: int
) -> dict[str, Any] | None:
    """The overlap of a task's texts with the corpus that `run` pre-trained `checkpoint` on."""
    if not run.path("training.json").exists():
        return None
    own = checkpoint_identity(str(run.path("checkpoint")))
    tokens = vocabulary(encoder.tokenizer)
    if not is_same_checkpoint(own, checkpoint_identity(checkpoint)) or run.vocabulary() != tokens:
        return None
    rows = encoder.encode([*task.train.texts, *task.test.texts], sequence_length)
    task_V = token_counts(rows, len(tokens))
    return plain(overlap(task_V, run.frequency(), encoder.tokenizer.all_special_ids))
