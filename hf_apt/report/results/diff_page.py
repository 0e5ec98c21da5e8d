"""The page of `hf-apt diff`: two runs, or two heads, side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from hf_apt.report.formats import interval, short_path
from hf_apt.report.results.curves import pair_by_depth, said_of
from hf_apt.report.results.result_page import ResultPage
from hf_apt.report.section import TextTable
from hf_apt.report.svg import Point
from hf_apt.stats.depth_figures import PlainEstimate
from hf_apt.stats.estimates import plain
from hf_apt.stats.measures.text_groups import NUM_GROUPS
from hf_apt.stats.paired.differences import PairedDifference


def diff_page(
    a: str,
    b: str,
    heads: tuple[str, str] | None,
    mean_apt: Mapping[str, PairedDifference],
    *,
    answer: str,
    tables: Sequence[TextTable],
    notes: Sequence[str],
    asked: str,
) -> ResultPage:
    """The answer, the curves of both with their paired difference, and all tables.

    `a` and `b` are the folders; `heads` name what A and B were asked, None where it is the same;
    `mean_apt` is by the name of the depth; `asked` says the head in receipts.
    """
    title = f"{Path(b).name} against {Path(a).name}"
    question = "Is B better than A?"
    names = (Path(a).name, Path(b).name)
    if heads is not None:
        title += f", {heads[1]} against {heads[0]}"
        question, names = "Which head reads more out of each block?", heads
    return ResultPage(
        title=title,
        question=question,
        answer=answer,
        chart=_chart(names, mean_apt),
        caption="Both were asked at the same positions, so that what is hard in the text cancels:"
        " the error is that of their difference, and bars are one standard error of it over"
        f" {NUM_GROUPS} stretches of the text.",
        tables=tables,
        notes=notes,
        receipts_end=f"A: {short_path(a)}; B: {short_path(b)}; {asked}",
    )


def _chart(names: tuple[str, str], mean_apt: Mapping[str, PairedDifference]) -> Markup:
    curves = {
        f"A: {names[0]}": [_bare(each.a, each.num) for each in mean_apt.values()],
        f"B: {names[1]}": [_bare(each.b, each.num) for each in mean_apt.values()],
    }
    points = [
        Point(depth, value["value"], said_of("mean APT", f"{side[0]}, {name}", value, "", "tokens"))
        for side, curve in curves.items()
        for depth, (name, value) in enumerate(zip(mean_apt, curve, strict=True))
        if value["value"] is not None
    ]
    points += _differences(mean_apt)
    labels = [name.replace(" ", "\xa0") for name in mean_apt]
    return pair_by_depth(curves, [plain(each) for each in mean_apt.values()], labels, points)


def _differences(mean_apt: Mapping[str, PairedDifference]) -> list[Point]:
    over = f"{NUM_GROUPS} stretches of text"
    return [
        Point(depth, each.value, f"{said}, 95 % interval {interval(each.low, each.high)}", 1)
        for depth, (name, each) in enumerate(mean_apt.items())
        if math.isfinite(each.value)
        for said in [said_of("B − A of mean APT", name, plain(each), over, "tokens")]
    ]


def _bare(value: float, num: int) -> PlainEstimate:
    """A figure whose error is given with the difference alone."""
    return {"value": plain(value), "standard_error": None, "num": num}
