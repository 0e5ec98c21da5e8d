"""What a run prints: its per-block table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hf_apt.cli.tables.style import bare_table, estimate_cell
from hf_apt.report.formats import depth_labels
from hf_apt.stats.clusters import HEADLINE, PLANTED_HEADLINE

if TYPE_CHECKING:
    from rich.table import Table

_NAMES = {
    "own_head": "the model's own head at every depth",
    "linear_head": "a linear head trained at every depth",
    "mlm_head": "an MLM head trained at every depth",
    "untrained": "an untrained twin",
    "bayes": "the exact best predictor",
}

_LEGEND = (
    "mean APT: over tokens, ± standard error; growth: over the depth before, paired\n"
    "accuracy: of all modified positions; APT(50): of the 50 most frequent tokens\n"
    "kept: tokens whose right answer is their commonest; clusters: {}, from {}"
)
_PLANTED_LEGEND = "\nARI: {} clusters from {} against the planted ones, adjusted Rand index"


def legend(summary: dict[str, Any]) -> str:
    """What the columns mean, to print once below the tables."""
    text = _LEGEND.format(*HEADLINE)
    return text + _PLANTED_LEGEND.format(*PLANTED_HEADLINE) if _is_planted(summary) else text


def tables(summary: dict[str, Any]) -> list[Table]:
    """One table for each readout that has several depths, ready to print."""
    ceiling = summary["readouts"].get("bayes")
    planted = _is_planted(summary)
    names = [label.replace("\xa0", " ") for label in depth_labels(summary)]
    return [
        _table(readout, depths, names, ceiling[0] if ceiling else None, planted=planted)
        for readout, depths in summary["readouts"].items()
        if readout not in ("bayes", "untrained")
    ]


def _table(
    readout: str,
    depths: list[dict[str, Any]],
    names: list[str],
    ceiling: dict[str, Any] | None,
    *,
    planted: bool,
) -> Table:
    table = bare_table(
        f"Accuracy per token, read out by {_NAMES[readout]}",
        *("depth", "mean APT", "growth", "accuracy", "APT(50)", "kept", "clusters"),
        *(["ARI"] if planted else []),
    )
    for figures in depths:
        table.add_row(*_row(names[figures["depth"]], figures, planted))
    if ceiling:
        table.add_section()
        table.add_row(*_row("ceiling", ceiling, planted), style="dim")
    return table


def _row(name: str, figures: dict[str, Any], planted: bool) -> list[str]:
    cells = [
        name,
        estimate_cell(figures["mean_apt"]["pooled"]),
        estimate_cell(figures["growth"], sign="+"),
        _value(figures["masked_accuracy"]["pooled"]["value"]),
        _value(figures["apt50"]["pooled"]["most_frequent_50"]["value"]),
        f"{figures['confusion']['num_kept']:,}",
        f"{_clusters(figures, HEADLINE)['num_clusters']:,}",
    ]
    if not planted:
        return cells
    return [*cells, _value(_clusters(figures, PLANTED_HEADLINE)["agreement_planted"])]


def _is_planted(summary: dict[str, Any]) -> bool:
    return "bayes" in summary["readouts"]


def _clusters(figures: dict[str, Any], wanted: tuple[str, float]) -> dict[str, Any]:
    return next(
        entry
        for entry in figures["clusters"]
        if (entry["definition"], entry["threshold"]) == wanted
    )


def _value(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
