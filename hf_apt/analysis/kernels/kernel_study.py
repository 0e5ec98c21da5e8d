"""The kernel view of fine-tuning a checkpoint on a few texts of a task, over draws, as a record."""
# D: depths.

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np

from hf_apt.analysis.kernels.draw_summary import summarised
from hf_apt.analysis.kernels.draws import few_shot_draw
from hf_apt.analysis.kernels.empirical_kernels import planned_kernels
from hf_apt.analysis.kernels.function_of_checkpoint import open_function
from hf_apt.analysis.kernels.kernel_config import KernelConfig
from hf_apt.analysis.kernels.kernel_draw import draw_figures, kernel_texts
from hf_apt.analysis.kernels.kernel_findings import findings
from hf_apt.analysis.kernels.kernel_plan import KernelPlan
from hf_apt.analysis.kernels.kernel_tables import tables_and_figures
from hf_apt.analysis.kernels.logits_function import LogitsFunction
from hf_apt.analysis.kernels.trained_arms import DrawRows
from hf_apt.data.tasks.splits import Examples
from hf_apt.data.tasks.task import Task
from hf_apt.depths.own_head_counts import counts_in_run
from hf_apt.models.description import depth_names
from hf_apt.models.lora import require_rank
from hf_apt.records.fingerprints import (
    checkpoint_identity,
    is_same_checkpoint,
    recorded_identity,
    require_still_the_same,
)
from hf_apt.records.run import Run
from hf_apt.records.studies.study_record import StudyRecord, study_record
from hf_apt.stats.apt import mean_apt
from hf_apt.stats.estimates import plain
from hf_apt.stats.rank_agreement import accuracy_by_depth

KERNELS = "kernels"
"""The study's key, and its command."""


def measure_kernels(
    checkpoint: str, task: Task, config: KernelConfig, run: Run | None = None
) -> StudyRecord:
    """Whether fine-tuning a checkpoint on a few texts is what its kernels say, and in which blocks.

    For each draw the kernels of all parameters are computed in a bounded memory, solved, and held
    against fine-tuning on the same texts, against a linear head on the last state, and against the
    criteria of arXiv 2210.05643. Kernels are split by block and kind of parameter (ours).

    Args:
        checkpoint: folder, Hub id or shipped name: an encoder, or with a prompt a language model.
        task: the texts and labels; draws are of its training texts.
        config: what is asked.
        run: a run's folder; its accuracy per block on this task and its mean APT are set beside
            the kernels where they are of this checkpoint.

    Returns:
        A record. Its `results` has for each figure an estimate over draws, and `draws` with all
        figures of each draw.

    Raises:
        ValueError: for a checkpoint that cannot be opened or that the prompt does not fit, classes
            with too few texts, a memory that does not suffice, and settings that fit no model.
    """
    if config.solver == "asymmetric" and task.num_labels > 2:
        raise ValueError(
            f"the asymmetric solver is for two classes, and {task.name} has {task.num_labels}: "
            "take ridge or logistic."
        )
    _require_every_class(task)
    test = _of_each_class(task.test, config.test_texts)
    for number in range(config.num_draws):  # before any model is loaded
        few_shot_draw(task.train, config.num_shots, config.num_validation, config.seed + number)
    identity = recorded_identity(checkpoint)
    draws: list[dict[str, Any]] = []
    plans: list[KernelPlan] = []
    function = open_function(checkpoint, config, task.label_names, config.seed)
    if "lora" in config.arms:
        require_rank(function.model, config.lora_rank)
    for number in range(config.num_draws):  # that memory suffices is known before any work
        rows = _draw_rows(function, task, test, config, config.seed + number)
        plans.append(planned_kernels(kernel_texts(function, rows, config))[0])
    for number in range(config.num_draws):
        if number:
            function = open_function(checkpoint, config, task.label_names, config.seed + number)
        rows = _draw_rows(function, task, test, config, config.seed + number)
        own = replace(config, seed=config.seed + number)
        draws.append(plain(draw_figures(function, rows, own)))
    require_still_the_same(checkpoint, identity)
    num_depths = len(draws[0]["states"])
    accuracy_D, accuracy_of = _block_accuracy(run, checkpoint, task.name, num_depths)
    results: dict[str, Any] = summarised(draws, config)
    results |= {
        "num_outputs": function.num_outputs,
        "depths": depth_names(function.model.config, num_depths),
        "chance": float(np.bincount(test.labels).max() / len(test)),
        "num_tested": len(test),
        "share_drawn": _share_drawn(task, config),
        "answers": dict(zip(task.label_names, config.words, strict=False)),
        "num_passes": max(plan.num_passes for plan in plans),
        "bytes_held": max(plan.num_bytes for plan in plans),
        "mean_apt": _mean_apt(run, checkpoint, num_depths),
        "block_accuracy": accuracy_D,
        "block_accuracy_of": accuracy_of,
        "draws": draws,
    }
    tables, figures = tables_and_figures(results, config)
    return study_record(
        study=KERNELS,
        subject=task.name,
        title="Kernels of fine-tuning",
        question="Is fine-tuning on a few texts what the gradients before it say, and in which "
        "blocks does the signal live?",
        checkpoint=checkpoint,
        findings=findings(results, config),
        tables=tables,
        figures=figures,
        results=results,
        config=asdict(config),
        provenance={"task": task.name, **task.provenance, "num_tested": len(test)},
    )


def _require_every_class(task: Task) -> None:
    """Raise ValueError unless each class has training texts: a draw takes some of every class."""
    lacking = set(range(task.num_labels)) - set(task.train.labels.tolist())
    if lacking:
        raise ValueError(
            f"the label {task.label_names[min(lacking)]!r} of {task.name} has no training text: "
            "give texts of every class, or leave the label out."
        )


def _of_each_class(examples: Examples, num: int | None) -> Examples:
    """The first texts of each class, so many in all."""
    if num is None or num >= len(examples):
        return examples
    classes = np.unique(examples.labels)
    each = max(num // len(classes), 1)
    places = np.concatenate([np.flatnonzero(examples.labels == one)[:each] for one in classes])
    return Examples(tuple(examples.texts[place] for place in places), examples.labels[places])


def _share_drawn(task: Task, config: KernelConfig) -> float:
    """The share of the smallest class that a draw takes; above a half, draws share texts."""
    smallest = int(np.bincount(task.train.labels).min())
    return (config.num_shots + config.num_validation) / smallest


def _draw_rows(
    function: LogitsFunction, task: Task, test: Examples, config: KernelConfig, seed: int
) -> DrawRows:
    draw = few_shot_draw(task.train, config.num_shots, config.num_validation, seed)
    parts = []
    for examples in (draw.train, draw.validation, test):
        parts += [function.rows(examples.texts), examples.labels]
    return DrawRows(*parts)


def _mean_apt(run: Run | None, checkpoint: str, num_depths: int) -> list[float] | None:
    """Mean APT at each depth by the own head, where `run` has measured these weights."""
    counts = None if run is None else counts_in_run(run, checkpoint)
    if counts is None or len(counts.hits()) != num_depths:
        return None
    support_V = counts.support()
    return [mean_apt(hits_V, support_V).value for hits_V in counts.hits()]


def _block_accuracy(
    run: Run | None, checkpoint: str, task: str, num_depths: int
) -> tuple[list[float] | None, str | None]:
    """The accuracy at each depth that `run` has of this checkpoint and task, and what it is of."""
    record = None if run is None else run.finetuned().get(task)
    if record is None or not is_same_checkpoint(record, checkpoint_identity(checkpoint)):
        return None, None
    model = record["models"]["pretrained"]
    for protocol in ("cut", "finetuned", "frozen"):
        for pooling in ("cls", "mean"):
            accuracy_D = accuracy_by_depth(model, protocol, pooling)
            if accuracy_D is not None and len(accuracy_D) == num_depths:
                pooled = "" if protocol == "cut" else f", pooling {pooling}"
                return accuracy_D, protocol + pooled
    return None, None
