"""The tables of whether APT predicts transfer, from the reading of all models' records."""

from __future__ import annotations

from typing import Any

from cells import table
from paper_records import needed

from hf_apt.analysis.transfer.transfer_run import PREDICTOR_LABELS

STATISTICS = {
    "within": "within a model",
    "across": "at a depth",
    "pairs_given_depth": "given depth",
    "regret": "accuracy lost",
}


def predictors(protocol: str, pooling: str) -> str:
    """How each predictor ranks blocks and models, and what its choice loses, beside depth's."""
    agreement = needed("transfer")["agreement"][protocol][pooling]
    rows = [("predictor", *STATISTICS.values(), "lost, minus depth's")]
    for name, label in PREDICTOR_LABELS.items():
        if name in agreement:
            said = agreement[name]
            cells = (_estimate(said[statistic]["value"]) for statistic in STATISTICS)
            less = "" if name == "depth" else _estimate(said["regret"]["minus_depth"])
            rows.append((label, *cells, less))
    return table(rows)


def _estimate(found: Any) -> str:
    if found is None or found["value"] is None:
        return ""
    error = found["standard_error"]
    return f"{found['value']:.3f}" + ("" if error is None else f" ± {error:.3f}")


TABLES = {
    f"predictors {protocol} {pooling}": lambda protocol=protocol, pooling=pooling: predictors(
        protocol, pooling
    )
    for protocol in ("frozen", "finetuned")
    for pooling in ("cls", "mean")
}
"""The tables by their names."""
