"""The table of tokens that are never right beside unused ids, for page, terminal and card alike."""

from __future__ import annotations

from hf_apt.records.summary_record import Summary
from hf_apt.report.formats import NOTHING, number, percent, shown_token
from hf_apt.report.section import TextTable
from hf_apt.stats.token_rows.row_figures import PlainGroup, RowFigures

_UNUSED = {"named": "unused ids", "unseen": "ids that the text never held"}


def rows_table(summary: Summary, *, most: int = 20) -> TextTable | None:
    """A row for each of at most `most` tokens, then the medians of unused and of right tokens.

    None for a run that did not keep its model's rows, and where every token was right once.
    """
    figures = summary.get("token_rows")
    if not figures or not figures["num_tokens"]:
        return None
    rows = [_row(figures, index) for index in range(min(most, len(figures["tokens"])))]
    for name, group in (
        (f"{_UNUSED[figures['unused_are']]}, median", figures["unused"]),
        ("tokens that are right, median", figures["right"]),
    ):
        if group:
            of = f"{percent(group['share_alike'])} of {number(group['num'], 0)}"
            rows.append([name, NOTHING, number(group["norm"]), number(group["bias"]), of])
    return TextTable(
        title="Tokens that the own head never gets right, and their vocabulary rows",
        header=["token", "asked", "norm", "bias", "as if never trained"],
        rows=rows,
        notes=[
            "norm: length of the input embedding; bias: what is added to the logit",
            *_said(figures),
        ],
    )


def _row(figures: RowFigures, index: int) -> list[str]:
    looks_so = figures["look_untrained"]
    return [
        shown_token(figures["texts"][index]),
        number(figures["support"][index], 0),
        number(figures["norms"][index]),
        number(figures["biases"][index] if figures["biases"] else None),
        NOTHING if looks_so is None else "yes" if looks_so[index] else "no",
    ]


def _said(figures: RowFigures) -> list[str]:
    """What the rows say of all tokens that are never right, or why they say nothing."""
    num = number(figures["num_tokens"], 0)
    unused, right = figures["unused"], figures["right"]
    if figures["num_untrained"] is not None:
        return [
            f"{number(figures['num_untrained'], 0)} of these {num} tokens look as if they were"
            " never trained: norm and bias are nearer to those of the unused ids than to those of"
            " the tokens that are right"
        ]
    if not unused or not right:
        return ["no unused ids, or none that differ: nothing to tell untrained tokens by"]
    return [f"not to be told by their rows: {_mistakes(unused, right)}"]


def _mistakes(unused: PlainGroup, right: PlainGroup) -> str:
    return (
        f"{percent(unused['share_alike'])} of the unused ids look untrained, and so do"
        f" {percent(right['share_alike'])} of the tokens that are right"
    )
