"""The confusion picture as a PNG, for pages that show no script and no SVG: model cards."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from hf_apt.records.run_records import RunRecords
from hf_apt.report.confusion_svg import share_of_answers
from hf_apt.report.formats import depth_labels, shown_token
from hf_apt.report.lookup import Numbering, picture_tokens
from hf_apt.stats.clusters import HEADLINE

_INK, _OUTLINE = "#1b1f24", "#c2410c"
_LONGEST = 12
"""Letters of a token that its label shows."""


def confusion_png(records: RunRecords, readout: str) -> bytes:
    """Who was mistaken for whom: the same tokens at the embeddings, half-way and the last block.

    The tokens are those of the largest clusters at the last depth, by `HEADLINE`, outlined there;
    if there are too few, the most asked tokens fill up. The same run gives the same bytes.
    """
    analysis = records.analysis(readout)
    last = analysis.counts.num_depths - 1
    definition, threshold = HEADLINE
    groups = analysis.clusters(last, threshold, definition).members
    support_V = analysis.support_V
    tokens, lengths = picture_tokens(groups, records.frequency_V, Numbering(support_V))
    labels = depth_labels(records.summary)
    depths = sorted({0, (last + 1) // 2, last})
    figure = Figure(figsize=(0.9 + 4.3 * len(depths), 4.9))
    figure.set_layout_engine("constrained")
    panels = figure.subplots(1, len(depths), squeeze=False, sharey=True).ravel()
    for axes, depth in zip(panels, depths, strict=True):
        share_KK = share_of_answers(analysis.counts.at(depth).matrix(), tokens)
        # As on the page: the shade goes by the square root, so that 1 % can still be seen.
        axes.imshow(np.sqrt(share_KK), cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
        axes.set_title(labels[depth], color=_INK, fontsize=12)
        axes.set_xticks([])
        axes.tick_params(length=0)
        axes.set_xlabel("answer (same order)", color=_INK, fontsize=9)
        _outline(axes, lengths)
    words = [_label(records.vocabulary[token]) for token in tokens]
    panels[0].set_yticks(range(len(tokens)), words)
    panels[0].tick_params(axis="y", labelsize=6.5, colors=_INK)
    panels[0].set_ylabel("true token", color=_INK, fontsize=9)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def _outline(axes: Axes, lengths: Sequence[int]) -> None:
    start = 0
    for length in lengths:
        corner = (start - 0.5, start - 0.5)
        axes.add_patch(
            Rectangle(corner, length, length, fill=False, edgecolor=_OUTLINE, linewidth=1)
        )
        start += length


def _label(token: str) -> str:
    text = shown_token(token)
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return text.replace("$", r"\$")  # matplotlib would read mathematics between two of them
