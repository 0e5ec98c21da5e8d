"""What `hf-apt compare` prints: runs against corpus size and overlap, scores against accuracy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hf_apt.cli.tables.style import bare_table, estimate_cell
from hf_apt.records.task_record import ComparisonRecord
from hf_apt.stats.labels import SCORE_LABELS

if TYPE_CHECKING:
    from rich.table import Table

_SCORES = (
    ("logme", "h_score", "transrate", "nleep", "mean_apt"),
    ("shrunken_h_score", "sfda", "leep"),
)
"""The scores of each table of correlations, which has room for five."""


def tables(result: ComparisonRecord) -> list[Table]:
    """Tables of what `compare` found, ready to print, none wider than 80 columns."""
    task, rows = result["task"], result["runs"]
    tables = [_by_size(f"Accuracy on {task} by size of the pre-training corpus", rows)]
    if len({row["method"] for row in rows}) > 1:
        tables = [*_by_method(task, rows), *tables]
    with_overlap = [row for row in rows if row["overlap"] is not None]
    if with_overlap:
        with_overlap.sort(key=lambda row: row["overlap"]["occurrences"] or 0)
        title = f"Accuracy on {task} by overlap of its tokens with the corpus"
        tables.append(_by_overlap(title, with_overlap))
    if result["rank_correlation"]:
        tables += [
            _correlations(f"Rank correlation with accuracy on {task}, {over}", key, names, result)
            for key, over in (("runs", "runs, last block"), ("pairs", "all blocks of all runs"))
            for names in _SCORES
            if any(
                name in by_score
                for by_pooling in result["rank_correlation"].values()
                for by_score in by_pooling.values()
                for name in names
            )
        ]
    return tables


def footer(result: ComparisonRecord) -> str:
    """What the tables leave unsaid."""
    texts, correlations = result["provenance"][0], result["gap_rank_correlation"]
    lines = [
        f"{texts['num_train']:,} training and {texts['num_test']:,} test texts of "
        f"{texts['num_labels']} classes; chance {result['chance']:.3f}; ± standard error",
        "accuracy: of the fine-tuned classifier; gap: what pre-training adds to it",
        _of_mean_apt(result.get("mean_apt_positions")),
        "types, occurrences: share of the task's distinct, of all its tokens that the corpus has",
    ]
    lines += [
        f"rank correlation of the gap with {name}: {estimate_cell(estimate, digits=2)}"
        for name, estimate in correlations.items()
        if estimate is not None
    ]
    return "\n".join(lines)


def _of_mean_apt(size: int | None) -> str:
    if size is None:
        return "mean APT: after the last block, of all positions; compare at equal numbers only"
    return f"mean APT: after the last block, expected of {size:,} asked positions"


def _by_size(title: str, rows: list[dict[str, Any]]) -> Table:
    table = bare_table(title, "run", "tokens", "accuracy", "untrained", "gap", "mean APT")
    for row in rows:
        tokens = row["corpus"]["tokens"]
        figures = (row[name] for name in ("pretrained", "untrained", "gap", "mean_apt"))
        table.add_row(
            row["name"], "" if tokens is None else _short(tokens), *map(estimate_cell, figures)
        )
    return table


def _by_method(task: str, rows: list[dict[str, Any]]) -> Iterator[Table]:
    """Accuracy of the classifier by method, and of each block by protocol."""
    table = bare_table(f"Accuracy on {task} by method of fine-tuning", "run", "method", "accuracy")
    for row in rows:
        table.add_row(row["name"], row["method"], estimate_cell(row["pretrained"]))
    yield table
    for protocol, words in (("finetuned", "the fine-tuned trunk"), ("cut", "the cut model")):
        measured = [row for row in rows if protocol in row["accuracy_by_depth"]]
        if not measured:
            continue
        depths = range(max(len(row["accuracy_by_depth"][protocol]) for row in measured))
        names = ["emb.", *map(str, depths[1:])]
        table = bare_table(f"Accuracy of {words} on {task} by block", "method", *names)
        for row in measured:
            curve = row["accuracy_by_depth"][protocol]
            table.add_row(row["method"], *(f"{each['value']:.3f}" for each in curve))
        yield table


def _by_overlap(title: str, rows: list[dict[str, Any]]) -> Table:
    table = bare_table(title, "run", "types", "occurrences", "accuracy", "gap")
    for row in rows:
        shares = (row["overlap"][name] for name in ("types", "occurrences"))
        table.add_row(
            row["name"],
            *("" if share is None else f"{share:.4f}" for share in shares),
            *(estimate_cell(row[name]) for name in ("pretrained", "gap")),
        )
    return table


def _correlations(title: str, key: str, names: Sequence[str], result: ComparisonRecord) -> Table:
    table = bare_table(title, "accuracy of", *(SCORE_LABELS[name] for name in names))
    for protocol, by_pooling in result["rank_correlation"].items():
        for pooling, by_score in by_pooling.items():
            estimates = (by_score.get(name, {}).get(key) for name in names)
            cells = (estimate_cell(estimate, digits=2) for estimate in estimates)
            table.add_row(f"{protocol} {pooling}", *cells)
    return table


def _short(number: int) -> str:
    """A number in three digits or so.

    >>> [_short(number) for number in (950, 24_600, 24_600_000)]
    ['950', '24.6 k', '24.6 M']
    """
    for size, unit in ((1_000_000, "M"), (1000, "k")):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return str(number)
