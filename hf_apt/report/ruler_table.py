"""A measurement between floor and ceiling, for page, terminal and card alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hf_apt.records.references.reference_models import ReferenceModel, is_like
from hf_apt.records.references.ruler import Ruler
from hf_apt.records.references.sentences import normal_sentence
from hf_apt.records.summary_record import Summary, asks_next_tokens
from hf_apt.report.formats import NOTHING, estimate, number, percent
from hf_apt.report.ruler_models import other_models
from hf_apt.report.section import TextTable
from hf_apt.stats.depth_figures import DepthFigures, PlainEstimate
from hf_apt.stats.floors.floors import FLOOR_MEANINGS, PlainFloor
from hf_apt.stats.measures.rarefied_apt import RAREFIED_TO


def ruler_table(summary: Summary) -> TextTable | None:
    """A row for each floor, the lowest first, the model, the ceiling and other models.

    None for a run of a version without a ruler, and for one without the model's own head.
    """
    ruler, own = summary.get("ruler"), summary["readouts"].get("own_head")
    if not ruler or not own:
        return None
    is_next = asks_next_tokens(summary["model"])
    named = f"{summary['model']['name']}, as measured here"
    rows = [_floor_row(floor) for floor in sorted(ruler["floors"], key=_height)]
    rows.append(_depth_row(named, own[-1], is_next))
    if ceiling := summary["readouts"].get("bayes"):
        rows.append(_depth_row("the exact best predictor", ceiling[0], is_next))
    models = other_models(summary)
    rows += [_model_row(row) for row in models]
    rate = (
        "" if ruler["masking_rate"] is None else f", masking rate {percent(ruler['masking_rate'])}"
    )
    return TextTable(
        title=f"Is it normal? Vocabulary {number(ruler['vocab_size'], 0)}{rate}",
        header=["", "accuracy", "at [MASK]", "mean APT", f"of {RAREFIED_TO:,}"],
        rows=rows,
        notes=_notes(ruler, models),
    )


def ruler_sentence(summary: Summary) -> str:
    """Whether the accuracy is normal, in one sentence; empty where `ruler_table` is None."""
    ruler, own = summary.get("ruler"), summary["readouts"].get("own_head")
    if not ruler or not own:
        return ""
    size, rate = ruler["vocab_size"], ruler["masking_rate"]
    ceiling = summary["readouts"].get("bayes")
    return normal_sentence(
        own[-1]["masked_accuracy"]["pooled"]["value"],
        size,
        {floor["name"]: _height(floor) for floor in ruler["floors"]},
        None if rate is None else _like(summary, size, rate),
        ceiling=ceiling[0]["masked_accuracy"]["pooled"]["value"] if ceiling else None,
    )


def _like(summary: Summary, size: int, rate: float) -> list[ReferenceModel] | None:
    """The other models that are like the one measured; None where it is the only one like that."""
    ruler = summary.get("ruler")
    assert ruler  # it has been asked for before
    like = [row for row in ruler["models"] if is_like(row, size, rate)]
    others = [row for row in like if row in other_models(summary)]
    return None if like and not others else others


def _height(floor: PlainFloor) -> float:
    return floor["accuracy"]["pooled"] or 0.0


def _floor_row(floor: PlainFloor) -> list[str]:
    parts = [*(floor["accuracy"][key] for key in _KEYS), floor["mean_apt"]["pooled"]]
    return [f"floor: {floor['name']}", *(number(value, 4) for value in parts), NOTHING]


def _depth_row(name: str, figures: DepthFigures, is_next: bool) -> list[str]:
    accuracy, mean = figures["masked_accuracy"], figures["mean_apt"]
    cells = [number(accuracy[key]["value"], 4) for key in _KEYS]
    cells.append(estimate(mean["pooled"], decimals=4))
    cells.append(_rarefied(figures.get("rarefied_mean_apt")))
    if is_next:
        cells[1] = NOTHING
    return [name, *cells]


_KEYS = ("pooled", "masked")


def _model_row(row: ReferenceModel) -> list[str]:
    rarefied = _rarefied(row["rarefied_mean_apt"])
    return [_name(row), number(row["accuracy"], 4), NOTHING, NOTHING, rarefied]


def _rarefied(mean: PlainEstimate | Mapping[str, Any] | None) -> str:
    if mean is None or mean["value"] is None:
        return NOTHING
    value, error = number(mean["value"], 4), number(mean["standard_error"], 4)
    return f"{value}\xa0±\xa0{error}"


def _name(row: ReferenceModel) -> str:
    return f"{row['model']} ({number(row['vocab_size'], 0)}; {percent(row['masking_rate'])})"


def _notes(ruler: Ruler, models: Sequence[ReferenceModel]) -> list[str]:
    """What the guessers answer, and what the other models were asked."""
    floors = (f"{each['name']}: {FLOOR_MEANINGS[each['name']]}" for each in ruler["floors"])
    notes = [
        "floors are exact expectations of the very positions asked",
        f"of {RAREFIED_TO:,}: mean APT expected of so many asked positions, which compares between"
        " texts as mean APT does not",
        *floors,
    ]
    if not models:
        return notes
    return [
        *notes,
        "in brackets: vocabulary and masking rate of other models, each on text of its own, so that"
        " the distance from the floors compares, not the value",
        *(f"{row['model']}: {row['source']}; on {row['text']}" for row in models),
    ]
