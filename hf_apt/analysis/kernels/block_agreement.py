"""Whether what kernels say of blocks ranks them as accuracy and mean APT do."""

from __future__ import annotations

from typing import Any

import numpy as np

from hf_apt.stats.estimates import plain, spearman


def block_rows(results: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """The blocks among the places, each with its depth."""
    return [
        (int(place["place"].removeprefix("block ")), place)
        for place in results["places"]
        if place["place"].startswith("block ")
    ]


def correlations(results: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Spearman's correlation over blocks of what kernels say with accuracy and mean APT.

    Args:
        results: what the study found.

    Returns:
        By name of the pair, an estimate whose `num` is the number of blocks; empty below three.
    """
    blocks = [
        (depth, place) for depth, place in block_rows(results) if depth < len(results["depths"])
    ]
    measured = {
        "frozen accuracy": [each["value"] for each in results["states"]],
        "accuracy per block": results["block_accuracy"],
        "mean APT": results["mean_apt"],
    }
    said = {
        "label share": [
            place["label_share"]["sgd"]["value"] for _, place in blocks if _has_sgd(place)
        ],
        "trace share": [
            place["trace_share"]["sgd"]["value"] for _, place in blocks if _has_sgd(place)
        ],
        "alignment": [place["alignment"]["value"] for _, place in blocks],
        "condition number": [place["condition_of_rank"]["value"] for _, place in blocks],
        "accuracy of its kernel": [place["accuracy"]["value"] for _, place in blocks],
        "depth": [float(depth) for depth, _ in blocks],
    }
    pairs = {}
    for one, values in said.items():
        for other, of_depth in measured.items():
            if of_depth is None or len(values) < 3 or None in values:
                continue
            paired = [of_depth[depth] for depth, _ in blocks]
            pairs[f"{one} and {other}"] = plain(
                spearman(np.array(values, float), np.array(paired, float))
            )
    return pairs


def _has_sgd(place: dict[str, Any]) -> bool:
    return "sgd" in place["label_share"]
