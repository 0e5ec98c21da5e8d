"""The tables of the study of an image classifier, and what its depths and readouts are called."""

from __future__ import annotations

from typing import Any

from hf_apt.records.studies.study_record import StudyTable
from hf_apt.stats.classes.label_figures import LabelFigures
from hf_apt.stats.clusters import ERRORS_HEADLINE, HEADLINE
from hf_apt.stats.depth_figures import ClusterFigures, PlainEstimate

CALLED = {
    "linear": "linear head",
    "linear_mean": "head on means",
    "own": "own classifier",
    "untrained": "untrained",
    "untrained_mean": "untrained, means",
}
"""What tables and figures call each readout."""

_MOST_LABELS = 20
_MOST_DEPTHS = 4


def tables_of(results: dict[str, Any]) -> list[StudyTable]:
    """Accuracy by depth and readout, by label, and confusions, from `image_results`."""
    pooled = [name for name in results["readouts"] if not name.endswith("_mean")]
    means = [name for name in results["readouts"] if name.endswith("_mean")]
    tables = [_accuracies(results, "Accuracy at each depth", pooled)]
    if means:
        tables.append(_accuracies(results, "Accuracy of means over positions", means))
    return [*tables, _labels(results), _confusions(results)]


def _accuracies(results: dict[str, Any], title: str, names: list[str]) -> StudyTable:
    rows: list[list[Any]] = [
        [depth, *(_accuracy(results["readouts"][name][place]) for name in names)]
        for place, depth in enumerate(results["depths"])
    ]
    if "linear" in names:
        rows.insert(0, ["pixels", results["pixels"]["accuracy"], *[None] * (len(names) - 1)])
    shown = [cell for row in rows for cell in row[1:] if cell is not None]
    num = shown[0]["num"]
    notes = [
        "Linear heads are trained on vectors pooled as the model pools at its end. ± is the "
        "binomial error of the test images."
    ]
    if any(cell["value"] in (0, 1) for cell in shown):
        notes.append(
            f"Of a share of 0 or 1 that error is 0 whatever their number: of {num:,} images that "
            f"are all right, up to {min(3 / num, 1):.1%} may be wrong in truth (95 %, rule of "
            "three)."
        )
    return StudyTable(
        title=title,
        header=["depth", *(CALLED[name] for name in names)],
        rows=rows,
        notes=notes,
    )


def _labels(results: dict[str, Any]) -> StudyTable:
    linear, names = results["readouts"]["linear"], results["label_names"]
    shown = _spread(len(linear), _MOST_DEPTHS)
    last = linear[-1]
    order = sorted(
        range(len(names)), key=lambda label: last["hits"][label] / max(last["support"][label], 1)
    )
    rows = [
        [names[label], *(_label_accuracy(linear[depth], label) for depth in shown)]
        for label in order[:_MOST_LABELS]
    ]
    left = len(names) - len(rows)
    return StudyTable(
        title="Accuracy of each label, linear head, hardest first",
        header=["label", *(short_depth(results["depths"][depth]) for depth in shown)],
        rows=rows,
        notes=[f"{left} easier labels are in the record."] if left else [],
    )


def _confusions(results: dict[str, Any]) -> StudyTable:
    names = results["label_names"]
    rows: list[list[Any]] = []
    for depth, each in zip(results["depths"], results["readouts"]["linear"], strict=True):
        mutual, errors = (_clusters_of(each, *pair) for pair in (HEADLINE, ERRORS_HEADLINE))
        rows.append(
            [
                depth,
                each["num_kept"],
                mutual["num_clusters"],
                mutual["num_tokens_in_clusters"],
                each["noise"],
                errors["num_clusters"],
                _named(each["members"]["mutual"], names),
            ]
        )
    return StudyTable(
        title="Confusions of labels, linear head",
        header=["depth", "kept", "clusters", "labels", "noise", "of errors", "largest"],
        rows=rows,
        notes=[
            "kept: labels whose right answer is their commonest one; clusters: mutual strong "
            f"matches from {HEADLINE[1]:g} of the right answers; of errors: from "
            f"{ERRORS_HEADLINE[1]:g} of the wrong ones; noise: share of answers that are neither "
            "right nor a strong match, mean over labels with its error over them."
        ],
    )


def _clusters_of(figures: LabelFigures, definition: str, threshold: float) -> ClusterFigures:
    wanted = (definition, threshold)
    return next(
        each for each in figures["clusters"] if (each["definition"], each["threshold"]) == wanted
    )


def _accuracy(figures: LabelFigures | None) -> PlainEstimate | None:
    return None if figures is None else figures["accuracy"]


def _label_accuracy(figures: LabelFigures, label: int) -> PlainEstimate | None:
    num = figures["support"][label]
    if num == 0:
        return None
    value = figures["hits"][label] / num
    return {"value": value, "standard_error": (value * (1 - value) / num) ** 0.5, "num": num}


def _named(clusters: list[list[int]], names: list[str]) -> str:
    shown = [" ".join(names[label] for label in labels[:5]) for labels in clusters[:2]]
    return ", ".join(f"{{{each}}}" for each in shown)


def _spread(num: int, most: int) -> list[int]:
    """At most `most` of the depths, the first and the last among them."""
    if num <= most:
        return list(range(num))
    return [round(place * (num - 1) / (most - 1)) for place in range(most)]


def short_depth(depth: str) -> str:
    """A depth as an axis has it: `emb`, or the block's number."""
    return "emb" if depth == "embeddings" else depth.removeprefix("block ")
