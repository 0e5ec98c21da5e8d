"""What the study of an image classifier says: its sentences and figures."""

from __future__ import annotations

from math import hypot
from typing import Any

from hf_apt.analysis.images.image_tables import CALLED, short_depth
from hf_apt.records.studies.study_record import StudyFigure
from hf_apt.stats.classes.label_figures import LabelFigures
from hf_apt.stats.depth_figures import PlainEstimate


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


def figures_of(results: dict[str, Any]) -> list[StudyFigure]:
    """Accuracy and noise over the depths, from `image_results`."""
    readouts = {CALLED[name]: one for name, one in results["readouts"].items()}
    places = [short_depth(name) for name in results["depths"]]
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
