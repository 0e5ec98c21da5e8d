"""The confusion picture: which tokens are predicted where which tokens stood, at a few depths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from hf_apt.stats.counts import PairCounts

NUM_TOKENS = 30
"""Tokens that a picture shows at most."""

LARGEST_CLUSTER = 10
"""Tokens of one cluster that it shows at most."""

_INK, _OUTLINE = "#1b1f24", "#c2410c"
_LONGEST = 12


def picture_order(
    clusters: Sequence[Int[np.ndarray, " members"]], support_V: Int[np.ndarray, " vocab"]
) -> tuple[list[int], list[int]]:
    """The tokens of a picture in their order, and how many of them belong together, in runs.

    The largest clusters come first, each with its most asked tokens; the most asked of all other
    tokens fill up. Tokens that were never asked for are not shown.

    >>> picture_order([np.array([1, 3])], np.array([5, 1, 0, 2]))
    ([3, 1, 0], [2])
    """
    tokens: list[int] = []
    lengths: list[int] = []
    for members in clusters:
        room = min(LARGEST_CLUSTER, NUM_TOKENS - len(tokens))
        if room < 2:
            break
        chosen = members[np.argsort(-support_V[members], kind="stable")][:room].tolist()
        tokens += chosen
        lengths.append(len(chosen))
    most_asked = np.argsort(-support_V, kind="stable")[: np.count_nonzero(support_V)].tolist()
    shown = set(tokens)
    alone = [token for token in most_asked if token not in shown]
    return tokens + alone[: NUM_TOKENS - len(tokens)], lengths


def shares_of_answers(
    pairs: PairCounts, tokens: Sequence[int]
) -> Float[np.ndarray, "tokens tokens"]:
    """The share of the row token's answers that were the column token; 0 if it was never asked."""
    ids_K = np.array(tokens, np.int64)
    rows = pairs.matrix()[ids_K]
    support_K = np.asarray(rows.sum(axis=1)).ravel()
    return rows[:, ids_K].toarray() / np.maximum(support_K, 1)[:, None]


def confusion_picture(
    pairs: Sequence[PairCounts],
    titles: Sequence[str],
    tokens: Sequence[int],
    words: Sequence[str],
    lengths: Sequence[int],
) -> Figure:
    """A panel for each of `pairs`, the counts of one depth, with one row and column a token.

    A square's shade goes by the square root of the share of the row token's answers, so that 1 %
    can still be seen. `words` name the tokens; runs of `lengths` tokens are outlined.
    """
    figure = Figure(figsize=(0.9 + 4.3 * len(pairs), 4.9), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(pairs), squeeze=False, sharey=True).ravel()
    for axes, of_depth, title in zip(panels, pairs, titles, strict=True):
        shades_KK = np.sqrt(shares_of_answers(of_depth, tokens))
        axes.imshow(shades_KK, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
        axes.set_title(title, color=_INK, fontsize=12)
        axes.set_xticks([])
        axes.tick_params(length=0)
        axes.set_xlabel("answer (same order)", color=_INK, fontsize=9)
        _outline(axes, lengths)
    panels[0].set_yticks(range(len(tokens)), [_label(word) for word in words])
    panels[0].tick_params(axis="y", labelsize=6.5, colors=_INK)
    panels[0].set_ylabel("true token", color=_INK, fontsize=9)
    return figure


def _outline(axes: Axes, lengths: Sequence[int]) -> None:
    start = 0
    for length in lengths:
        corner = (start - 0.5, start - 0.5)
        axes.add_patch(
            Rectangle(corner, length, length, fill=False, edgecolor=_OUTLINE, linewidth=1)
        )
        start += length


def _label(word: str) -> str:
    """A word that Matplotlib can show: short, printable, and no mathematics."""
    text = "".join(sign if sign.isprintable() else "\ufffd" for sign in word)
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return text.replace("$", r"\$")
