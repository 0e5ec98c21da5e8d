"""The tables and the figure of a study of experts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hf_apt.analysis.experts.arms import OWN
from hf_apt.analysis.experts.finetuned_tables import finetuned_tables
from hf_apt.analysis.experts.greedy_tables import greedy_figure, greedy_table
from hf_apt.records.studies.study_record import StudyFigure, StudyTable

_MOST = 12
"""Experts that a table names for a protocol."""

_PROTOCOLS = {"silenced": "others silenced", "read_out": "own read-out", "probes": "probe"}


def experts_tables(
    results: dict[str, Any],
    kinds: str,
    tokens: Sequence[str],
    labels: Sequence[str],
    all_names: Sequence[str],
) -> list[StudyTable]:
    """The tables of a study, from its `results`.

    `tokens` are by id, `labels` by number, and `all_names` those of all parts of the block.
    """
    made = [_parts(results, kinds), _arms(results, kinds)]
    experts = _experts(results, tokens, labels)
    made += [experts] if experts["rows"] else []
    made.append(_kept(results, kinds))
    if results["greedy"]:
        made.append(greedy_table(results["greedy"], all_names, kinds))
    if results["bounds"]:
        made.append(_bounds(results))
    if results["probes"]:
        made.append(_probes(results, kinds))
    if results["finetuned"]:
        probes = results["probes"][OWN]["parts"]
        made += finetuned_tables(
            results["finetuned"],
            probes,
            results["whole_probe"],
            results["names"],
            labels,
            kinds,
            results["task"],
        )
    return made


def _parts(results: dict[str, Any], kinds: str) -> StudyTable:
    silenced, read_out = (results[protocol][OWN]["parts"] for protocol in ("silenced", "read_out"))
    rows: list[list[Any]] = [
        [
            name,
            one["mean_apt"],
            one["mean_apt_masked"],
            other["mean_apt"],
            other["accuracy"],
            f"{one['num_experts']} / {other['num_experts']}",
        ]
        for name, one, other in zip(results["names"], silenced, read_out, strict=True)
    ]
    for name, end in (("none kept", "none"), ("whole model", "whole")):
        of_end = results["ends"][end]
        rows.append([name, of_end["mean_apt"], of_end["mean_apt_masked"], None, None, None])
    return {
        "title": f"Single {kinds} of block {results['block']}",
        "header": ["kept", "APT", "APT at [MASK]", "read-out APT", "read-out accuracy", "experts"],
        "rows": rows,
        "notes": [
            f"APT: mean accuracy per token with all other {kinds} of the block silenced, the rest "
            "of the model as it is.",
            "read-out: a linear map trained on what the part says, which sees nothing else.",
            "experts: tokens that the part knows better than every other one, with others "
            "silenced / by its read-out.",
        ],
    }


def _arms(results: dict[str, Any], kinds: str) -> StudyTable:
    rows = [
        [
            f"{_PROTOCOLS[protocol]}: {kinds if arm == OWN else arm}",
            figures["choice_gain"],
            figures["cosine"],
            figures["jaccard"],
            f"{figures['num_known_to_one']} of {figures['num_known']}",
            f"{len(figures['experts'])} of {figures['num_looked_at']}",
        ]
        for protocol in ("silenced", "read_out", "probes")
        for arm, figures in results[protocol].items()
    ]
    return {
        "title": f"Do {kinds} differ in what they know?",
        "header": ["arm", "gain of choice", "cosine", "Jaccard", "known to one", "experts"],
        "rows": rows,
        "notes": [
            "gain of choice: mean APT of the part that knows a token best, minus that of the best "
            "part for all, chosen on one half of the texts and judged on the other; 0 or less "
            "where parts differ in how much they know and not in what.",
            "cosine: of the APT of two parts over tokens; Jaccard: share of the tokens known by "
            "one of two parts that both know; known is an APT of 0.5 and more.",
            "experts: of the pairs of part and token looked at.",
            "random directions: as wide as a part, in the space of all of them together.",
        ],
    }


def _experts(results: dict[str, Any], tokens: Sequence[str], labels: Sequence[str]) -> StudyTable:
    rows: list[list[Any]] = []
    for protocol, words in (("silenced", tokens), ("read_out", tokens), ("probes", labels)):
        figures = results[protocol].get(OWN, {"experts": []})
        rows += [
            [
                f"{_PROTOCOLS[protocol]}: {results['names'][one['part']]}",
                words[one["token"]],
                one["apt"],
                one["next_apt"],
                one["support"],
                f"{one['p_value']:.1g}",
            ]
            for one in figures["experts"][:_MOST]
        ]
    return {
        "title": "Who is an expert in what",
        "header": ["part", "token", "APT", "next best", "asked", "p"],
        "rows": rows,
        "notes": [
            f"The largest leads, {_MOST} of a protocol. p: that of the sign test against every "
            "other part and of the test against answering so everywhere, the larger one, adjusted "
            "for all pairs looked at (Benjamini-Hochberg).",
        ],
    }


def _kept(results: dict[str, Any], kinds: str) -> StudyTable:
    return {
        "title": f"Accuracy against the number of {kinds} kept",
        "header": ["kept", "APT", "accuracy", "sum of singles", "hull"],
        "rows": [
            [
                row["num_kept"],
                row["mean_apt"],
                row["accuracy"],
                row["sum_of_singles"],
                row["hull"],
            ]
            for row in results["kept"]
        ],
        "notes": [
            "Means over random sets, with errors over sets; with none and with all kept, errors "
            "over tokens.",
            "sum of singles: with none, and for each part kept the mean gain of those asked alone; "
            "where APT is above it, parts do more together.",
            "hull: the smallest concave curve over APT.",
        ],
    }


def _bounds(results: dict[str, Any]) -> StudyTable:
    return {
        "title": "Read-outs of few numbers, and their convex-hull bound",
        "header": ["numbers read", "APT", "APT at most", "tokens answered", "answerable"],
        "rows": [
            [
                row["num_read"],
                row["mean_apt"],
                row["most_apt"],
                row["num_answered"],
                row["num_answerable"],
            ]
            for row in results["bounds"]
        ],
        "notes": [
            "answerable: tokens that the read-out answers for some numbers, whatever they are: "
            "corners of the upper convex hull of its weights; the hull is taken up to three "
            "numbers. APT at most: the share of the tokens asked for that are among them.",
        ],
    }


def _probes(results: dict[str, Any], kinds: str) -> StudyTable:
    rows: list[list[Any]] = [
        [name, part["accuracy"], part["mean_apt"], part["num_answers"], part["num_experts"]]
        for name, part in zip(results["names"], results["probes"][OWN]["parts"], strict=True)
    ]
    rows.append(["all of the block", results["whole_probe"], None, None, None])
    return {
        "title": f"The task {results['task']} by single {kinds}",
        "header": ["read", "accuracy", "mean over classes", "classes answered", "experts"],
        "rows": rows,
        "notes": ["Linear probes of the mean over each text's tokens; the model stays as it is."],
    }


def experts_figures(results: dict[str, Any], kinds: str) -> list[StudyFigure]:
    """Mean APT against the number of parts kept, at random and in greedy order."""
    made = [_kept_figure(results, kinds)]
    return made + ([greedy_figure(results["greedy"], kinds)] if results["greedy"] else [])


def _kept_figure(results: dict[str, Any], kinds: str) -> StudyFigure:
    rows = results["kept"]
    return {
        "title": f"Mean APT against the number of {kinds} kept",
        "y_label": "mean APT",
        "x_label": f"{kinds} kept",
        "x_labels": [str(row["num_kept"]) for row in rows],
        "curves": {
            "kept": [row["mean_apt"] for row in rows],
            "sum of singles": [
                {"value": row["sum_of_singles"], "standard_error": None, "num": 1} for row in rows
            ],
        },
        "over": "sets",
        "unit": "sets",
    }
