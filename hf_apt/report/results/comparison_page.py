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

_METHOD_CAPTION = (
    "Accuracy of a linear head on the fine-tuned trunk by depth, a line for each method; bars are"
    " one standard error."
)


def comparison_page(
    record: ComparisonRecord, tables: Sequence[TextTable], notes: Sequence[str]
) -> ResultPage:
    """Which run is best at the task, mean APT of all by depth, and the tables of the terminal."""
    rows, size = record["runs"], record.get("mean_apt_positions")
    by_method = _method_chart(record)
    return ResultPage(
        title=f"{len(rows)} runs, fine-tuned on {record['task']}",
        question=f"Which run is best at {record['task']}?",
        answer=comparison_answer(record),
        chart=by_method or _chart(rows, size),
        caption=_METHOD_CAPTION
        if by_method
        else "Mean APT of the own head by depth, "
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


def has_methods(record: ComparisonRecord) -> bool:
    """Whether the runs were fine-tuned by different methods."""
    return len({row.get("method") for row in record["runs"]}) > 1


def _method_chart(record: ComparisonRecord) -> Markup | None:
    """Accuracy by depth, a line for each method; None where there are no different ones."""
    rows = record["runs"]
    curves = {
        _named(row): row["accuracy_by_depth"]["finetuned"]
        for row in rows
        if "finetuned" in row.get("accuracy_by_depth", {})
    }
    if not has_methods(record) or len(curves) < 2:
        return None
    labels = [
        label.replace(" ", "\xa0") for label in default_depth_names(max(map(len, curves.values())))
    ]
    num_seeds = record["settings"]["num_seeds"]
    over = "seeds" if num_seeds > 1 else "the test texts of one seed"
    return runs_by_depth(curves, labels, over=over, unit="seeds", figure="accuracy")


def _named(row: dict[str, Any]) -> str:
    """A line's name: the method, and the run, as two runs may have one method."""
    return f"{row['method']} ({Path(row['name']).name})"


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
