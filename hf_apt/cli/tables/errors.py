"""What a run prints of its errors: clusters by wrong answers, tokens that are never right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hf_apt.cli.tables.style import bare_table
from hf_apt.records.summary_record import Summary
from hf_apt.report.formats import depth_labels
from hf_apt.report.rows_table import rows_table
from hf_apt.report.sentences import cluster_entry
from hf_apt.stats.clusters import ERRORS_HEADLINE, HEADLINE
from hf_apt.stats.depth_figures import DepthFigures
from hf_apt.stats.labels import READOUT_LABELS

if TYPE_CHECKING:
    from rich.table import Table

_NUM_TOKENS = 10

_LEGEND = (
    "by errors: clusters by share of a token's wrong answers, from {}: what a model\n"
    "that is nearly always right confuses; never right: tokens asked ≥ {} times"
)


def footer(summary: Summary) -> str:
    """What the columns of these tables mean."""
    shown = _shown(summary)
    if not shown:
        return ""
    least = next(iter(shown.values()))[0]["never_right"]["min_support"]
    lines = [_LEGEND.format(ERRORS_HEADLINE[1], least)]
    rows = rows_table(summary, most=_NUM_TOKENS)
    return "\n".join([*lines, *(rows.notes if rows else ())])


def tables(summary: Summary) -> list[Table]:
    """One table for each readout, and that of the rows of tokens that are never right."""
    labels = [label.replace("\xa0", " ") for label in depth_labels(summary)]
    from rich.markup import escape

    made = [_table(name, depths, labels) for name, depths in _shown(summary).items()]
    rows = rows_table(summary, most=_NUM_TOKENS)
    if rows is None:
        return made
    printable = bare_table(rows.title, *rows.header)
    for row in rows.rows:
        printable.add_row(*(escape(cell.replace("\xa0", " ")) for cell in row))
    return [*made, printable]


def _shown(summary: Summary) -> dict[str, list[DepthFigures]]:
    """The readouts that are shown: none of a summary from before there were these figures."""
    definition, threshold = ERRORS_HEADLINE
    return {
        name: depths
        for name, depths in summary["readouts"].items()
        if name not in ("bayes", "untrained")
        and "never_right" in depths[0]
        and any(
            (entry["definition"], entry["threshold"]) == (definition, threshold)
            for entry in depths[0]["clusters"]
        )
    }


def _table(readout: str, depths: list[DepthFigures], labels: list[str]) -> Table:
    table = bare_table(
        f"Errors, {READOUT_LABELS[readout]}",
        *("depth", "tokens", "kept", "clusters", "by errors", "never right"),
    )
    for figures in depths:
        in_clusters = [
            cluster_entry(figures, threshold, definition)["num_clusters"]
            for definition, threshold in (HEADLINE, ERRORS_HEADLINE)
        ]
        confusion = figures["confusion"]
        numbers = (
            *(confusion["num_rows"], confusion["num_kept"], *in_clusters),
            figures["never_right"]["num_tokens"],
        )
        table.add_row(labels[figures["depth"]], *(f"{value:,}" for value in numbers))
    return table
