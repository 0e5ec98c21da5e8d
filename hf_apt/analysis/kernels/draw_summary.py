"""Kernels of fine-tuning over draws: means with standard errors, and verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hf_apt.analysis.kernels.arm_names import ARM_NAMES, KERNEL_NAMES
from hf_apt.analysis.kernels.kernel_config import KernelConfig
from hf_apt.stats.estimates import mean_estimate, plain
from hf_apt.stats.kernels.criteria import kernel_criteria, plain_criterion

_STANDS_FOR = {"sgd": "sgd", "sign_gd": "adam", "a_sign_gd": "adam"}
"""The training that each kernel is to explain."""


def estimate(values: Sequence[float | None]) -> dict[str, Any]:
    """The mean over draws as JSON, None left out."""
    return plain(mean_estimate(np.array([np.nan if each is None else each for each in values])))


def summarised(draws: Sequence[dict[str, Any]], config: KernelConfig) -> dict[str, Any]:
    """Means over draws with standard errors.

    Args:
        draws: what `draw_figures` gave of each, as JSON.
        config: what was asked.

    Returns:
        `start`, `kernels`, `arms` and `states` with accuracies, `drift` and `linearised` by arm,
        `differences` from the kernel of the last state in the same draw, `criteria` by kernel,
        `condition`, and `places` and `groups` with shares.
    """
    last = [draw["states"][-1] for draw in draws]
    kernels = {kind: [draw["kernels"][kind] for draw in draws] for kind in config.kinds}
    arms = {arm: [draw["arms"][arm] for draw in draws] for arm in config.arms}
    accuracies = {
        KERNEL_NAMES[kind]: [each["accuracy"] for each in kernels[kind]] for kind in kernels
    }
    accuracies |= {ARM_NAMES[arm]: [each["accuracy"] for each in arms[arm]] for arm in arms}
    return {
        "start": estimate([draw["start_accuracy"] for draw in draws]),
        "last_state": estimate(last),
        "kernels": {
            kind: {
                "accuracy": estimate([each["accuracy"] for each in of_kind]),
                "alignment": estimate([each["alignment"] for each in of_kind]),
            }
            for kind, of_kind in kernels.items()
        },
        "arms": {
            arm: {
                name: estimate([each[name] for each in of_arm])
                for name in ("accuracy", "drift", "linearised_accuracy")
            }
            for arm, of_arm in arms.items()
        },
        "differences": {
            name: estimate([own - other for own, other in zip(values, last, strict=True)])
            for name, values in accuracies.items()
        },
        "criteria": _criteria(draws, config),
        "condition": _condition(draws),
        "states": [
            estimate(values) for values in zip(*(each["states"] for each in draws), strict=True)
        ],
        "places": _over_draws([each["places"] for each in draws], config),
        "groups": _over_draws([each["groups"] for each in draws], config),
        "seconds": {
            name: estimate([draw["seconds"][name] for draw in draws])
            for name in ("kernels", "arms")
        },
    }


def _criteria(draws: Sequence[dict[str, Any]], config: KernelConfig) -> dict[str, Any]:
    """The three criteria by kernel, of means over draws."""
    verdicts = {}
    for kind in config.kinds:
        arm = _STANDS_FOR[kind]
        if arm not in config.arms:
            continue
        trained = [draw["arms"][arm] for draw in draws]
        of_kind = kernel_criteria(
            kernel_accuracy=_mean([draw["kernels"][kind]["accuracy"] for draw in draws]),
            finetuned_accuracy=_mean([each["accuracy"] for each in trained]),
            start_accuracy=_mean([draw["start_accuracy"] for draw in draws]),
            linearised_accuracy=_mean([each["linearised_accuracy"] for each in trained]),
            drift=_mean([each["drift"] for each in trained]),
        )
        verdicts[kind] = {"arm": arm, "criteria": [plain_criterion(each) for each in of_kind]}
    return plain(verdicts)


def _mean(values: Sequence[float | None]) -> float:
    """The mean of what is known; NaN of nothing."""
    known = [each for each in values if each is not None]
    return float(np.mean(known)) if known else float("nan")


def _condition(draws: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    conditions = [draw["condition"] for draw in draws]
    if None in conditions:
        return None
    return {
        "value": estimate([each["value"] for each in conditions]),
        "of_rank": estimate([each["of_rank"] for each in conditions]),
        "num_singular": sum(each["value"] is None for each in conditions),
    }


def _over_draws(by_draw: Sequence[list[dict[str, Any]]], config: KernelConfig) -> list[dict]:
    """Shares, and what else there is of each place or group, over draws."""
    combined = []
    for same in zip(*by_draw, strict=True):
        entry: dict[str, Any] = {
            name: same[0][name] for name in ("place", "kind") if name in same[0]
        }
        for name in ("trace_share", "label_share"):
            entry[name] = {
                kind: estimate([each[name][kind] for each in same]) for kind in config.kinds
            }
        for name in ("alignment", "condition", "condition_of_rank", "rank", "accuracy"):
            if name in same[0]:
                entry[name] = estimate([each[name] for each in same])
        combined.append(entry | ({"size": same[0]["size"]} if "size" in same[0] else {}))
    return combined
