"""Fill the gap with the model: held-out sentences with one mask, and every block's answer."""

from __future__ import annotations

from typing import Any

from hf_apt.records.shown_sentences import (
    ShownAnswer,
    ShownSentence,
    ShownSentences,
    read_shown_sentences,
)
from hf_apt.report.formats import number, shown_token
from hf_apt.report.page_view import PageView
from hf_apt.report.section import Section


def section(view: PageView) -> Section | None:
    """The sentences, their answers unfolded by a button each; nothing for a run that shows none."""
    shown = read_shown_sentences(view.records.run, len(view.labels))
    if shown is None:
        return None
    sentences = shown["sentences"]
    return Section(
        "sentences",
        "Fill the gap with the model",
        {
            "num": {1: "One", 2: "Two", 3: "Three", 4: "Four", 5: "Five"}[len(sentences)],
            "model": (view.summary["model"] or {}).get("name") or "the model",
            "has_ceiling": any(each["ceiling"] for each in sentences),
            "sentences": [_sentence(each, view.labels) for each in sentences],
            "rule": _rule(shown),
        },
    )


def _sentence(shown: ShownSentence, labels: list[str]) -> dict[str, Any]:
    rows = [
        _row(label, answer, f"var(--depth-{depth})")
        for depth, (label, answer) in enumerate(zip(labels, shown["answers"], strict=True))
    ]
    if shown["ceiling"]:
        rows.append(_row("exact best", shown["ceiling"], "var(--muted)"))
    return {
        **{key: shown_token(shown[key]) for key in ("before", "after", "true")},
        "said": _said(shown, labels),
        "rows": rows,
    }


def _row(place: str, answer: ShownAnswer, colour: str) -> dict[str, Any]:
    return {
        "place": place,
        "token": shown_token(answer["token"]),
        "is_right": answer["true_rank"] == 1,
        "probability": _probability(answer["probability"]),
        "true_probability": _probability(answer["true_probability"]),
        "width": f"{100 * answer['probability']:.1f}",
        "colour": colour,
    }


def _probability(value: float) -> str:
    """A probability that is not rounded to nothing.

    >>> _probability(0.25), _probability(0.0004)
    ('0.250', 'under 0.001')
    """
    return number(value) if value >= 0.001 else "under 0.001"


def _said(shown: ShownSentence, labels: list[str]) -> str:
    """A clause that says from which depth on the answer is right."""
    ranks = [answer["true_rank"] for answer in shown["answers"]]
    depth = len(ranks)
    while depth and ranks[depth - 1] == 1:
        depth -= 1
    if depth == len(ranks):
        best = min(ranks)
        where = labels[ranks.index(best)]
        if best == 1:
            return f"the model has it at {where}, and loses it later."
        return f"the model never has it; at best, at {where}, it is answer number {best:,}."
    if depth == 0:
        return "the model has it at every depth."
    return f"the model has it from {labels[depth]} on."


def _rule(shown: ShownSentences) -> str:
    num = len(shown["sentences"])
    return (
        f"Chosen by rule: of {shown['num_asked']} held-out sentences, spread evenly over the text,"
        f" with one word each, drawn by seed {shown['seed']}, the {num} that differ most in the"
        " block from which on the answer is right, or never is. How often the model is right is"
        " not to be read off them. Answers are the own head’s, of this sentence alone."
    )
