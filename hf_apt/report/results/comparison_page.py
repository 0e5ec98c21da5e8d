"""The page of `hf-apt compare`: runs that were fine-tuned on one task, side by side."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from hf_apt.records.task_record import ComparisonRecord
from hf_apt.report.formats import estimate, number, short_path
from hf_apt.report.results.curves import runs_by_depth
from hf_apt.report.results.result_page import ResultPage
from hf_apt.report.section import TextTable
from hf_apt.stats.labels import default_depth_names


def comparison_page(
    record: ComparisonRecord, tables: Sequence[TextTable], notes: Sequence[str]
) -> ResultPage:
    """Which run is best at the task, mean APT of all by depth, and the tables of the terminal."""
    rows, size = record["runs"], record.get("mean_apt_positions")
    return ResultPage(
        title=f"{len(rows)} runs, fine-tuned on {record['task']}",
        question=f"Which run is best at {record['task']}?",
        answer=comparison_answer(record),
        chart=_chart(rows, size),
        caption="Mean APT of the own head by depth, "
        + (
            f"expected of {size:,} asked positions, the most that all runs have"
            if size
            else "of all positions of each run, which is no comparison where these differ"
        )
        + f"; bars are one standard error over {_over(size)}.",
        tables=tables,
        notes=notes,
        receipts_end=_command(record),
    )


def comparison_answer(record: ComparisonRecord) -> str:
    """The run with the best classifier, whether the next is told from it, and what chance is."""
    rows = [row for row in record["runs"] if row["pretrained"] and _known(row["pretrained"])]
    if not rows:
        return "No run has the accuracy of a fine-tuned classifier on record."
    best, *others = sorted(rows, key=lambda row: -row["pretrained"]["value"])
    names = short_names([row["name"] for row in record["runs"]])
    said = (
        f"{names[best['name']]} is right for {estimate(best['pretrained'])} of the test texts"
        f" (chance {number(record['chance'])})"
    )
    if untrained := best["untrained"]:
        said += f", without pre-training for {estimate(untrained)}"
    if not others:
        return f"{said}."
    then = others[0]
    errors = [row["pretrained"]["standard_error"] for row in (best, then)]
    told = f"{said}. The next is {names[then['name']]}: {estimate(then['pretrained'])}"
    if None in errors:
        return f"{told}."
    apart = best["pretrained"]["value"] - then["pretrained"]["value"]
    if apart > 2 * math.hypot(*errors):
        return f"{told}."
    return f"{told}, which is no difference beyond two standard errors."


def short_names(names: Sequence[str]) -> dict[str, str]:
    """For each folder its last part; the whole path where two end alike.

    >>> short_names(["runs/a", "runs/b"]), short_names(["1/a", "2/a"])
    ({'runs/a': 'a', 'runs/b': 'b'}, {'1/a': '1/a', '2/a': '2/a'})
    """
    ends = [Path(name).name for name in names]
    return dict(zip(names, ends if len(set(ends)) == len(ends) else names, strict=True))


def _command(record: ComparisonRecord) -> str:
    """The command that makes this comparison."""
    folders = [short_path(row["name"]) for row in record["runs"]]
    return shlex.join(["hf-apt", "compare", *folders, "--task", record["task"]])


def _known(value: dict[str, Any]) -> bool:
    return value["value"] is not None


def _over(size: int | None) -> str:
    """What the errors of mean APT are over: text where it is expected of `size` positions."""
    return "tokens" if size is None else "stretches of the text"


def _chart(rows: Sequence[dict[str, Any]], size: int | None) -> Markup | None:
    names = short_names([row["name"] for row in rows])
    curves = {
        names[row["name"]]: row["mean_apt_by_depth"] for row in rows if row["mean_apt_by_depth"]
    }
    if not curves:
        return None
    labels = default_depth_names(max(map(len, curves.values())))
    return runs_by_depth(
        curves,
        [label.replace(" ", "\xa0") for label in labels],
        over=_over(size),
        unit="tokens" if size is None else f"tokens expected of {size:,} positions",
    )
