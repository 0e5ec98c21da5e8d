"""Is it normal? The model between what guessing reaches and what is known above it."""

from __future__ import annotations

from functools import partial

from hf_apt.records.references.reference_models import ReferenceModel
from hf_apt.report.charts.chart_data import ChartData
from hf_apt.report.first_screen.receipts import receipt
from hf_apt.report.formats import counted, number
from hf_apt.report.page_view import PageView
from hf_apt.report.ruler_figure import RulerMark, in_order, ruler_figure
from hf_apt.report.ruler_models import other_models
from hf_apt.report.ruler_table import ruler_sentence, ruler_table
from hf_apt.report.section import Section
from hf_apt.report.svg import Point, both_widths
from hf_apt.stats.floors.floors import PlainFloor


def section(view: PageView) -> Section | None:
    """A strip with floors, model, ceiling and reference models, and their table.

    Nothing for a run of a version that had no ruler.
    """
    table = ruler_table(view.summary)
    if table is None:
        return None
    marks = in_order(_marks(view))
    draw = partial(ruler_figure, marks)
    points = [Point(mark.accuracy, height, mark.said) for height, mark in enumerate(marks)]
    data = ChartData(
        ["name", "kind", "accuracy"], [[mark.name, mark.kind, mark.accuracy] for mark in marks]
    )
    said = "Accuracy of guessers, this model and others"
    strip = both_widths("ruler", said, draw, points, data)
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
    marks = [_floor(floor) for floor in ruler["floors"]]
    own = view.readouts["own_head"][-1]["masked_accuracy"]["pooled"]
    said = receipt("accuracy", "own_head", view.labels[-1], own, view.seed)
    marks.append(RulerMark("this model", own["value"], "model", said))
    if view.ceiling:
        best = view.ceiling[0]["masked_accuracy"]["pooled"]
        said = receipt("accuracy", "bayes", "", best, view.seed)
        marks.append(RulerMark("exact best predictor", best["value"], "ceiling", said))
    return marks + [_other(row) for row in other_models(view.summary)]


def _floor(floor: PlainFloor) -> RulerMark:
    accuracy = floor["accuracy"]["pooled"] or 0.0
    said = f"accuracy of the floor “{floor['name']}”: {number(accuracy, 4)}, an exact expectation"
    return RulerMark(floor["name"], accuracy, "floor", said)


def _other(row: ReferenceModel) -> RulerMark:
    num = row["num_positions"]
    said = f"accuracy, {row['model']}, on {row['text']}: {number(row['accuracy'], 4)}"
    said += f", n = {counted(num, 'positions')}" if num else ""
    said += f"; another measurement: {row['evidence']}"
    return RulerMark(row["model"], row["accuracy"], "other", said)
