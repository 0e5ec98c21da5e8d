"""How the gradients of a kernel are divided so that they fit into memory, said before any work."""
# O: outputs.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hf_apt.analysis.kernels.parameter_groups import ParameterGroup

STREAMED = 16
"""Texts whose gradients are multiplied with those held at once."""


@dataclass(frozen=True)
class Share:
    """Groups whose gradients are held at once, of so many training texts at a time."""

    groups: tuple[ParameterGroup, ...]
    """Groups of parameters."""

    num_held: int
    """Training texts whose gradients are held."""

    num_bytes: int
    """Bytes at most: gradients, the kernels of these groups, and sums over groups."""


@dataclass(frozen=True)
class KernelPlan:
    """What is held when, and how often texts are run."""

    shares: tuple[Share, ...]
    """One after the other."""

    num_passes: int
    """How often all texts are run forward and back."""

    num_bytes: int
    """The most memory of any of them, beside the model's own pass over one text."""


def kernel_plan(
    groups: Sequence[ParameterGroup],
    num_values: Sequence[int],
    *,
    num_train: int,
    num_texts: int,
    num_outputs: int,
    num_kinds: int,
    memory: int,
    bytes_per_value: int = 4,
    has_signs: bool = False,
) -> KernelPlan:
    """How to compute kernels within so many bytes.

    The gradients of the training texts are held, those of all texts come one after the other. As
    many groups as fit are held at once; a group that does not fit is held for a part of the
    training texts, and the others run again for each part.

    Args:
        groups: groups of parameters.
        num_values: how many values of each have a gradient.
        num_train: training texts.
        num_texts: texts that are run, training texts among them.
        num_outputs: outputs of a text.
        num_kinds: kinds of kernels.
        memory: the bound, in bytes.
        bytes_per_value: of a gradient's entry.
        has_signs: whether signs are held beside gradients, a byte each.

    Returns:
        The plan.

    Raises:
        ValueError: if a single text's gradients of a group do not fit; it says how much is needed.
    """
    of_kernels = 8 * num_kinds * num_texts * num_outputs * num_train * num_outputs
    shares: list[Share] = []
    held: list[int] = []

    def size(values: int, num_groups: int, num_held: int) -> int:
        # A text is there twice while its outputs are put together.
        gradients = num_outputs * values * bytes_per_value * (num_held + STREAMED + 2)
        gradients += num_outputs * values * has_signs * num_held
        # Beside kernels of groups there are the sum of all groups so far, and that of a place.
        return gradients + of_kernels * (num_groups + 2)

    for group, values in zip(groups, num_values, strict=True):
        least = size(values, 1, 1)
        if least > memory:
            raise ValueError(
                f"the kernel of {group.name} needs {_shown(least)} of memory at least, and "
                f"{_shown(memory)} may be used: allow more, leave these parameters out, or take "
                "fewer texts."
            )
        if shares and shares[-1].num_held == num_train:
            last = shares[-1]
            joined = size(held[-1] + values, len(last.groups) + 1, num_train)
            if joined <= memory:
                held[-1] += values
                shares[-1] = Share((*last.groups, group), num_train, joined)
                continue
        of_one = num_outputs * values * (bytes_per_value + has_signs)
        num_held = min(int((memory - size(values, 1, 0)) // max(of_one, 1)), num_train)
        shares.append(Share((group,), num_held, size(values, 1, num_held)))
        held.append(values)
    return KernelPlan(
        tuple(shares),
        sum(-(-num_train // share.num_held) for share in shares),
        max(share.num_bytes for share in shares),
    )


def _shown(num_bytes: int) -> str:
    return f"{num_bytes / 2**30:.2g} GiB" if num_bytes >= 2**27 else f"{num_bytes / 2**20:.2g} MiB"
