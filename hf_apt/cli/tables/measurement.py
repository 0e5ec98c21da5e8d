"""What a run prints: its per-block table."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

from hf_apt.cli.tables import errors
from hf_apt.cli.tables.style import bare_table, estimate_cell, value_cell
from hf_apt.records.changed_answers import changed_sentences
from hf_apt.records.summary_record import ASKED_NEXT, Summary, asks_next_tokens
from hf_apt.report.formats import depth_labels
from hf_apt.report.planted_words import planted_words
from hf_apt.report.sentences import cluster_entry
from hf_apt.stats.clusters import HEADLINE, PLANTED_HEADLINE
from hf_apt.stats.depth_figures import DepthFigures

if TYPE_CHECKING:
    from rich.table import Table

_NAMES = {
    "own_head": "the model's own head at every depth",
    "linear_head": "a linear head trained at every depth",
    "mlm_head": "an MLM head trained at every depth",
    "jacobian": "the own head after a Jacobian lens at every depth",
    "translator": "the own head after a translator trained at every depth",
    "untrained": "an untrained twin",
    "bayes": "the exact best predictor",
}

_LEGEND = (
    "mean APT: over these tokens, ± standard error; it falls as more positions are asked\n"
    "growth: over the depth before, paired by token\n"
    "accuracy: of all {}; APT(50): of the 50 most frequent tokens\n"
    "kept: tokens whose right answer is their commonest; clusters: {}, from {}"
)
_WIDTH = 80
_PLANTED_LEGEND = "\nARI: {} clusters from {} against the planted ones, adjusted Rand index"


def footer(summary: Summary) -> str:
    """What the columns mean, to print once below the tables."""
    asked = "modified positions"
    if asks_next_tokens(summary["model"]):
        asked = f"positions ({ASKED_NEXT})"
    text = _LEGEND.format(asked, *HEADLINE)
    if _is_planted(summary):
        text += _PLANTED_LEGEND.format(*PLANTED_HEADLINE)
    for sentence in changed_sentences(summary["model"]):
        text += "\n" + fill(sentence, _WIDTH)
    for sentence in planted_words(summary, "own_head"):
        text += "\n" + fill(sentence.replace("\xa0", " "), _WIDTH)
    return "\n".join(filter(None, (text, errors.footer(summary))))


def _text(summary: Summary) -> str:
    """How the text was cut into sequences, and what became of it: lines of a title."""
    corpus, shares = summary["corpus"], summary["corpus"].get("shares")
    num = summary["masking"]["num_sequences"]
    line = (
        f"text: {num:,} sequences of at most {corpus['sequence_length']} tokens, layout "
        f"{corpus['sequences']}\n"
    )
    if not shares:
        return line
    parts = (f"{shares[name]:.1%} {name}" for name in ("cut", "dropped", "padded", "unknown"))
    return f"{line}of its tokens: {', '.join(parts)}\n"


def tables(summary: Summary) -> list[Table]:
    """One table for each readout that has several depths, then those of the errors."""
    ceiling = summary["readouts"].get("bayes")
    planted = _is_planted(summary)
    names = [label.replace("\xa0", " ") for label in depth_labels(summary)]
    shown = [name for name in summary["readouts"] if name not in ("bayes", "untrained")]
    made = [
        _table(
            readout,
            summary["readouts"][readout],
            names,
            ceiling[0] if ceiling else None,
            planted=planted,
            text=_text(summary) if readout == shown[0] else "",
        )
        for readout in shown
    ]
    return [*made, *errors.tables(summary)]


def _table(
    readout: str,
    depths: list[DepthFigures],
    names: list[str],
    ceiling: DepthFigures | None,
    *,
    planted: bool,
    text: str,
) -> Table:
    num_tokens = depths[0]["mean_apt"]["pooled"]["num"]
    num_positions = depths[0]["masked_accuracy"]["pooled"]["num"]
    table = bare_table(
        f"{text}Accuracy per token, read out by {_NAMES[readout]}\n"
        f"{num_tokens:,} tokens asked at {num_positions:,} positions",
        *("depth", "mean APT", "growth", "accuracy", "APT(50)", "kept", "clusters"),
        *(["ARI"] if planted else []),
    )
    for figures in depths:
        table.add_row(*_row(names[figures["depth"]], figures, planted))
    if ceiling:
        table.add_section()
        table.add_row(*_row("ceiling", ceiling, planted), style="dim")
    return table


def _row(name: str, figures: DepthFigures, planted: bool) -> list[str]:
    cells = [
        name,
        estimate_cell(figures["mean_apt"]["pooled"]),
        estimate_cell(figures["growth"], sign="+"),
        value_cell(figures["masked_accuracy"]["pooled"]["value"]),
        value_cell(figures["apt50"]["pooled"]["most_frequent_50"]["value"]),
        f"{figures['confusion']['num_kept']:,}",
        f"{cluster_entry(figures, HEADLINE[1], HEADLINE[0])['num_clusters']:,}",
    ]
    if not planted:
        return cells
    definition, threshold = PLANTED_HEADLINE
    planted_clusters = cluster_entry(figures, threshold, definition)
    return [*cells, value_cell(planted_clusters["agreement_planted"])]


def _is_planted(summary: Summary) -> bool:
    """Whether the clusters are known: of artificial corpora only the exact answers are."""
    ceiling = summary["readouts"].get("bayes")
    if not ceiling:
        return False
    definition, threshold = PLANTED_HEADLINE
    return cluster_entry(ceiling[0], threshold, definition)["agreement_planted"] is not None
