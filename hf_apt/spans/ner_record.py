"""What a comparison of ways to find names answers: sentences, tables, and F1 by depth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hf_apt.records.studies.study_record import StudyFigure, StudyRecord, StudyTable, study_record
from hf_apt.stats.depth_figures import PlainEstimate
from hf_apt.stats.estimates import mean_estimate, plain

NAMES: dict[str, str] = {
    "spans": "spans between masks",
    "no_mask": "spans without masks",
    "no_brackets": "spans without brackets",
    "merged": "spans with one mask",
    "tokens": "tags of words",
    "prototypes": "nearest prototypes",
}
"""What arms are called."""

_STRICT = "F1 is strict: first word, last word and type"
_ERRORS = "± is the standard error over draws of sentences"


def ner_record(
    checkpoint: str,
    subject: str,
    results: Mapping[str, Any],
    *,
    config: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> StudyRecord:
    """The study `ner` of a checkpoint.

    Args:
        checkpoint: the model as it was named.
        subject: name of the data.
        results: `labels`, `depths`, `arms` and `draws`, as `measure_ner` says.
        config: what was tried.
        provenance: files and sizes of the data.

    Returns:
        The record, with all of `results` in it.
    """
    arms = results["arms"]
    lower = _differences(results["draws"], [*arms])
    tables: list[StudyTable] = [
        {
            "title": "Names found, strict F1",
            "header": ["arm", "F1", "precision", "recall", "steps", "s"],
            "rows": [
                [
                    NAMES[arm],
                    *(one[name] for name in ("f1", "precision", "recall")),
                    round(one["num_steps"]),
                    round(one["seconds_training"] + one["seconds_testing"]),
                ]
                for arm, one in arms.items()
            ],
            "notes": [_STRICT, _ERRORS, "steps and s: of training, and seconds of all, of a draw"],
        }
    ]
    by_depth = {arm: one["f1_by_depth"] for arm, one in arms.items() if "f1_by_depth" in one}
    if by_depth:
        tables.append(
            {
                "title": "F1 by depth",
                "header": ["depth", *(NAMES[arm] for arm in by_depth)],
                "rows": [
                    [depth, *(values[place] for values in by_depth.values())]
                    for place, depth in enumerate(results["depths"])
                ],
                "notes": [
                    "prototypes are read at the depth; spans and tokens are trained on the trunk "
                    "cut after it"
                ],
            }
        )
    if lower:
        tables.append(
            {
                "title": "F1 minus that of spans, of the same draw",
                "header": ["arm", "difference"],
                "rows": [[NAMES[arm], value] for arm, value in lower.items()],
                "notes": [_ERRORS],
            }
        )
    tables.append(
        {
            "title": "F1 by type",
            "header": ["type", *arms],
            "rows": [
                [label, *(one["f1_by_type"].get(label) for one in arms.values())]
                for label in sorted({each for one in arms.values() for each in one["f1_by_type"]})
            ],
        }
    )
    return study_record(
        study="ner",
        subject=subject,
        title="Names found after a few examples",
        question="Are names found the better, the more fine-tuning looks like pre-training?",
        checkpoint=checkpoint,
        findings=[
            *_findings(arms, lower, by_depth, results["depths"]),
            *_sizes(results, config=config, provenance=provenance),
        ],
        tables=tables,
        figures=[_figure(by_depth, results["depths"])] if by_depth else [],
        results=results,
        config=config,
        provenance=provenance,
    )


def _differences(
    draws: Sequence[Mapping[str, Any]], arms: Sequence[str]
) -> dict[str, PlainEstimate]:
    """F1 of each other arm minus that of spans, paired by draw."""
    if "spans" not in arms:
        return {}
    return {
        arm: plain(
            mean_estimate(
                np.array([one[arm]["score"]["f1"] - one["spans"]["score"]["f1"] for one in draws])
            )
        )
        for arm in arms
        if arm != "spans"
    }


def _findings(
    arms: Mapping[str, Any],
    lower: Mapping[str, PlainEstimate],
    by_depth: Mapping[str, Sequence[PlainEstimate]],
    depths: Sequence[str],
) -> list[str]:
    best = max(arms, key=lambda arm: arms[arm]["f1"]["value"])
    said = [f"Of all ways {NAMES[best]} have the highest F1, {_number(arms[best]['f1'])}."]
    if "tokens" in lower:
        said.append(
            f"Tags of words are {_number(lower['tokens'], '+')} from spans between masks, of the "
            "same sentences."
        )
    for arm, values in by_depth.items():
        place = max(range(len(values)), key=lambda each: values[each]["value"])
        said.append(f"By depth {NAMES[arm]} are best at {depths[place]}: {_number(values[place])}.")
    return said


def _sizes(
    results: Mapping[str, Any], *, config: Mapping[str, Any], provenance: Mapping[str, Any]
) -> list[str]:
    shots = f"{config['num_shots']}-shot" if config["num_shots"] else "All sentences"
    sizes = sorted({*provenance["num_train_sentences"]})
    learnt = str(sizes[0]) if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    said = [
        f"{shots}, {len(results['labels'])} types: {learnt} sentences to learn from, "
        f"{provenance['num_test_sentences']} with {provenance['num_test_mentions']} names to test."
    ]
    if config["num_draws"] == 1:
        said.append("One draw has no error: ask for more --draws.")
    if provenance["num_too_long_to_find"]:
        said.append(
            f"{provenance['num_too_long_to_find']} names have more than {config['max_span_words']} "
            "words and cannot be found as spans."
        )
    return said


def _number(estimate: PlainEstimate, sign: str = "") -> str:
    error = estimate["standard_error"]
    value = f"{estimate['value']:{sign}.3f}"
    return value if error is None else f"{value} ± {error:.3f}"


def _figure(by_depth: Mapping[str, Sequence[PlainEstimate]], depths: Sequence[str]) -> StudyFigure:
    return {
        "title": "Strict F1 by depth",
        "y_label": "F1",
        "x_labels": list(depths),
        "curves": {NAMES[arm]: list(values) for arm, values in by_depth.items()},
        "over": "draws",
        "unit": "draws",
    }
