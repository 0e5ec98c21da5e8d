"""What `hf-apt bench` prints: words by depth, with the floors of guessing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hf_apt.cli.tables.style import bare_table, estimate_cell, value_cell
from hf_apt.stats.floors.floors import FLOOR_MEANINGS

if TYPE_CHECKING:
    from rich.table import Table


def tables(record: dict[str, Any]) -> list[Table]:
    """Accuracy, mean APT and cross-entropy of words at every depth, and what guessers reach."""
    title = f"{record['benchmark']} {record['version']}: {record['num_words']:,} words filled in"
    table = bare_table(title, "depth", "accuracy", "mean APT", "nats a word", "tokens: accuracy")
    for at in record["depths"]:
        words = at["words"]
        table.add_row(
            at["name"],
            *(estimate_cell(words[key]) for key in ("accuracy", "mean_apt", "cross_entropy")),
            estimate_cell(at["tokens"]["accuracy"]),
        )
    table.add_section()
    for floor in record["floors"]["words"]:
        figures = (floor[key]["pooled"] for key in ("accuracy", "mean_apt"))
        table.add_row(f"floor: {floor['name']}", *map(value_cell, figures), "", "")
    return [table]


def footer(record: dict[str, Any]) -> str:
    """What the columns mean."""
    lines = [
        f"{record['model']}, {record['num_tokens']:,} tokens for {record['num_words']:,} words of "
        f"{record['num_word_types']:,} types; SHA-256 {record['sha256'][:12]}",
        "a word is right if all of its tokens are, which are masked together; these columns can be "
        "compared across tokenizers, that of tokens cannot",
        *(f"{name}: {FLOOR_MEANINGS[name].replace('token', 'word')}" for name in _floors(record)),
    ]
    if record["num_words_unknown"]:
        lines.append(
            f"{record['num_words_unknown']:,} words have a token that the tokenizer does not know: "
            "they count as wrong, and have no nats"
        )
    return "\n".join(lines)


def _floors(record: dict[str, Any]) -> list[str]:
    return [floor["name"] for floor in record["floors"]["words"]]
