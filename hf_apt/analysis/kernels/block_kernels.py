"""Where in the depth the signal of fine-tuning lives: kernels of each block by themselves."""
# J: all texts, training texts first. O: outputs. E: differences of outputs. G: groups.

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hf_apt.analysis.kernels.empirical_kernels import GroupKernels
from hf_apt.analysis.kernels.kernel_names import KernelKind
from hf_apt.stats.kernels.alignment import along_labels, label_alignment, shares, trace
from hf_apt.stats.kernels.condition_number import condition_number
from hf_apt.stats.kernels.contrasts import class_contrasts, target_contrasts


@dataclass
class BlockKernels:
    """The kernels of all parameters, and what each group and place adds to them."""

    total: dict[KernelKind, np.ndarray]
    """By kind, the kernel over all parameters."""

    groups: list[dict[str, Any]]
    """For each group `place`, `kind`, and by kind of kernel `trace_share` and `label_share`."""

    places: list[dict[str, Any]] = field(default_factory=list)
    """For embeddings, each block and head: `place`, the same shares, and of the kernel of gradient
    descent `alignment`, `condition`, `rank`, `size` and `accuracy` by that kernel alone."""


def block_kernels(
    parts: Iterable[GroupKernels],
    targets_IO: np.ndarray,
    accuracy_of: Callable[[np.ndarray], float],
) -> BlockKernels:
    """The sum of the kernels of groups, and the figures of each group and place.

    Shares are of the trace, and of y' K y, the speed at which outputs move to their targets; both
    add up to 1 over groups. They, alignments and condition numbers are of differences between
    classes, since what all logits have in common changes no answer. Source: ours. One place is held
    at a time.

    Args:
        parts: kernels of each group, in the order of the model.
        targets_IO: the targets of the training texts.
        accuracy_of: the accuracy that a kernel between all texts and training texts reaches.

    Returns:
        The kernels and the figures.
    """
    num, targets_IE = len(targets_IO), target_contrasts(targets_IO)
    total: dict[KernelKind, np.ndarray] = {}
    groups: list[dict[str, Any]] = []
    places: list[dict[str, Any]] = []
    here: tuple[str, np.ndarray] | None = None

    def close() -> None:
        if here is not None:
            places.append(_of_place(*here, targets_IO, accuracy_of))

    for part in parts:
        groups.append({"place": part.group.place, "kind": part.group.kind, "values": {}})
        for kind, kernel in part.kernels.items():
            own = class_contrasts(kernel[:num])
            groups[-1]["values"][kind] = (trace(own), along_labels(own, targets_IE))
            total[kind] = total[kind] + kernel if kind in total else kernel
        if "sgd" in part.kernels:
            kernel = part.kernels["sgd"]
            if here is not None and here[0] == part.group.place:
                here = here[0], here[1] + kernel
            else:
                close()
                here = part.group.place, kernel
    close()
    _put_shares(groups, list(total))
    for place in places:
        for name in ("trace_share", "label_share"):
            own = [group[name] for group in groups if group["place"] == place["place"]]
            place[name] = {kind: sum(each[kind] for each in own) for kind in total}
    return BlockKernels(total, groups, places)


def _of_place(
    place: str, kernel: np.ndarray, targets_IO: np.ndarray, accuracy_of: Callable
) -> dict[str, Any]:
    own = class_contrasts(kernel[: len(targets_IO)])
    condition = condition_number(own)
    return {
        "place": place,
        "alignment": label_alignment(own, target_contrasts(targets_IO)),
        "condition": condition.value,
        "condition_of_rank": condition.of_rank,
        "rank": condition.rank,
        "size": condition.size,
        "accuracy": accuracy_of(kernel),
    }


def _put_shares(groups: list[dict[str, Any]], kinds: list[KernelKind]) -> None:
    values = [group.pop("values") for group in groups]
    for place, name in enumerate(("trace_share", "label_share")):
        by_kind = {kind: shares([each[kind][place] for each in values]) for kind in kinds}
        for number, group in enumerate(groups):
            group[name] = {kind: by_kind[kind][number] for kind in kinds}
