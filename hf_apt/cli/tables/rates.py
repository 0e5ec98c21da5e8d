"""What `hf-apt rates` prints: accuracy, then rarefied mean APT, a row a depth, a column a rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hf_apt.cli.tables.style import bare_table
from hf_apt.stats.floors.rate_curve import RateCurve
from hf_apt.stats.labels import default_depth_names

if TYPE_CHECKING:
    from rich.table import Table


def tables(curve: RateCurve) -> list[Table]:
    """One table of accuracies and one of mean APT."""
    rows = curve.rows()
    return [
        _table("Accuracy by masking rate", "accuracy", curve, rows),
        _table(
            f"Mean APT of {curve.num_positions:,} positions by masking rate",
            "rarefied_mean_apt",
            curve,
            rows,
        ),
    ]


def footer(curve: RateCurve) -> str:
    """What is shown at the asked positions, and what the curve says of training."""
    shown = (
        "a mask at all"
        if curve.only_masks
        else "a mask at 80 %, any token at 10 %, the own at 10 %"
    )
    return (
        f"shown at the asked positions: {shown}\n"
        "mean APT is rarefied to one number of positions, as more are asked at higher rates\n"
        f"{curve.trained_for()}\n{curve.as_diffusion()}"
    )


def _table(title: str, key: str, curve: RateCurve, rows: list[dict[str, Any]]) -> Table:
    table = bare_table(title, "depth", *(f"{rate:.0%}" for rate in curve.rates))
    num_depths = curve.readouts[0].counts.num_depths
    names: dict[Any, str] = dict(enumerate(default_depth_names(num_depths)))
    names |= {"ceiling": "ceiling"} if curve.ceilings else {}
    for depth, name in names.items():
        cells = (row[key].value for row in rows if row["depth"] == depth)
        table.add_row(name, *(f"{value:.3f}" for value in cells))
    return table
