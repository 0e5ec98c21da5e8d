"""Confidence on the page: against mean APT of the input, calibration, and the substitution test."""

from __future__ import annotations

from functools import partial
from typing import Any

from hf_apt.report.charts.task_charts import (
    apt_bin_data,
    apt_bin_points,
    reliability_data,
    reliability_points,
)
from hf_apt.report.formats import NOTHING, PlainEstimate, estimate, estimates, number, percent
from hf_apt.report.section import Section
from hf_apt.report.svg import NARROW_INCHES, both_widths, page_svg
from hf_apt.report.tasks import figures
from hf_apt.report.tasks.task_view import TaskView
from hf_apt.stats.labels import REPLACEMENT_LABELS


def part(view: TaskView) -> Section | None:
    """What was examined of the classifier's confidence; nothing where it was not."""
    record = view.record.get("confidence") if view.record else None
    if record is None:
        return None
    task = view.name
    content = {
        "against_apt": _against_apt(task, record) if record.get("bins") else None,
        "calibration": _calibration(task, record),
        "substitution": _substitution(record["substitution"]) if "substitution" in record else None,
        "no_masked_lm": "left_out" in record,
    }
    return Section("confidence", "Confidence", content)


def _against_apt(task: str, record: dict[str, Any]) -> dict[str, Any]:
    bins, slope = record["bins"], record["slope"]
    nums = [part["confidence"]["num"] for part in bins]
    means = [part["confidence"]["value"] for part in bins]
    height = sum(num * mean for num, mean in zip(nums, means, strict=True)) / sum(nums)
    centre = (record["mean_apt"]["value"], height)
    draw = partial(figures.confidence_by_mean_apt, bins, slope, centre)
    description = f"Confidence and accuracy on {task} in bins of mean APT of the text's tokens"
    drawn = (f"confidence-{task}", description, draw, apt_bin_points(bins), apt_bin_data(bins))
    return {
        "figure": both_widths(*drawn),
        "words": [_slope_words(slope), *_verdict(slope)],
        "slopes": _slope_rows(record) if "within_class_slope" in record else [],
        "slopes_note": _slopes_note(record) if "within_class_slope" in record else "",
        "facts": [
            ("Pearson's correlation", estimate(record["pearson"], signed=True)),
            ("Spearman's", estimate(record["spearman"], signed=True)),
        ],
        "note": _source(record["apt_source"]),
        "rows": [
            [f"{number(part['low'])} to {number(part['high'])}", number(num, 0), *cells]
            for part, num, *cells in zip(
                bins,
                nums,
                estimates([part["confidence"] for part in bins]),
                estimates([part["accuracy"] for part in bins]),
                strict=True,
            )
        ],
    }


def _slope_words(slope: dict[str, Any]) -> str:
    if slope["value"] is None:
        return "All texts have the same mean APT: there is no slope."
    line = (
        f"A straight line through all {number(slope['num'], 0)} test texts has a slope of"
        f" {number(slope['value'], signed=True)}"
    )
    if slope["low"] is None:
        return f"{line}; they are too few for an interval."
    interval = f"{number(slope['low'], signed=True)} to {number(slope['high'], signed=True)}"
    return (
        f"{line} (95\xa0% interval {interval}): {number(slope['value'] / 10, signed=True)} of"
        " confidence for 0.1 of mean APT."
    )


def _slope_rows(record: dict[str, Any]) -> list[list[str]]:
    """The slope over all texts and within classes, each as seen and without the noise of APT."""
    rows = []
    for name, seen, corrected in (
        ("all texts", record["slope"], record["corrected"]["pooled"]),
        ("within classes", record["within_class_slope"], record["corrected"]["within_class"]),
    ):
        reliability = corrected["reliability"]
        rows.append(
            [
                name,
                _with_interval(seen),
                _with_interval(corrected["slope"]),
                NOTHING if reliability is None else number(reliability),
            ]
        )
    return rows


def _with_interval(slope: dict[str, Any]) -> str:
    if slope["value"] is None:
        return NOTHING
    shown = number(slope["value"], signed=True)
    if slope["low"] is None:
        return shown
    return f"{shown} [{number(slope['low'], signed=True)}, {number(slope['high'], signed=True)}]"


def _slopes_note(record: dict[str, Any]) -> str:
    corrected = record["corrected"]
    known = percent(corrected["covered"])
    note = (
        "Within classes: mean APT and confidence less their means over the texts of the same class,"
        " as classes that differ in both make a slope of their own. Without noise: APT was counted"
        " on a finite text, and what is off by chance flattens the line; reliability is the share"
        " of the spread of mean APT that is not due to chance. In brackets, 95\xa0% intervals."
        f" The noise is known of {known} of the tokens."
    )
    if corrected["grouped_by"] == "positions":
        note += (
            " It was read off single positions as if they were independent, since the run did not"
            " keep their sequences: it may be larger."
        )
    return note


def _verdict(slope: dict[str, Any]) -> list[str]:
    if slope["low"] is None:
        return []
    statement = "independence of confidence and mean APT, which arXiv 2509.03407 states"
    if slope["low"] <= 0 <= slope["high"]:
        return [f"The interval includes 0. That agrees with the {statement}."]
    more = "more" if slope["value"] > 0 else "less"
    return [
        f"The interval excludes 0: the better the model knows the tokens of a text, the {more}"
        f" confident it is. That contradicts the {statement}."
    ]


def _source(source: dict[str, Any]) -> str:
    where = {
        "run": "on this run's held-out text",
        "training texts": "on the task's training texts, with masks of their own",
    }[source["source"]]
    return (
        "Bins hold equal numbers of texts; the thin lines show how far they reach, ± is one"
        " standard error over texts. The dashed line is the fitted one, between the ends of its"
        f" interval. APT was counted {where}, after the last block by the own head; it is known of"
        f" {percent(source['covered'])} of the tokens."
    )


def _calibration(task: str, record: dict[str, Any]) -> dict[str, Any]:
    calibration = record["calibration"]
    main = calibration["equal_count"]
    svg = page_svg(
        figures.reliability_curve(main["curve"], NARROW_INCHES),
        f"reliability-{task}",
        f"Accuracy on {task} against confidence, in bins of equal numbers of texts",
        "small",
        reliability_points(main["curve"]),
        reliability_data(main["curve"]),
    )
    facts = [
        ("mean confidence", estimate(record["mean_confidence"])),
        ("accuracy", estimate(record["accuracy"])),
        ("calibration error, bins of equal width", number(calibration["equal_width"]["error"])),
        ("negative log-likelihood", f"{estimate(calibration['negative_log_likelihood'])} nats"),
        ("Brier score, over classes", estimate(calibration["brier_score"])),
    ]
    return {"figure": svg, "words": _calibration_words(record, main), "facts": facts}


def _calibration_words(record: dict[str, Any], main: dict[str, Any]) -> str:
    error, most = main["error"], main["error_if_calibrated_95"]
    shown = (
        f"The expected calibration error is {number(error)}. On this number of texts a calibrated"
        f" classifier would show {number(main['error_if_calibrated'])}, and in 95 of 100 draws of"
        f" labels no more than {number(most)}:"
    )
    if error <= most:
        return f"{shown} no miscalibration is seen."
    confidence, accuracy = record["mean_confidence"]["value"], record["accuracy"]["value"]
    side = "too little" if accuracy > confidence else "too"
    return f"{shown} it is not calibrated. On average it is {side} confident."


def _substitution(record: dict[str, Any]) -> dict[str, Any]:
    doses = record["doses"]
    one_in = f"one token in {record['num_groups']}"
    return {
        "words": _substitution_words(doses["one_group"], one_in),
        "parts": [
            {
                "title": title,
                "rows": [
                    _row(doses[dose][kind], name) for kind, name in REPLACEMENT_LABELS.items()
                ],
            }
            for dose, title in (("one_group", one_in.capitalize()), ("all", "Every token"))
        ],
        "note": (
            "Prediction: what the masked model answers there. Random and by frequency: wherever"
            " that is another token, a random one instead, each equally likely or as often as in"
            f" the training texts ({record['num_draws']} draws). Same: the token itself. Strong"
            " match: a token that the model takes for it, from a threshold of"
            f" {record['strong_match_threshold']:g}. Other: neither. ± is one standard error over"
            " texts."
        ),
    }


def _row(effect: dict[str, Any], name: str) -> list[str]:
    replaced = effect["replaced"]
    other = None if replaced["other"] is None else replaced["other"] + replaced["not_kept"]
    return [
        name,
        estimate(effect["changed_labels"]),
        estimate(effect["accuracy_change"], signed=True),
        estimate(effect["confidence_change"], signed=True),
        *(percent(share) for share in (replaced["identical"], replaced["strong_match"], other)),
    ]


def _substitution_words(dose: dict[str, Any], one_in: str) -> str:
    return (
        f"With {one_in} replaced by what the masked model predicts there, the label of"
        f" {_share(dose['prediction'])} of the texts changes; with as many random tokens, that of"
        f" {_share(dose['random'])}. Paired by text, the difference is"
        f" {_difference(dose['random']['less_prediction']['changed_labels'])}."
    )


def _share(effect: dict[str, Any]) -> str:
    return estimate(effect["changed_labels"])


def _difference(difference: PlainEstimate) -> str:
    return "0" if difference["value"] is None else estimate(difference, signed=True)
