"""What `hf-apt score` prints of minimal pairs: accuracy by depth, then by paradigm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hf_apt.cli.tables.style import bare_table, estimate_cell
from hf_apt.stats.labels import default_depth_names

if TYPE_CHECKING:
    from rich.table import Table


def tables(record: dict[str, Any]) -> list[Table]:
    """The mean over paradigms by depth, and each paradigm, none wider than 80 columns."""
    return [_by_depth(record), _by_paradigm(record)]


def footer(record: dict[str, Any]) -> str:
    """What the tables leave unsaid."""
    return "\n".join(
        [
            f"{record['model']}, {record['kind'].replace('_', ' ')}: {len(record['pairs']):,} "
            f"pairs of {len(record['paradigms']):,} paradigms",
            "accuracy: share of pairs whose acceptable sentence is the more likely one; chance 0.5",
            "±: standard error over pairs; highest at: the first depth with the highest accuracy",
        ]
    )


def _by_depth(record: dict[str, Any]) -> Table:
    table = bare_table("Mean accuracy over the paradigms", "depth", "accuracy")
    for name, at in zip(_names(record), record["overall"], strict=True):
        table.add_row(name, estimate_cell(at))
    return table


def _by_paradigm(record: dict[str, Any]) -> Table:
    from rich.text import Text

    names = _names(record)
    table = bare_table("Accuracy by paradigm", "paradigm", "pairs", "last depth", "highest at")
    for paradigm, depths in record["paradigms"].items():
        values = [at["value"] for at in depths]
        highest = names[values.index(max(values))]
        table.add_row(
            Text(paradigm), str(depths[-1]["num"]), estimate_cell(depths[-1]), f"{highest}"
        )
    return table


def _names(record: dict[str, Any]) -> list[str]:
    return default_depth_names(len(record["overall"]))
