"""Is it normal? The model between what guessing reaches and what is known above it."""

from __future__ import annotations

from functools import partial

from hf_apt.report.first_screen.receipts import receipt
from hf_apt.report.page_view import PageView
from hf_apt.report.ruler_figure import RulerMark, ruler_figure
from hf_apt.report.ruler_table import ruler_sentence, ruler_table
from hf_apt.report.section import Section
from hf_apt.report.svg import both_widths


def section(view: PageView) -> Section | None:
    """A strip with floors, model, ceiling and reference models, and their table.

    Nothing for a run of a version that had no ruler.
    """
    table = ruler_table(view.summary)
    if table is None:
        return None
    draw = partial(ruler_figure, _marks(view))
    strip = both_widths("ruler", "Accuracy of guessers, this model and others", draw)
    content = {"figure": strip, "sentence": ruler_sentence(view.summary), "table": table}
    return Section("ruler", "Is it normal?", content | {"receipts": _receipts(view)})


def _receipts(view: PageView) -> list[dict[int, str]]:
    """For each row of the table, by column, the receipts of what was measured here."""
    ruler = view.summary.get("ruler")
    assert ruler is not None  # there is a table
    measured = [("own_head", view.labels[-1], view.readouts["own_head"][-1])]
    measured += [("bayes", "", depths[0]) for depths in [view.ceiling] if depths]
    return [{} for _ in ruler["floors"]] + [
        {
            column: receipt(figure, readout, place, value, view.seed)
            for column, figure, value in (
                (1, "accuracy", depth["masked_accuracy"]["pooled"]),
                (2, "accuracy at [MASK]", depth["masked_accuracy"]["masked"]),
                (3, "mean APT", depth["mean_apt"]["pooled"]),
            )
            if value["value"] is not None
        }
        for readout, place, depth in measured
    ]


def _marks(view: PageView) -> list[RulerMark]:
    ruler = view.summary.get("ruler")
    assert ruler is not None  # there is a table
    marks = [
        RulerMark(floor["name"], floor["accuracy"]["pooled"] or 0.0, "floor")
        for floor in ruler["floors"]
    ]
    own = view.readouts["own_head"][-1]["masked_accuracy"]["pooled"]["value"]
    marks.append(RulerMark("this model", own, "model"))
    if view.ceiling:
        best = view.ceiling[0]["masked_accuracy"]["pooled"]["value"]
        marks.append(RulerMark("exact best predictor", best, "ceiling"))
    marks += [RulerMark(row["model"], row["accuracy"], "other") for row in ruler["models"]]
    return marks
