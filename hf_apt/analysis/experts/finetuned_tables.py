"""Classifiers fine-tuned with one part each: figures over seeds, tables, a sentence."""
# R seeds, X texts, U parts.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Int

from hf_apt.analysis.experts.finetuned_parts import NONE, WHOLE, Labels, Protocol
from hf_apt.records.studies.study_record import StudyTable
from hf_apt.stats.estimates import mean_estimate, over_seeds, plain
from hf_apt.stats.experts.part_answers import PartAnswers
from hf_apt.stats.experts.specialisation import choice_gain

_MOST_PARTS, _MOST_LABELS = 8, 20
"""Parts and labels that the tables by label show; the record has all."""

_CALLED = {"silenced": "others silenced", "read_out": "own read-out"}


def finetuned_figures(
    answers: Mapping[Protocol, Mapping[str, Labels]],
    labels_X: Int[np.ndarray, " texts"],
    num_labels: int,
    numbers: Sequence[int],
    *,
    min_support: int = 10,
) -> dict[str, Any]:
    """What fine-tuned classifiers are right about, each and together, in plain JSON.

    Args:
        answers: as `hf_apt.analysis.experts.finetuned_parts.finetuned_answers` returns them.
        labels_X: the right class of each test text.
        num_labels: number of classes.
        numbers: the parts that were asked one by one, from 0.
        min_support: how many texts a class has to have for the gain of choice.

    Returns:
        `num_seeds` and `num_test`; by protocol `whole`, `none` of `silenced` alone, and `parts`,
        each with `accuracy` and `by_label`, accuracy of every class, None where the class has no
        text, over seeds; `above_none`, of parts of `silenced`, and `above_whole`, paired by seed;
        and the `choice_gain` of the parts over seeds, the gain of choice among classes. Errors are
        over seeds; of one seed an accuracy has its binomial error and a difference none.
    """
    made: dict[str, Any] = {"num_test": len(labels_X)}
    for protocol, by_arm in answers.items():
        made["num_seeds"] = len(by_arm[WHOLE])
        figures = {name: _figures(by_arm, name, labels_X, num_labels) for name in by_arm}
        of_protocol: dict[str, Any] = {
            name: figures[name] for name in (WHOLE, NONE) if name in figures
        }
        of_protocol["parts"] = [figures[str(number)] for number in numbers]
        labels_RUX = np.stack([by_arm[str(number)] for number in numbers], axis=1)
        gains = [_gain(labels_UX, labels_X, num_labels, min_support) for labels_UX in labels_RUX]
        of_protocol["choice_gain"] = mean_estimate(np.array(gains))
        made[protocol] = of_protocol
    return plain(made)


def _figures(
    by_arm: Mapping[str, Labels], name: str, labels_X: np.ndarray, num_labels: int
) -> dict[str, Any]:
    right_RX = by_arm[name] == labels_X
    accuracy_R = right_RX.mean(axis=1)
    made: dict[str, Any] = {
        "accuracy": over_seeds(list(accuracy_R[:, None]), len(labels_X))[0],
        "by_label": [
            over_seeds(list(right_RX[:, labels_X == label].mean(axis=1)[:, None]), int(num))[0]
            if (num := (labels_X == label).sum())
            else None
            for label in range(num_labels)
        ],
    }
    for other in (NONE, WHOLE):
        if other in by_arm and name not in (other, WHOLE):
            difference_R = accuracy_R - (by_arm[other] == labels_X).mean(axis=1)
            made[f"above_{other}"] = mean_estimate(difference_R)
    return made


def _gain(labels_UX: np.ndarray, labels_X: np.ndarray, num_labels: int, min_support: int) -> float:
    zeros_X, texts_X = np.zeros(len(labels_X), np.int64), np.arange(len(labels_X))
    answers = PartAnswers.empty(len(labels_UX), num_labels)
    answers.update(labels_X, labels_UX, zeros_X, texts_X)
    return choice_gain(answers, min_support=min_support).value


def finetuned_tables(
    figures: Mapping[str, Any],
    probes: Sequence[Mapping[str, Any]],
    whole_probe: Any,
    names: Sequence[str],
    labels: Sequence[str],
    kinds: str,
    task: str,
) -> list[StudyTable]:
    """The tables of `finetuned_figures`, beside the frozen `probes` of the same parts."""
    silenced, read_out = figures["silenced"], figures["read_out"]
    rows: list[list[Any]] = [
        [name, probe["accuracy"], read["accuracy"], kept["accuracy"], kept["above_none"]]
        for name, probe, read, kept in zip(
            names, probes, read_out["parts"], silenced["parts"], strict=True
        )
    ]
    rows.append(["none of the block", None, None, silenced[NONE]["accuracy"], None])
    whole = (read_out[WHOLE]["accuracy"], silenced[WHOLE]["accuracy"])
    rows.append(["all of the block", whole_probe, *whole, None])
    made: list[StudyTable] = [
        {
            "title": f"The task {task} by single {kinds}, fine-tuned",
            "header": ["kept", "frozen probe", "own read-out", "others silenced", "above none"],
            "rows": rows,
            "notes": [
                f"Mean accuracy over {figures['num_seeds']} seeds of fine-tuning all weights, with "
                "errors over seeds; those of frozen probes are over texts.",
                "own read-out: a linear read-out of what the part says is trained with the model "
                "below it. others silenced: all other parts of the block say 0 in training and "
                "after it, and the model's own classifier is trained. above none: paired by seed.",
                *_gains(figures),
            ],
        }
    ]
    return made + [
        _by_label(figures[protocol], names, labels, f"{task} by class, fine-tuned, {called}")
        for protocol, called in _CALLED.items()
    ]


def _gains(figures: Mapping[str, Any]) -> list[str]:
    gains = {called: figures[name]["choice_gain"] for name, called in _CALLED.items()}
    shown = [
        f"{called} {_shown(gain)}" for called, gain in gains.items() if gain["value"] is not None
    ]
    return [f"Gain of choice among classes: {', '.join(shown)}."] if shown else []


def _by_label(
    figures: Mapping[str, Any], names: Sequence[str], labels: Sequence[str], title: str
) -> StudyTable:
    ends = [name for name in (NONE, WHOLE) if name in figures]
    shown = [*figures["parts"][:_MOST_PARTS], *(figures[name] for name in ends)]
    rows: list[list[Any]] = [
        [label, *(one["by_label"][number] for one in shown)]
        for number, label in enumerate(labels[:_MOST_LABELS])
    ]
    return {
        "title": title,
        "header": ["class", *names[:_MOST_PARTS], *({NONE: "none", WHOLE: "all"}[e] for e in ends)],
        "rows": rows,
        "notes": ["Share of the texts of a class that are answered rightly; errors over seeds."],
    }


def finetuned_finding(figures: Mapping[str, Any], names: Sequence[str], kinds: str) -> str:
    """A sentence on the best and the worst part by read-outs, and on what silencing costs."""
    silenced, read_out = figures["silenced"], figures["read_out"]
    values = [one["accuracy"]["value"] for one in read_out["parts"]]
    best, worst = int(np.argmax(values)), int(np.argmin(values))
    kept = [one["accuracy"]["value"] for one in silenced["parts"]]
    return (
        f"Fine-tuned by read-outs of their own, {kinds} are right about "
        f"{_shown(read_out['parts'][worst]['accuracy'])} ({names[worst]}) to "
        f"{_shown(read_out['parts'][best]['accuracy'])} ({names[best]}) of the test texts, all of "
        f"the block about {_shown(read_out[WHOLE]['accuracy'])}; with all others silenced about "
        f"{min(kept):.3f} to {max(kept):.3f}, with none {_shown(silenced[NONE]['accuracy'])} and "
        f"with all {_shown(silenced[WHOLE]['accuracy'])}."
    )


def _shown(estimate: Mapping[str, Any]) -> str:
    error = estimate["standard_error"]
    return f"{estimate['value']:.3f}" + ("" if error is None else f" ± {error:.3f}")
