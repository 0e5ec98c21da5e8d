"""What the kernels of fine-tuning say, in sentences."""

from __future__ import annotations

from typing import Any

from hf_apt.analysis.kernels.arm_names import ARM_NAMES, KERNEL_NAMES
from hf_apt.analysis.kernels.block_agreement import block_rows
from hf_apt.analysis.kernels.kernel_config import KernelConfig


def findings(results: dict[str, Any], config: KernelConfig) -> list[str]:
    """What the study found, in sentences, the answer first.

    Args:
        results: what the study found.
        config: what was asked.

    Returns:
        One to five sentences.
    """
    sentences = []
    for kind, verdict in results["criteria"].items():
        failed = [each["name"] for each in verdict["criteria"] if each["verdict"] == "fail"]
        unclear = [each["name"] for each in verdict["criteria"] if each["verdict"] == "undefined"]
        said = "all three criteria pass"
        if failed or unclear:
            said = "; ".join(
                [f"fails: {name}" for name in failed] + [f"undefined: {name}" for name in unclear]
            )
        sentences.append(
            f"{KERNEL_NAMES[kind]} reaches {_shown(results['kernels'][kind]['accuracy'])} where "
            f"{ARM_NAMES[verdict['arm']]} reaches "
            f"{_shown(results['arms'][verdict['arm']]['accuracy'])}: {said}."
        )
    first = next(iter(results["kernels"]))
    sentences.append(
        f"{KERNEL_NAMES[first]} minus the kernel of the last state alone: "
        f"{_shown(results['differences'][KERNEL_NAMES[first]], sign=True)}."
    )
    blocks = block_rows(results)
    known = [
        pair
        for pair in blocks
        if (pair[1]["label_share"].get("sgd") or {}).get("value") is not None
    ]
    if known:
        depth, most = max(known, key=lambda pair: pair[1]["label_share"]["sgd"]["value"])
        sentences.append(
            f"Of the blocks, block {depth} has the largest share of the labels in K_SGD, "
            f"{_shown(most['label_share']['sgd'])}."
        )
    return sentences


def _shown(value: dict[str, Any], *, sign: bool = False) -> str:
    error = value["standard_error"]
    number = f"{value['value']:+.3f}" if sign else f"{value['value']:.3f}"
    return number if error is None else f"{number} ± {error:.3f}"
