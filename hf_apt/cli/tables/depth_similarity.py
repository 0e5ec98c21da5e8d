"""What `hf-apt similarity` prints: the matrix of CKA between depths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hf_apt.cli.tables.style import bare_table
from hf_apt.stats.labels import default_depth_names

if TYPE_CHECKING:
    from rich.table import Table

_MOST = 13
"""Columns that 80 characters have room for."""


def tables(record: dict[str, Any]) -> list[Table]:
    """The matrix; of more columns than there is room for, in several tables."""
    cka = record["cka"]
    starts = range(0, len(cka[0]), _MOST)
    return [_part(cka, range(start, min(start + _MOST, len(cka[0])))) for start in starts]


def footer(record: dict[str, Any]) -> str:
    """What the tables leave unsaid."""
    columns = "the same" if record["other"] is None else record["other"]
    zero = "about 0: independent" if record["form"] == "debiased" else "too high for few states"
    return (
        f"rows: {record['model']}; columns, by block, e for the embeddings: {columns}\n"
        f"linear CKA, {record['form']}, of the states of {record['num']:,} {record['things']}; 1: "
        f"equal but for a rotation and a scale; {zero}" + _errors(record)
    )


def _errors(record: dict[str, Any]) -> str:
    """The largest of the standard errors, which the table has no room for."""
    errors = [each for row in record["standard_error"] or () for each in row if each is not None]
    return f"\nstandard error over texts: {max(errors):.2g} at most" if errors else ""


def _part(cka: list[list[float | None]], columns: range) -> Table:
    table = bare_table("How alike the depths are", "", *(f" {each or 'e'}" for each in columns))
    for name, row in zip(default_depth_names(len(cka)), cka, strict=True):
        cells = (row[column] for column in columns)
        table.add_row(name, *("" if value is None else f" {value:.2f}" for value in cells))
    return table
