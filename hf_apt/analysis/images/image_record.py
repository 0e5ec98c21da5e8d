"""What the study of an image classifier says: its sentences, tables and figures."""

from __future__ import annotations

from math import hypot
from typing import Any

from hf_apt.records.studies.study_record import StudyFigure, StudyTable
from hf_apt.stats.classes.label_figures import LabelFigures
from hf_apt.stats.clusters import ERRORS_HEADLINE, HEADLINE
from hf_apt.stats.depth_figures import ClusterFigures, PlainEstimate

_CALLED = {
    "linear": "linear head",
    "linear_mean": "head on means",
    "own": "own classifier",
    "untrained": "untrained",
    "untrained_mean": "untrained, means",
}
"""What tables and figures call each readout."""

_MOST_LABELS = 20
_MOST_DEPTHS = 4


def findings_of(results: dict[str, Any]) -> list[str]:
    """The answer in sentences, from `image_results`."""
    depths, linear, start = results["depths"], results["readouts"]["linear"], _start(results)
    first, last = linear[start], linear[-1]
    growths = [each["growth"] for each in linear[start + 1 :]]
    num_up = sum(growth["value"] > 0 for growth in growths)
    num_clear = sum(growth["value"] > 2 * (growth["standard_error"] or 0) > 0 for growth in growths)
    said = [
        f"A linear head is right about {_of(first['accuracy'])} of {first['accuracy']['num']:,} "
        f"test images {_after(depths[start])} and {_of(last['accuracy'])} after {depths[-1]}; "
        f"accuracy rises at {num_up} of {len(growths)} blocks between, at {num_clear} by more than "
        "two standard errors.",
        _mechanism(results),
        f"On bare pixels a linear head is right about {_of(results['pixels']['accuracy'])}: the "
        f"last block is {_signed(results['differences']['pixels'])} from it, paired by image.",
    ]
    if start:
        said.append(
            "The model reads a token of its own, which knows nothing of the image before the first "
            "block: the embeddings are compared by means over positions alone."
        )
    if "untrained" in results["readouts"]:
        said.append(_beside_untrained(results))
    own = results["readouts"].get("own")
    if own is not None:
        said.append(_own(own, depths))
    return [*said, *results["notes"]]


def tables_of(results: dict[str, Any]) -> list[StudyTable]:
    """Accuracy by depth and readout, by label, and confusions, from `image_results`."""
    pooled = [name for name in results["readouts"] if not name.endswith("_mean")]
    means = [name for name in results["readouts"] if name.endswith("_mean")]
    tables = [_accuracies(results, "Accuracy at each depth", pooled)]
    if means:
        tables.append(_accuracies(results, "Accuracy of means over positions", means))
    return [*tables, _labels(results), _confusions(results)]


def figures_of(results: dict[str, Any]) -> list[StudyFigure]:
    """Accuracy and noise over the depths, from `image_results`."""
    readouts = {_CALLED[name]: one for name, one in results["readouts"].items()}
    places = [_short(name) for name in results["depths"]]
    accuracy = StudyFigure(
        title="Accuracy of each readout at every depth",
        y_label="accuracy",
        x_labels=places,
        curves={
            name: [None if each is None else each["accuracy"] for each in by_depth]
            for name, by_depth in readouts.items()
        },
        chance=results["chance"],
        over="images",
        unit="test images",
    )
    noise = StudyFigure(
        title="Noise: answers that are neither right nor a strong match",
        y_label="share of answers",
        x_labels=places,
        curves={
            name: [None if each is None else each["noise"] for each in by_depth]
            for name, by_depth in readouts.items()
        },
        over="labels",
        unit="labels",
    )
    return [accuracy, noise]


def _start(results: dict[str, Any]) -> int:
    """The first depth whose vectors can know of the image: [CLS] of the embeddings does not."""
    return int("linear_mean" in results["readouts"] and len(results["depths"]) > 2)


def _mechanism(results: dict[str, Any]) -> str:
    """The paper's claim, part by part."""
    linear = results["readouts"]["linear"]
    first, last = linear[_start(results)], linear[-1]
    gain = results["differences"]["first"]
    rises = gain["value"] > 2 * (gain["standard_error"] or 0)
    noises = first["noise"], last["noise"]
    spread = hypot(*(each["standard_error"] or 0 for each in noises))
    fall = first["noise"]["value"] - last["noise"]["value"]
    changes = "falls" if fall > 2 * spread else "rises" if fall < -2 * spread else "hardly changes"
    agrees = ("does not agree", "agrees in part", "agrees")[rises + (changes == "falls")]
    sizes = [len(labels) for labels in last["members"]["mutual"]]
    clusters = (
        f"{_plural(len(sizes), 'cluster')} of {_range(sizes)} of {len(results['label_names'])} "
        "labels left"
        if sizes
        else "no cluster of strong matches left"
    )
    return (
        f"This {agrees} with language models (arXiv "
        f"2509.03407): from there on accuracy {'rises' if rises else 'does not rise'} with depth "
        f"({_signed(gain)}, paired by image) and noise {changes} "
        f"({_of(first['noise'])} to {_of(last['noise'])}), with {clusters} after the last block."
    )


def _beside_untrained(results: dict[str, Any]) -> str:
    readouts, differences = results["readouts"], results["differences"]
    names = [name for name in ("untrained", "untrained_mean") if name in readouts]
    best_name, best = max(
        ((name, each) for name in names for each in readouts[name]),
        key=lambda pair: pair[1]["accuracy"]["value"],
    )
    return (
        f"The same model with fresh weights reaches {_of(best['accuracy'])} at its best depth"
        f"{' by means' if best_name == 'untrained_mean' else ''}; after the last block training "
        f"brings {_signed(differences['untrained'])}, paired by image."
    )


def _own(own: list[LabelFigures | None], depths: list[str]) -> str:
    asked = [(depths[i], each["accuracy"]) for i, each in enumerate(own) if each is not None]
    name, last = asked[-1]
    if len(asked) == 1:
        return (
            f"The model's own classifier is right about {_of(last)}; its end takes no state of an "
            "earlier block."
        )
    first_name, first = asked[0]
    return (
        f"The model's own classifier is right about {_of(last)} after {name}, and about "
        f"{_of(first)} when it is given the state of {first_name}."
    )


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
        header=["depth", *(_CALLED[name] for name in names)],
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
        header=["label", *(_short(results["depths"][depth]) for depth in shown)],
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


def _short(depth: str) -> str:
    return "emb" if depth == "embeddings" else depth.removeprefix("block ")


def _range(sizes: list[int]) -> str:
    low, high = min(sizes), max(sizes)
    return str(low) if low == high else f"{low} to {high}"


def _of(estimate: PlainEstimate) -> str:
    return f"{estimate['value']:.3f} ± {estimate['standard_error']:.3f}"


def _signed(estimate: PlainEstimate) -> str:
    return f"{estimate['value']:+.3f} ± {estimate['standard_error'] or 0:.3f}"


def _plural(num: int, word: str) -> str:
    return f"{num} {word}" if num == 1 else f"{num} {word}s"


def _after(depth: str) -> str:
    return "at the embeddings" if depth == "embeddings" else f"after {depth}"
