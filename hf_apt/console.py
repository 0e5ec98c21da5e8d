"""What a run prints: its per-block table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hf_apt.clusters import HEADLINE

if TYPE_CHECKING:
    from rich.table import Table

_NAMES = {
    "own_head": "the model's own head at every depth",
    "linear_head": "a linear head trained at every depth",
    "mlm_head": "an MLM head trained at every depth",
    "untrained": "an untrained twin",
    "bayes": "the exact best predictor",
}

_CAPTION = (
    "mean APT over tokens, its growth over the depth before; accuracy over all modified positions;\n"
    "APT(50) of the 50 most frequent tokens; kept: tokens whose right answer is their commonest;\n"
    "clusters of {definition} strong matches from {threshold}"
)
_PLANTED_CAPTION = "; ARI: their adjusted Rand index against the planted ones"


def tables(summary: dict[str, Any]) -> list[Table]:
    """One table for each readout that has several depths, ready to print."""
    ceiling = summary["readouts"].get("bayes")
    return [
        _table(readout, depths, ceiling[0] if ceiling else None)
        for readout, depths in summary["readouts"].items()
        if readout not in ("bayes", "untrained")
    ]


def _table(readout: str, depths: list[dict[str, Any]], ceiling: dict[str, Any] | None) -> Table:
    from rich import box
    from rich.table import Table

    planted = _headline(depths[-1])["agreement_planted"] is not None
    definition, threshold = HEADLINE
    table = Table(
        title=f"Accuracy per token, read out by {_NAMES[readout]}",
        caption=_CAPTION.format(definition=definition, threshold=threshold)
        + (_PLANTED_CAPTION if planted else ""),
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
    )
    columns = ["depth", "mean APT", "growth", "accuracy", "APT(50)", "kept", "clusters"]
    for column in [*columns, *(["ARI"] if planted else [])]:
        table.add_column(column, justify="left" if column == "depth" else "right", no_wrap=True)
    for figures in depths:
        name = "embeddings" if figures["depth"] == 0 else f"block {figures['depth']}"
        table.add_row(*_row(name, figures, planted))
    if ceiling:
        table.add_section()
        table.add_row(*_row("ceiling", ceiling, planted), style="dim")
    return table


def _row(name: str, figures: dict[str, Any], planted: bool) -> list[str]:
    clusters = _headline(figures)
    cells = [
        name,
        _estimate(figures["mean_apt"]["pooled"]),
        _estimate(figures["growth"], sign=True),
        _value(figures["masked_accuracy"]["pooled"]["value"]),
        _value(figures["apt50"]["pooled"]["most_frequent_50"]["value"]),
        f"{figures['confusion']['num_kept']:,}",
        f"{clusters['num_clusters']:,}",
    ]
    return [*cells, _value(clusters["agreement_planted"])] if planted else cells


def _headline(figures: dict[str, Any]) -> dict[str, Any]:
    return next(
        entry
        for entry in figures["clusters"]
        if (entry["definition"], entry["threshold"]) == HEADLINE
    )


def _estimate(estimate: dict[str, Any] | None, *, sign: bool = False) -> str:
    if estimate is None or estimate["value"] is None:
        return ""
    error = estimate["standard_error"]
    value = f"{estimate['value']:+.3f}" if sign else _value(estimate["value"])
    return value if error is None else f"{value} ± {error:.3f}"


def _value(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
