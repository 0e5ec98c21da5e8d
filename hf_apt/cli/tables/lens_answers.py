"""What `hf-apt lens` prints: for each token that is asked for, the answers by depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hf_apt.cli.tables.style import bare_table
from hf_apt.stats.labels import default_depth_names

if TYPE_CHECKING:
    from rich.table import Table

    from hf_apt.report.lens_answers import AskedToken, LensAnswers


def tables(answers: LensAnswers) -> list[Table]:
    """A table for each token that is asked for, by each lens, none wider than 80 columns."""
    return [_table(asked) for asked in answers.asked]


def footer(answers: LensAnswers) -> str:
    """What the tables leave unsaid."""
    lines = [
        f"{answers.model}; the number after an answer is its probability",
        "bits: entropy of the distribution over the vocabulary",
    ]
    if any(asked.true is not None for asked in answers.asked):
        lines.append("rank, p(true): rank, from 1 on, and probability of the true token")
    return "\n".join(lines)


def _table(asked: AskedToken) -> Table:
    from rich.text import Text

    true = "" if asked.true is None else f", true token: {asked.true}"
    table = bare_table(asked.lens, "depth")
    table.title = Text(f"{asked.shown}\n{asked.lens.replace('_', ' ')}{true}")
    table.columns[0].no_wrap = True
    table.columns[0].overflow = "ellipsis"
    table.add_column("answers", overflow="fold")
    for header in ("bits", *(("rank", "p(true)") if asked.true is not None else ())):
        table.add_column(header, justify="right", no_wrap=True)
    names = default_depth_names(len(asked.depths))
    for name, at in zip(names, asked.depths, strict=True):
        best = zip(at.tokens, at.probabilities, strict=True)
        cells = [f"{at.entropy:.2f}"]
        if at.true_rank is not None:
            cells += [f"{at.true_rank}", f"{at.true_probability:.2g}"]
        # As plain text: a token such as [unused1] would be taken for a style.
        table.add_row(name, Text(", ".join(f"{t} {p:.3f}" for t, p in best)), *cells)
    table.width = 80
    return table
