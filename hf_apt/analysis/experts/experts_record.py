"""The record of a study of experts: what was answered, as findings, tables and a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from hf_apt.analysis.experts.arms import OWN, Arms
from hf_apt.analysis.experts.experts_config import ExpertsConfig
from hf_apt.analysis.experts.experts_findings import experts_findings
from hf_apt.analysis.experts.experts_tables import experts_figures, experts_tables
from hf_apt.analysis.experts.greedy_tables import greedy_figures
from hf_apt.analysis.experts.part_kinds import Parts
from hf_apt.records.studies.study_record import StudyRecord, study_record
from hf_apt.stats.apt import masked_accuracy, mean_apt
from hf_apt.stats.estimates import mean_estimate, plain
from hf_apt.stats.experts.answerable import concave_hull
from hf_apt.stats.experts.part_answers import PartAnswers
from hf_apt.stats.experts.part_figures import part_figures

KINDS: dict[Parts, str] = {
    "heads": "heads",
    "nodes": "nodes",
    "feed_forward": "feed-forward units",
}
"""What parts are called, in the plural."""


def names_of(parts: Parts, numbers: Sequence[int]) -> list[str]:
    """What the parts of these numbers, from 0, are called."""
    kind = {"heads": "head", "nodes": "node", "feed_forward": "unit"}[parts]
    return [f"{kind} {number + 1}" for number in numbers]


def experts_record(
    checkpoint: str,
    arms: Arms,
    probes: Mapping[str, PartAnswers],
    config: ExpertsConfig,
    *,
    block: int,
    names: Sequence[str],
    num_parts: int,
    tokens: Sequence[str],
    labels: Sequence[str],
    task_name: str,
    provenance: Mapping[str, Any],
    finetuned: Mapping[str, Any] | None = None,
) -> StudyRecord:
    """The record of a study.

    Args:
        checkpoint: the model, as it was named.
        arms: what was answered on the text.
        probes: what probes answered on the task's texts, by arm; empty without a task.
        config: what was asked for.
        block: number of the block.
        names: what the parts are called that were asked one by one.
        num_parts: number of all parts of the block.
        tokens: the tokens, by id.
        labels: the classes, by number.
        task_name: name of the task; empty without one.
        provenance: text and task.
        finetuned: figures of classifiers fine-tuned with one part each; none if empty or None.
    """
    judge = {
        "min_support": config.min_support,
        "min_lead": config.min_lead,
        "false_discovery_rate": config.false_discovery_rate,
    }
    alone = ("whole", "none")
    results: dict[str, Any] = {
        "block": block,
        "names": list(names),
        "num_parts": num_parts,
        "silenced": {
            arm: part_figures(answers, **judge)
            for arm, answers in arms.silenced.items()
            if arm not in alone
        },
        "read_out": {
            arm: part_figures(read.answers, **judge) for arm, read in arms.read_out.items()
        },
        "probes": {
            arm: part_figures(answers, **judge)
            for arm, answers in probes.items()
            if arm not in alone
        },
        "ends": {arm: _end(arms.silenced[arm]) for arm in alone},
        "kept": kept_figures(arms),
        "greedy": greedy_figures(arms.greedy, arms.kept) if arms.greedy else None,
        "bounds": _bounds(arms),
        "whole_probe": _end(probes["whole"])["accuracy"] if probes else None,
        "finetuned": finetuned or None,
        "task": task_name,
    }
    kinds = KINDS[config.parts]
    all_names = names_of(config.parts, range(num_parts))
    subject = "-".join(filter(None, (config.parts, f"block{block}", task_name)))
    return study_record(
        study="experts",
        subject=subject,
        title=f"What single {kinds} of block {block} know",
        question=f"Do the {kinds} of block {block} know different tokens, each its own?",
        checkpoint=checkpoint,
        findings=experts_findings(results, kinds, tokens),
        tables=experts_tables(results, kinds, tokens, labels, all_names),
        figures=experts_figures(results, kinds),
        results=results,
        config=asdict(config),
        provenance=provenance,
    )


def _end(answers: PartAnswers) -> dict[str, Any]:
    hits_V, support_V = answers.counts.hits()[0], answers.counts.support()
    masked_V, masked_support_V = answers.counts.hits("masked")[0], answers.counts.support("masked")
    return plain(
        {
            "mean_apt": mean_apt(hits_V, support_V),
            "mean_apt_masked": mean_apt(masked_V, masked_support_V),
            "accuracy": masked_accuracy(hits_V, support_V),
        }
    )


def kept_figures(arms: Arms) -> list[dict[str, Any]]:
    """Accuracy against the number of parts kept, with what single parts would add up to.

    Returns:
        For each number `num_kept`: `mean_apt`, the mean over sets of that size with its error over
        sets, or over tokens where there is one set; `accuracy`, alike; `sum_of_singles`, the mean
        APT of no part and, for each part kept, the mean gain over it of those that were asked
        alone; and `hull`, the smallest concave curve over `mean_apt`.
    """
    none = arms.kept[0][1]
    base = mean_apt(none.counts.hits()[0], none.counts.support()).value
    own = arms.silenced[OWN].counts
    gain = np.mean([mean_apt(hits_V, own.support()).value - base for hits_V in own.hits()])
    rows: list[dict[str, Any]] = []
    for num_kept, answers in arms.kept:
        hits_SV, support_V = answers.counts.hits(), answers.counts.support()
        apts = [mean_apt(hits_V, support_V) for hits_V in hits_SV]
        shares = [masked_accuracy(hits_V, support_V) for hits_V in hits_SV]
        pick = (lambda each: each[0]) if len(apts) == 1 else _mean
        rows.append(
            {
                "num_kept": num_kept,
                "mean_apt": pick(apts),
                "accuracy": pick(shares),
                "sum_of_singles": float(base + num_kept * gain),
            }
        )
    hull = concave_hull([row["num_kept"] for row in rows], [row["mean_apt"].value for row in rows])
    return plain([row | {"hull": float(high)} for row, high in zip(rows, hull, strict=True)])


def _mean(estimates: Sequence[Any]) -> Any:
    return mean_estimate(np.array([each.value for each in estimates]))


def _bounds(arms: Arms) -> list[dict[str, Any]]:
    """What narrow read-outs reach, and what the hull of their weights lets them reach at most."""
    rows = []
    for size, read in arms.narrow:
        counts = read.answers.counts
        support_V = counts.support()
        asked = np.flatnonzero(support_V)
        apts = [mean_apt(hits_V, support_V) for hits_V in counts.hits()]
        can_answer = read.can_answer
        most = (
            None
            if can_answer is None
            else _mean_of([np.isin(asked, tokens).mean() for tokens in can_answer])
        )
        rows.append(
            {
                "num_read": size,
                "mean_apt": _mean(apts),
                "most_apt": most,
                "num_answered": _mean_of((read.answers.answered() > 0).sum(axis=1)),
                "num_answerable": None
                if can_answer is None
                else _mean_of([len(tokens) for tokens in can_answer]),
            }
        )
    return plain(rows)


def _mean_of(values: Any) -> Any:
    return mean_estimate(np.asarray(values, np.float64))
