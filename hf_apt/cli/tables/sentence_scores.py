"""What `hf-apt score` prints of sentences: figures by depth, then sentence by sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hf_apt.cli.tables.style import bare_table, estimate_cell
from hf_apt.stats.labels import default_depth_names

if TYPE_CHECKING:
    from rich.table import Table

_MOST = 20
"""Sentences that are printed one by one."""


def tables(record: dict[str, Any]) -> list[Table]:
    """The corpus by depth, and the first sentences with their words, none wider than 80 columns."""
    return [_by_depth(record), _by_sentence(record)]


def footer(record: dict[str, Any]) -> str:
    """What the tables leave unsaid."""
    num, unknown = len(record["sentences"]), sum(s["num_unknown"] for s in record["sentences"])
    lines = [
        f"{record['model']}, {_KINDS[record['kind']]}",
        f"log-likelihood: mean of {num:,} sentences in {record['unit']}, ± its standard error over "
        "sentences",
        f"surprisal: {record['unit']} a token, ± its standard error over sentences; perplexity: "
        "its exponential",
    ]
    if num > _MOST:
        lines.append(f"the first {_MOST} of {num:,} sentences are shown: -o FILE writes all")
    if unknown:
        lines.append(f"{unknown:,} tokens are unknown to the tokenizer and scored as such")
    return "\n".join(lines)


_KINDS = {
    "original": "pseudo-log-likelihood: each token masked in turn",
    "within_word_l2r": "pseudo-log-likelihood: each token masked with the later ones of its word",
    "causal": "log-likelihood: each token after those before it",
}


def _by_depth(record: dict[str, Any]) -> Table:
    table = bare_table(
        "How likely the sentences are", "depth", "log-likelihood", "surprisal", "perplexity"
    )
    for name, at in zip(_names(record), record["depths"], strict=True):
        perplexity = at["perplexity"]
        table.add_row(
            name,
            estimate_cell(at["log_likelihood"], digits=2),
            estimate_cell(at["token_surprisal"]),
            "" if perplexity is None else f"{perplexity:,.4g}",
        )
    return table


def _by_sentence(record: dict[str, Any]) -> Table:
    from rich.text import Text

    key = "words" if "words" in record["sentences"][0] else "tokens"
    table = bare_table(f"After the last block, with the surprisal of each {key[:-1]}", "")
    table.add_column("sentence", overflow="fold")
    table.add_column("log-likelihood", justify="right", no_wrap=True)
    for number, sentence in enumerate(record["sentences"][:_MOST], 1):
        shown = "  ".join(
            f"{each[key[:-1]]}\N{NO-BREAK SPACE}{each['surprisal'][-1]:.1f}"
            for each in sentence[key]
        )
        # As plain text: a token such as [unused1] would be taken for a style.
        table.add_row(str(number), Text(shown), f"{sentence['log_likelihood'][-1]:.2f}")
    table.width = 80
    return table


def _names(record: dict[str, Any]) -> list[str]:
    return default_depth_names(len(record["depths"]))
