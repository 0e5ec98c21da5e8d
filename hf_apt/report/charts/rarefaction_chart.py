"""What the chart of mean APT by positions asked says: receipts of its values, and its numbers."""

from __future__ import annotations

from collections.abc import Sequence

from hf_apt.report.charts.chart_data import ChartData, estimates_data
from hf_apt.report.first_screen.receipts import receipt
from hf_apt.report.formats import counted, estimate
from hf_apt.report.svg import Point
from hf_apt.stats.depth_figures import DepthFigures
from hf_apt.stats.labels import READOUT_LABELS
from hf_apt.stats.measures.rarefied_apt import RAREFIED_TO

_ERROR = "standard error over up to 20 stretches of the text"


def rarefaction_points(
    depths: Sequence[DepthFigures], readout: str, labels: Sequence[str], seed: int | None
) -> list[Point]:
    """A point for each number of positions at the last depth, which says the values of all."""
    points = []
    for index, last in enumerate(depths[-1]["rarefaction"]):
        means = [depth["rarefaction"][index]["mean_apt"] for depth in depths]
        values = [f"{label} {estimate(mean)}" for label, mean in zip(labels, means, strict=True)]
        has_errors = any(mean["standard_error"] is not None for mean in means)
        num, tokens = last["num_positions"], counted(last["mean_apt"]["num"], "tokens expected")
        said = f"mean APT of {num:,} positions, {READOUT_LABELS[readout]}: {', '.join(values)}"
        said += f" ({_ERROR})" if has_errors else ""
        said += f", n = {tokens}" + ("" if seed is None else f", seed {seed}")
        points.append(Point(num, last["mean_apt"]["value"], said))
    return points


def rarefaction_data(depths: Sequence[DepthFigures], labels: Sequence[str]) -> ChartData:
    """A row for each number of positions and depth; n is the number of tokens expected."""
    return estimates_data(
        ["positions", "depth"],
        "mean APT",
        (
            ([point["num_positions"], label], point["mean_apt"])
            for label, depth in zip(labels, depths, strict=True)
            for point in depth["rarefaction"]
        ),
    )


def growth_receipts(
    depths: Sequence[DepthFigures], readout: str, labels: Sequence[str], seed: int | None
) -> dict[int, str]:
    """Receipts of the growth at the headline number of positions, by the column of each depth.

    The first two columns are the number of positions and that of tokens.
    """
    return {
        2 + depth: receipt(
            f"growth of the mean APT of {RAREFIED_TO:,} positions",
            readout,
            labels[depth],
            growth,
            seed,
            error=_ERROR,
            over="tokens expected",
        )
        for depth, figures in enumerate(depths)
        if (growth := figures.get("rarefied_growth")) is not None
    }
