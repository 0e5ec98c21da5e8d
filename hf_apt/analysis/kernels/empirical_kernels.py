"""Empirical kernels of fine-tuning, from gradients of single texts, in a bounded memory."""
# J: all texts, training texts first. O: outputs.

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from hf_apt.analysis.kernels.gradients import (
    detached_weights,
    output_gradients,
    rows_with_gradient,
)
from hf_apt.analysis.kernels.kernel_names import (
    KERNEL_KINDS,
    SIGN_FLOOR,
    KernelKind,
    Selection,
)
from hf_apt.analysis.kernels.kernel_plan import STREAMED, KernelPlan, Share, kernel_plan
from hf_apt.analysis.kernels.logits_function import LogitsFunction, Row
from hf_apt.analysis.kernels.parameter_groups import ParameterGroup, parameter_groups

MEMORY = 2 * 2**30
"""Bytes of gradients and kernels that are held at most, unless told."""

_COLUMNS = 2**20
"""Columns of a matrix of gradients that are multiplied at once."""


@dataclass(frozen=True)
class GroupKernels:
    """The kernels over one group of parameters."""

    group: ParameterGroup
    """The group."""

    kernels: dict[KernelKind, Float[np.ndarray, "J O I O"]]
    """Between all texts, training texts first, and the training texts; float64."""


@dataclass(frozen=True)
class KernelTexts:
    """The texts of a kernel as the model reads them, and how it is to be computed."""

    function: LogitsFunction
    """The outputs whose gradients are taken."""

    train: Sequence[Row]
    """Training texts."""

    others: Sequence[Row] = ()
    """Texts that are predicted."""

    selection: Selection = "all"
    """Which parameters it is over."""

    kinds: tuple[KernelKind, ...] = KERNEL_KINDS
    """Which kernels."""

    memory: int = MEMORY
    """Bytes of gradients and kernels at most, beside the model's own pass over one text."""

    sign_floor: float = SIGN_FLOOR
    """Entries of at most this share of the largest entry in the last group of parameters, of the
    same text and output, have the sign 0. In exact numbers some gradients are 0, as those of an
    attention's key biases, and their rounding has a sign. 0 for the paper's form."""

    def groups(self) -> list[ParameterGroup]:
        """The groups of parameters that the kernels are over.

        Returns:
            Groups in the order of the model.

        Raises:
            ValueError: if nothing is trained, or nothing is left.
        """
        return parameter_groups(self.function.model, self.selection)


def planned_kernels(texts: KernelTexts) -> tuple[KernelPlan, dict[str, Tensor]]:
    """How the kernels are computed, and the rows of large tables that have gradients.

    Raises:
        ValueError: without texts, and if memory does not suffice; it says how much is needed.
    """
    if not texts.train:
        raise ValueError("there are no training texts: a kernel is between them and others.")
    groups = texts.groups()
    names = [name for group in groups for name in group.names]
    kept = rows_with_gradient(texts.function, texts.train, names)
    weights = detached_weights(texts.function)
    _warn_of_rounding(texts, next(iter(weights.values())).dtype)
    values = [sum(_num_values(weights[name], kept.get(name)) for name in g.names) for g in groups]
    plan = kernel_plan(
        *(groups, values),
        num_train=len(texts.train),
        num_texts=len(texts.train) + len(texts.others),
        num_outputs=texts.function.num_outputs,
        num_kinds=len(texts.kinds),
        memory=texts.memory,
        has_signs=texts.kinds != ("sgd",),
        bytes_per_value=next(iter(weights.values())).element_size(),
    )
    return plan, kept


def _warn_of_rounding(texts: KernelTexts, dtype: torch.dtype) -> None:
    """Warn where a floor of signs is below what the gradients themselves are rounded by."""
    if texts.kinds != ("sgd",) and 0 < texts.sign_floor < torch.finfo(dtype).eps:
        warnings.warn(
            f"gradients in {str(dtype).removeprefix('torch.')} are rounded by "
            f"{torch.finfo(dtype).eps:.1g} of their size, and signs have a floor of "
            f"{texts.sign_floor:.1g}: those that are 0 but for rounding count as signs. Take the "
            "model in float32 (`model.float()`).",
            stacklevel=3,
        )


def _num_values(weight: Tensor, kept: Tensor | None) -> int:
    return weight.numel() if kept is None else len(kept) * weight[0].numel()


def stream_kernels(texts: KernelTexts) -> Iterator[GroupKernels]:
    """The kernels of group after group; their sum is the kernel over all parameters.

    K_SGD(x, x') is the product of the gradients of the outputs at x and x', K_SignGD that of their
    signs, and K_A-SignGD that of the gradient at x and the sign at the training text x'
    (arXiv 2210.05643). Each is a sum over parameters, and so over groups. The model is not changed;
    gradients are of its own precision, products of a million parameters at most in that or in
    float32, if it is less, and their sums in float64.

    Args:
        texts: the texts and how the kernels are to be computed.

    Yields:
        Kernels of each group, in the order of the model.

    Raises:
        ValueError: without texts or trained parameters, and if memory does not suffice.
    """
    plan, kept = planned_kernels(texts)
    floors = _sign_floors(texts, kept)
    for share in plan.shares:
        yield from _of_share(texts, share, kept, floors)


def empirical_kernels(texts: KernelTexts) -> dict[KernelKind, Float[np.ndarray, "J O I O"]]:
    """The kernels over all parameters that are asked for.

    Args:
        texts: the texts and how the kernels are to be computed.

    Returns:
        By kind, the values between all texts, training texts first, and the training texts.

    Raises:
        ValueError: as `stream_kernels` does.
    """
    total: dict[KernelKind, np.ndarray] = {}
    for part in stream_kernels(texts):
        for kind, kernel in part.kernels.items():
            total[kind] = total[kind] + kernel if kind in total else kernel
    return total


def _sign_floors(texts: KernelTexts, kept: dict[str, Tensor]) -> Float[Tensor, "J O"]:
    """Up to which size an entry of a gradient has no sign, whatever is held at once."""
    rows, num_outputs = [*texts.train, *texts.others], texts.function.num_outputs
    if not texts.sign_floor or texts.kinds == ("sgd",):
        return torch.zeros((len(rows), num_outputs), device=texts.function.model.device)
    names, weights = texts.groups()[-1].names, detached_weights(texts.function)
    largest = []
    for row in rows:
        _, gradients = output_gradients(texts.function, row, names, weights, kept)
        largest.append(torch.stack([each.abs().amax(dim=1) for each in gradients]).amax(dim=0))
    return texts.sign_floor * torch.stack(largest)


def _of_share(
    texts: KernelTexts, share: Share, kept: dict[str, Tensor], floors_JO: Float[Tensor, "J O"]
) -> Iterator[GroupKernels]:
    function, rows = texts.function, [*texts.train, *texts.others]
    names = [name for group in share.groups for name in group.names]
    weights = detached_weights(function)
    num_outputs, num_train = function.num_outputs, len(texts.train)
    shape = (len(rows), num_outputs, num_train, num_outputs)
    sums: list[dict[KernelKind, np.ndarray]] = [
        {kind: np.zeros(shape) for kind in texts.kinds} for _ in share.groups
    ]
    for start in range(0, num_train, share.num_held):
        part = slice(start, min(start + share.num_held, num_train))
        held = _gradients(texts, texts.train[part], names, weights, kept)
        held_floors = floors_JO[part].reshape(-1, 1)
        # Once for all texts that come by: in eight bits, since each is -1, 0 or 1.
        signs = {
            name: _signs(each, held_floors).to(torch.int8)
            for name, each in held.items()
            if texts.kinds != ("sgd",)
        }
        for first in range(0, len(rows), STREAMED):
            block = slice(first, first + STREAMED)
            streamed = _gradients(texts, rows[block], names, weights, kept)
            for group, kernels in zip(share.groups, sums, strict=True):
                triples = [(streamed[name], held[name], signs.get(name)) for name in group.names]
                floors = floors_JO[block].reshape(-1, 1)
                for kind, values in _products(triples, texts.kinds, floors).items():
                    values = values.reshape(-1, num_outputs, part.stop - start, num_outputs)
                    kernels[kind][block, :, part] = values
    for group, kernels in zip(share.groups, sums, strict=True):
        yield GroupKernels(group, kernels)


def _gradients(
    texts: KernelTexts,
    rows: Sequence[Row],
    names: Sequence[str],
    weights: dict[str, Tensor],
    kept: dict[str, Tensor],
) -> dict[str, Tensor]:
    """The gradients of some texts by parameter, a row for each text and output."""
    function, num_outputs = texts.function, texts.function.num_outputs
    stacked = {
        name: weights[name].new_empty(
            (len(rows) * num_outputs, _num_values(weights[name], kept.get(name)))
        )
        for name in names
    }
    for place, row in enumerate(rows):
        own = slice(place * num_outputs, (place + 1) * num_outputs)
        _, gradients = output_gradients(function, row, names, weights, kept)
        for name, gradient in zip(names, gradients, strict=True):
            stacked[name][own] = gradient
    return stacked


def _products(
    triples: Sequence[tuple[Tensor, Tensor, Tensor | None]],
    kinds: Sequence[KernelKind],
    floors: Tensor,
) -> dict[KernelKind, np.ndarray]:
    """The products of texts' gradients with those held and their signs, summed over parameters."""
    streamed, held, _ = triples[0]
    shape = (len(streamed), len(held))
    sums: dict[KernelKind, Tensor] = {
        kind: torch.zeros(shape, dtype=torch.float64, device=held.device) for kind in kinds
    }
    for streamed, held, held_signs in triples:
        # Products of 16 bits would be rounded to 16 bits, those of signs among them.
        dtype = torch.promote_types(streamed.dtype, torch.float32)
        for start in range(0, streamed.shape[1], _COLUMNS):
            columns = slice(start, start + _COLUMNS)
            one = streamed[:, columns].to(dtype)
            if "sgd" in sums:
                sums["sgd"] += one @ held[:, columns].to(dtype).T
            if held_signs is None:
                continue
            signs = held_signs[:, columns].to(dtype)
            if "a_sign_gd" in sums:
                sums["a_sign_gd"] += one @ signs.T
            if "sign_gd" in sums:
                sums["sign_gd"] += _signs(one, floors) @ signs.T
    return {kind: total.cpu().numpy() for kind, total in sums.items()}


def _signs(gradients: Tensor, floors: Tensor) -> Tensor:
    return gradients.sign() * (gradients.abs() > floors)
