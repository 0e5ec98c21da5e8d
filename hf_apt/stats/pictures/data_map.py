"""The data map: each training example by how sure and how steady its label's probability was.

Swayamdipta et al. 2020, arXiv 2009.10795, figure 1.
"""

from __future__ import annotations

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from hf_apt.stats.dynamics.training_dynamics import DynamicsRecord

MOST_EXAMPLES = 5000
"""Examples that are drawn; of more, that many at even distances."""


def data_map(record: DynamicsRecord) -> Figure:
    """Confidence against variability, a point for each example, coloured by correctness."""
    num = len(record.confidence_N)
    shown = np.linspace(0, num - 1, min(num, MOST_EXAMPLES)).round().astype(int)
    figure = Figure(figsize=(5.2, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    points = axes.scatter(
        record.variability_N[shown],
        record.confidence_N[shown],
        c=record.correctness_N[shown],
        cmap="plasma_r",
        vmin=0,
        vmax=1,
        s=8,
        linewidths=0,
    )
    axes.set_xlabel("variability over epochs")
    axes.set_ylabel("confidence in the label")
    axes.set_xlim(0, 0.5)
    axes.set_ylim(0, 1)
    axes.spines[["top", "right"]].set_visible(False)
    figure.colorbar(points, label="share of epochs answered right")
    return figure
