"""What `hf-apt reference` prints: floors, then the models nearest in vocabulary and rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hf_apt.cli.tables.style import bare_table
from hf_apt.records.references.reference import Reference
from hf_apt.stats.floors.floors import FLOOR_MEANINGS

if TYPE_CHECKING:
    from rich.table import Table


def tables(known: Reference) -> list[Table]:
    """A table of floors and models, ready to print."""
    table = bare_table(
        f"Vocabulary {known.vocab_size:,}, masking rate {known.masking_rate:g}",
        *("", "accuracy", "mean APT", "vocabulary", "rate", "positions"),
    )
    for floor in known.floors:
        values = (floor.accuracy["pooled"], floor.mean_apt["pooled"])
        table.add_row(f"floor: {floor.name}", *(f"{value:.4f}" for value in values), "", "", "")
    table.add_section()
    for row in known.models:
        mean, num = row["mean_apt"], row["num_positions"]
        table.add_row(
            row["model"],
            f"{row['accuracy']:.4f}",
            f"{mean['value']:.4f} ± {mean['standard_error']:.4f}",
            f"{row['vocab_size']:,}",
            f"{row['masking_rate']:g}",
            "" if num is None else f"{num:,}",
        )
    return [table]


def footer(known: Reference) -> str:
    """What the guessers answer, and what the models were asked."""
    lines = [f"{floor.name}: {FLOOR_MEANINGS[floor.name]}" for floor in known.floors]
    for row in known.models:
        lines.append(f"{row['model']}: {row['source']}; on {row['text']}")
    return "\n".join(lines)
