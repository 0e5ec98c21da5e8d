"""What each block has learnt: the per-block table of a card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from hf_apt.hub.card_section import CardSection, plain
from hf_apt.records.run_records import RunRecords
from hf_apt.records.summary_record import Summary
from hf_apt.report.formats import NOTHING, depth_labels, estimate, estimates, number
from hf_apt.report.section import TextTable
from hf_apt.report.sentences import cluster_entry, headline
from hf_apt.stats.clusters import HEADLINE
from hf_apt.stats.depth_figures import DepthFigures
from hf_apt.stats.labels import READOUT_LABELS
from hf_apt.stats.measures.rarefied_apt import RAREFIED_TO

Depths = Sequence[DepthFigures]


def section(records: RunRecords) -> CardSection:
    """The first section: mean APT by depth, and the confusion picture."""
    summary = records.summary
    header, *rows = block_table(summary)
    own = summary["readouts"]["own_head"]
    lead = f"{plain(headline(summary, 'own_head'))}{_rarefied(own)}{_masked(own)}"
    last_depth = plain(depth_labels(summary)[-1])
    outlined = (
        f"Outlined: clusters after {last_depth}."
        if num_clusters(own[-1])
        else f"No cluster formed by {last_depth}; shown are the commonest tokens."
    )
    return CardSection(
        "What each block has learnt",
        TextTable("Accuracy per token by depth", header, rows, _notes(summary)),
        lead,
        (
            "figures/confusion.png",
            "Which tokens are predicted for which, at three depths",
            "What the own head answers (columns, in the order of the rows) where a token stood "
            f"(rows); darker is more often. {outlined}",
        ),
    )


def _rarefied(own: Depths) -> str:
    """Mean APT at a number of positions that measurements have in common, if so many were asked."""
    ends = [
        estimate(point["mean_apt"])
        for depth in (0, -1)
        for point in own[depth].get("rarefaction", ())
        if point["num_positions"] == RAREFIED_TO
    ]
    if len(ends) < 2 or NOTHING in ends:
        return ""
    return (
        f" Of {RAREFIED_TO:,} positions, the number at which measurements of different size are"
        f" compared, it would be {ends[0]} and {ends[1]}."
    )


def _masked(own: Depths) -> str:
    """Mean APT at masked positions beside that of all, of the tokens that all treatments ask for.

    Nothing where there are none, as of a causal model.
    """
    common = [own[depth]["mean_apt_common"] for depth in (0, -1)]
    num = common[0]["pooled"]["num"]
    if not num:
        return ""
    pooled, masked = ([estimate(each[key]) for each in common] for key in ("pooled", "masked"))
    return (
        f" Of the {number(num, 0)} tokens that were asked masked, replaced and unchanged it is"
        f" {pooled[0]} and {pooled[1]}; where these were masked, not merely to be copied,"
        f" {masked[0]} and {masked[1]}."
    )


def block_table(summary: Summary) -> list[list[str]]:
    """The per-block table, its header first; figures are rounded for reading.

    Mean APT of every readout; of the own head also that of the tokens that all treatments ask for,
    at all positions and where these were masked, if there are any; how often the own head is right
    at masked positions; tokens kept and clusters.
    """
    ceiling = summary["readouts"].get("bayes", [])
    heads = {name: depths for name, depths in summary["readouts"].items() if name != "bayes"}
    own = heads.pop("own_head")
    columns = {
        "depth": [*map(plain, depth_labels(summary)), "exact best predictor"],
        "mean APT, own head": _estimates("mean_apt", "pooled", own, ceiling),
        **_common(own, ceiling),
        **{
            READOUT_LABELS[name]: [*_estimates("mean_apt", "pooled", depths, []), NOTHING]
            for name, depths in heads.items()
        },
        "accuracy at [MASK]": _estimates("masked_accuracy", "masked", own, ceiling),
        "tokens kept": [number(figures["confusion"]["num_kept"], 0) for figures in own + ceiling],
        "clusters": [number(num_clusters(figures), 0) for figures in own + ceiling],
    }
    num_rows = len(own) + len(ceiling)
    return [
        list(columns),
        *([column[row] for column in columns.values()] for row in range(num_rows)),
    ]


def _notes(summary: Summary) -> list[str]:
    readouts, (definition, threshold) = summary["readouts"], HEADLINE
    own = readouts["own_head"][-1]
    num = number(own["mean_apt"]["pooled"]["num"], 0)
    num_common = own["mean_apt_common"]["pooled"]["num"]
    common = (
        f"**Common tokens**: the {number(num_common, 0)} tokens that were asked masked, replaced"
        " and unchanged alike. Treatments can be compared on these alone, as each asks for other"
        " tokens besides.",
    )
    heads = {
        "linear_head": "**Linear head**: a linear map to the vocabulary, trained for every depth on"
        " the frozen model.",
        "mlm_head": "**MLM head**: a head of the model's own kind, trained for every depth on the"
        " frozen model.",
        "jacobian": "**Jacobian lens**: the own head, after the mean derivative of the last state"
        " by that of the depth has carried the state to the last depth.",
        "translator": "**Translator**: the own head, after an affine map that was trained for"
        " every depth to say what the last depth says (tuned lens).",
        "untrained": "**Untrained**: the own head of a twin with fresh weights.",
    }
    return [
        "**Mean APT**: the share of a token's modified occurrences that are predicted right,"
        f" averaged over the {num} tokens that occurred, each counting once; ± is the standard"
        " error over tokens. Of the modified positions some are masked, some show another token and"
        " some the token itself, which a model may copy; **at [MASK]** counts the masked ones"
        " alone.",
        *(common if num_common else ()),
        "**Own head**: the model's own MLM head, applied to the hidden states of every depth.",
        *(note for name, note in heads.items() if name in readouts),
        "**Accuracy**: the share of positions that the own head predicts right.",
        "**Tokens kept**: those whose right answer is the own head's commonest. **Clusters**:"
        f" groups of kept tokens that it takes for one another ({definition} matches, each at least"
        f" {threshold} of the right answers).",
    ]


def num_clusters(figures: DepthFigures) -> int:
    """The clusters of one depth by the headline definition and threshold."""
    definition, threshold = HEADLINE
    return cluster_entry(figures, threshold, definition)["num_clusters"]


def _common(own: Depths, ceiling: Depths) -> dict[str, list[str]]:
    """Columns of the tokens that all treatments ask for; none where there are no such tokens."""
    if not own[0]["mean_apt_common"]["pooled"]["num"]:
        return {}
    return {
        "common tokens, own head": _estimates("mean_apt_common", "pooled", own, ceiling),
        "common tokens, at [MASK]": _estimates("mean_apt_common", "masked", own, ceiling),
    }


def _estimates(
    figure: Literal["mean_apt", "mean_apt_common", "masked_accuracy"],
    part: str,
    depths: Depths,
    ceiling: Depths,
) -> list[str]:
    return estimates([figures[figure][part] for figures in [*depths, *ceiling]])
