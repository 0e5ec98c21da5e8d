"""What `hf-apt finetune` prints of confidence: against mean APT, and under substitution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hf_apt.cli.tables.style import bare_table, estimate_cell

if TYPE_CHECKING:
    from rich.table import Table

_KINDS = {
    "prediction": "  prediction",
    "random": "  random",
    "random_by_frequency": "  by frequency",
}
_DOSES = {"all": "every token", "one_group": "one in {}"}


def confidence_tables(record: dict[str, Any]) -> list[Table]:
    """The bins of mean APT and the substitution test, as far as `record` has them."""
    tables = []
    if "bins" in record:
        tables.append(_bins(record["bins"]))
    if "substitution" in record:
        tables.append(_substitution(record["substitution"]))
    return tables


def confidence_legend(record: dict[str, Any]) -> str:
    """The figures that are no table, and what the tables leave unsaid."""
    lines = []
    if "bins" in record:
        source, slope = record["apt_source"], record["slope"]
        interval = "" if slope["low"] is None else f" [{slope['low']:.3f}, {slope['high']:.3f}]"
        lines += [
            f"slope of confidence on mean APT {_value(slope['value'])}{interval}, 95 % interval",
            f"Pearson {estimate_cell(record['pearson'])}, "
            f"Spearman {estimate_cell(record['spearman'])}; "
            f"{slope['num']:,} inputs",
            f"APT from the {source['source']}, known for {_value(source['covered'])} of the tokens",
        ]
    lines.append("expected calibration error, and what a calibrated classifier would have:")
    for name, bins in (("equal_width", "equal widths"), ("equal_count", "equal counts")):
        found = record["calibration"][name]
        lines.append(
            f"  {found['error']:.3f} against {found['error_if_calibrated']:.3f} (95 %: up to "
            f"{found['error_if_calibrated_95']:.3f}) in bins of {bins}"
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
        for kind, name in _KINDS.items():
            found = test["doses"][dose][kind]
            replaced = found["replaced"]
            other = None if replaced["other"] is None else replaced["other"] + replaced["not_kept"]
            table.add_row(
                name,
                estimate_cell(found["changed_labels"]),
                estimate_cell(found["accuracy_change"], sign="+"),
                estimate_cell(found["confidence_change"], sign="+"),
                *map(_value, (replaced["identical"], replaced["strong_match"], other)),
            )
    return table


def _value(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
