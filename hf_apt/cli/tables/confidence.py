"""What `hf-apt finetune` prints of confidence: against mean APT, and under substitution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hf_apt.cli.tables.style import bare_table, estimate_cell, value_cell
from hf_apt.records.task_record import TaskRecord
from hf_apt.stats.labels import REPLACEMENT_LABELS

if TYPE_CHECKING:
    from rich.table import Table

_DOSES = {"all": "every token", "one_group": "one in {}"}


def tables(result: TaskRecord) -> list[Table]:
    """The bins of mean APT and the substitution test, as far as they were made."""
    record, tables = result.get("confidence", {}), []
    if "bins" in record:
        tables.append(_bins(record["bins"]))
    if "substitution" in record:
        tables.append(_substitution(record["substitution"]))
    return tables


def footer(result: TaskRecord) -> str:
    """The figures that are no table, and what the tables leave unsaid."""
    record = result.get("confidence")
    if record is None:
        return ""
    lines = []
    if "bins" in record:
        source, slope = record["apt_source"], record["slope"]
        lines += [
            f"slope of confidence on mean APT {_slope(slope)}, 95 % interval",
            *_other_slopes(record),
            f"Pearson {estimate_cell(record['pearson'])}, "
            f"Spearman {estimate_cell(record['spearman'])}; "
            f"{slope['num']:,} inputs",
            f"APT from the {source['source']}, known for {value_cell(source['covered'])} of the "
            "tokens",
        ]
    lines.append("expected calibration error, and what a calibrated classifier would have:")
    for name, bins in (("equal_width", "equal widths"), ("equal_count", "equal counts")):
        calibration = record["calibration"][name]
        lines.append(
            f"  {calibration['error']:.3f} against {calibration['error_if_calibrated']:.3f} "
            f"(95 %: up to {calibration['error_if_calibrated_95']:.3f}) in bins of {bins}"
        )
    if "substitution" in record:
        test = record["substitution"]
        lines += [
            "replaced by what the masked model predicts, or as many at random (mean of "
            f"{test['num_draws']});",
            "changed: labels; accuracy, confidence: their change; ± standard error;",
            "same, strong, other: the token itself, a strong match (from "
            f"{test['strong_match_threshold']}), neither",
        ]
    if "left_out" in record:
        lines.append(record["left_out"])
    return "\n".join(lines)


def _other_slopes(record: dict[str, Any]) -> list[str]:
    """The slope within classes, and both without the noise of mean APT, as far as they are there.

    Records written by earlier versions have none.
    """
    if "within_class_slope" not in record:
        return []
    pooled, within = (record["corrected"][name] for name in ("pooled", "within_class"))
    return [
        f"  within classes {_slope(record['within_class_slope'])}",
        f"  without the noise of APT {_slope(pooled['slope'])}, "
        f"reliability {value_cell(pooled['reliability'])}",
        f"  both {_slope(within['slope'])}, reliability {value_cell(within['reliability'])}",
    ]


def _slope(slope: dict[str, Any]) -> str:
    if slope["low"] is None:
        return value_cell(slope["value"])
    return f"{value_cell(slope['value'])} [{slope['low']:.3f}, {slope['high']:.3f}]"


def _bins(bins: list[dict[str, Any]]) -> Table:
    columns = ("mean APT", "n", "confidence", "accuracy")
    table = bare_table("Confidence by mean APT of the input's tokens", *columns)
    for part in bins:
        table.add_row(
            f"{part['low']:.3f} - {part['high']:.3f}",
            f"{part['confidence']['num']:,}",
            estimate_cell(part["confidence"]),
            estimate_cell(part["accuracy"]),
        )
    return table


def _substitution(test: dict[str, Any]) -> Table:
    columns = ("replaced by", "changed", "accuracy", "confidence", "same", "strong", "other")
    table = bare_table("Labels after tokens are replaced", *columns)
    for dose, title in _DOSES.items():
        table.add_row(title.format(test["num_groups"]))
        for kind, name in REPLACEMENT_LABELS.items():
            effect = test["doses"][dose][kind]
            replaced = effect["replaced"]
            other = None if replaced["other"] is None else replaced["other"] + replaced["not_kept"]
            table.add_row(
                f"  {name}",
                estimate_cell(effect["changed_labels"]),
                estimate_cell(effect["accuracy_change"], sign="+"),
                estimate_cell(effect["confidence_change"], sign="+"),
                *map(value_cell, (replaced["identical"], replaced["strong_match"], other)),
            )
    return table
