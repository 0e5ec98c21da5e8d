"""The answer of the study of transfer: sentences, tables and a figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hf_apt.analysis.transfer.transfer_run import PREDICTOR_LABELS
from hf_apt.records.studies.study_record import StudyFigure, StudyTable
from hf_apt.stats.labels import PROTOCOL_LABELS
from hf_apt.stats.transfer.over_tasks import LEAST

_CORRELATIONS = (
    ("pairs", "all blocks"),
    ("within", "within a model"),
    ("across", "at a depth"),
    ("within_given_depth", "given depth"),
)
_NOTES = (
    "Spearman's correlation with accuracy, mean over tasks; larger predicts better. All blocks: of"
    " all checkpoints together; within a model: over its depths; at a depth: over the checkpoints"
    " there; given depth: the partial one within a model.",
    "Accuracy lost: by how much the block that is ranked first is worse than the best. Less depth:"
    " the difference from what depth itself gives, over the same checkpoints.",
)


def main_pooling(by_pooling: Mapping[str, Any]) -> str:
    """The pooling that sentences are about: the mean, or the first where that is missing."""
    return "mean" if "mean" in by_pooling else next(iter(by_pooling))


def tables_of(results: Mapping[str, Any]) -> list[StudyTable]:
    """Two tables for each protocol and pooling: correlations, and what depth leaves over."""
    tables: list[StudyTable] = []
    for protocol, by_pooling in results["agreement"].items():
        for pooling, by_predictor in by_pooling.items():
            of = f"{PROTOCOL_LABELS[protocol]} accuracy, {_pooled(pooling)}"
            tables.append(_correlations(of, by_predictor))
            tables.append(_beside_depth(of, by_predictor))
    return tables


def _correlations(of: str, by_predictor: Mapping[str, Any]) -> StudyTable:
    return {
        "title": f"Rank correlation with {of}",
        "header": ["predictor", *(label for _, label in _CORRELATIONS)],
        "rows": [
            [
                PREDICTOR_LABELS[name],
                *(_known(said[statistic]["value"]) for statistic, _ in _CORRELATIONS),
            ]
            for name, said in by_predictor.items()
        ],
        "notes": list(_NOTES),
    }


def _beside_depth(of: str, by_predictor: Mapping[str, Any]) -> StudyTable:
    header = ("predictor", "within less depth", "accuracy lost", "lost less depth")
    return {
        "title": f"Beside depth: {of}",
        "header": (*header, "models", "tasks"),
        "rows": [
            [
                PREDICTOR_LABELS[name],
                None if name == "depth" else _known(said["within"]["minus_depth"]),
                _known(said["regret"]["value"]),
                None if name == "depth" else _known(said["regret"]["minus_depth"]),
                said["num_checkpoints"],
                said["num_tasks"],
            ]
            for name, said in by_predictor.items()
        ],
    }


def figures_of(results: Mapping[str, Any]) -> list[StudyFigure]:
    """The correlation within a checkpoint by predictor, a line for each protocol."""
    curves: dict[str, list[Any]] = {}
    names: list[str] = []
    for by_pooling in results["agreement"].values():
        for name in by_pooling[main_pooling(by_pooling)]:
            names += [] if name in names else [name]
    for protocol, by_pooling in results["agreement"].items():
        by_predictor = by_pooling[main_pooling(by_pooling)]
        curves[PROTOCOL_LABELS[protocol]] = [
            _known(by_predictor[name]["within"]["value"]) if name in by_predictor else None
            for name in names
        ]
    return [
        {
            "title": "Rank correlation with accuracy over the depths of a model",
            "y_label": "Spearman's correlation",
            "x_labels": [PREDICTOR_LABELS[name] for name in names],
            "x_label": "predictor",
            "curves": curves,
            "chance": 0.0,
            "over": "tasks and checkpoints",
            "unit": "tasks",
        }
    ]


def findings_of(results: Mapping[str, Any]) -> list[str]:
    """The answer in sentences: APT first, then the best predictor, against depth."""
    sentences: list[str] = []
    for protocol in sorted(results["agreement"], key=("finetuned", "cut", "frozen").index):
        by_pooling = results["agreement"][protocol]
        pooling = main_pooling(by_pooling)
        by_predictor = by_pooling[pooling]
        accuracy = f"{PROTOCOL_LABELS[protocol]} accuracy ({_pooled(pooling)})"
        depth = by_predictor["depth"]
        if "mean_apt" in by_predictor:
            sentences.append(_of_apt(by_predictor["mean_apt"], accuracy))
        sentences.append(
            f"That deeper is better ranks blocks by {accuracy} with"
            f" {_said(depth['within']['value'])} within a model; the last block is"
            f" {_said(depth['regret']['value'], 3)} worse than the best."
        )
        sentences.append(_of_the_best(by_predictor))
        sentences += _of_the_undefined(by_predictor, accuracy)
    num_tasks, num_runs = len(results["tasks"]), len(results["runs"])
    if num_tasks < LEAST:
        sentences.append(
            f"No errors are said of {num_tasks} {'task' if num_tasks == 1 else 'tasks'}: they take"
            f" {LEAST}."
        )
    else:
        over = "tasks and checkpoints" if num_runs >= LEAST else "tasks alone"
        sentences.append(
            f"± is one standard error over draws of {over}, {num_tasks} tasks and {num_runs}"
            f" {'checkpoint' if num_runs == 1 else 'checkpoints'}; so few say little of others."
        )
    if results["mean_apt_positions"]:
        sentences.append(
            f"Mean APT is that expected of {results['mean_apt_positions']:,} asked positions."
        )
    return sentences


def _of_apt(said: Mapping[str, Any], accuracy: str) -> str:
    given = said["within_given_depth"]["value"]
    return (
        f"Within a model, mean APT ranks blocks by {accuracy} with"
        f" {_said(said['within']['value'])}, which is"
        f" {_compared(said['within']['minus_depth'], higher='more than', lower='less than')} depth;"
        f" given depth, the correlation left is {_said(given)}."
    )


def _of_the_best(by_predictor: Mapping[str, Any]) -> str:
    """The predictor that loses least beside the last block, and whether it beats that.

    It is chosen by the difference, since predictors that some runs or tasks lack are of others.
    """
    losses = {
        name: said["regret"]["minus_depth"]["value"]
        for name, said in by_predictor.items()
        if said["regret"]["minus_depth"]["value"] is not None
    }
    best = min(losses, key=lambda name: losses[name])
    said = by_predictor[best]["regret"]
    if best == "depth":
        return "No predictor chooses a better block than the last one."
    return (
        f"{_capital(PREDICTOR_LABELS[best])} gains most by its choice of a block: it loses"
        f" {_said(said['value'], 3)}, which is"
        f" {_compared(said['minus_depth'], higher='more than', lower='less than')} the last block"
        f" loses; the best of {len(losses)} predictors is chosen with hindsight."
    )


def _of_the_undefined(by_predictor: Mapping[str, Any], accuracy: str) -> list[str]:
    """Where a predictor, or accuracy itself, does not tell the depths of a checkpoint apart."""
    undefined = {
        name: (number, said["num_tasks"] * said["num_checkpoints"])
        for name, said in by_predictor.items()
        if (number := said["within"]["num_undefined"])
    }
    if not undefined:
        return []
    told = ", ".join(
        f"{PREDICTOR_LABELS[name]} {number} of {whole}"
        for name, (number, whole) in undefined.items()
    )
    return [
        f"Of {accuracy}, pairs of a task and a checkpoint are left out in which no correlation over"
        f" depths is defined: {told}."
    ]


def _compared(difference: Mapping[str, Any], *, higher: str, lower: str) -> str:
    """A difference in words: told apart from 0 where it is two standard errors away."""
    value, error = difference["value"], difference["standard_error"]
    if value is None:
        return "not to be compared with"
    amount = f"{abs(value):.3f}" + ("" if error is None else f" ± {error:.3f}")
    side = higher if value > 0 else lower
    if error is None or abs(value) > 2 * error:
        return f"{amount} {side}"
    return f"{amount} {side}, and not to be told from,"


def _known(estimate: Any) -> Any:
    return None if estimate["value"] is None else estimate


def _said(estimate: Mapping[str, Any], digits: int = 2) -> str:
    value, error = estimate["value"], estimate["standard_error"]
    if value is None:
        return "nothing that is defined"
    return f"{value:.{digits}f}" + ("" if error is None else f" ± {error:.{digits}f}")


def _pooled(pooling: str) -> str:
    return {"cls": "[CLS]", "mean": "mean over tokens", "max": "maximum"}.get(pooling, pooling)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
