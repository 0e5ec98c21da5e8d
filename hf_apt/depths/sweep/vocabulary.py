"""The product with the whole vocabulary in one read, on every kind of device."""

from __future__ import annotations

import warnings
from functools import cache
from importlib.util import find_spec
from subprocess import SubprocessError

import torch
from torch import Tensor

from hf_apt.depths.sweep.chunks import chunked_argmax, chunked_sweep
from hf_apt.depths.sweep.error_bounds import MAX_WIDTH
from hf_apt.depths.sweep.result import VocabularySweep, require_ids


def streamed_argmax(features_NE: Tensor, weight_VE: Tensor, bias_V: Tensor | None) -> Tensor:
    """The token id of the largest logit of each row, int64 of shape (N,).

    Of equal logits the lowest id; `NO_ANSWER` where a logit is NaN or the largest one is infinite.
    Logits are features @ weight.T + bias, multiplied in the wider type of features and weights;
    products of 16-bit numbers are added up, and compared, in float32. No (N, V) array is ever held.
    On CUDA cards many rows of float32 are screened in bfloat16, which changes no id: see `screen`.
    """
    if is_screened(features_NE, weight_VE):
        ids_N = _screened_argmax(features_NE, weight_VE, bias_V)
        if ids_N is not None:
            return ids_N
    if _has_kernel(features_NE, weight_VE):
        from hf_apt.depths.sweep.launch import kernel_argmax

        return kernel_argmax(features_NE, weight_VE, bias_V)
    return chunked_argmax(features_NE, weight_VE, bias_V)


@torch.no_grad()
def vocabulary_sweep(
    features_NE: Tensor, weight_VE: Tensor, bias_V: Tensor | None, targets_N: Tensor
) -> VocabularySweep:
    """The most probable token and the cross-entropy of the true one, from one read of the weights.

    As `streamed_argmax`, with the log-sum-exp of each row's logits and its target's logit; without
    gradients. Numbers of 16 bits on CUDA devices go through a Triton kernel, all others through
    torch over chunks of the vocabulary (arrangement ours; the running sum of exponentials is that
    of Milakov and Gimelshein, arXiv 1805.02867).

    Raises ValueError if shapes do not fit together or a target is outside the vocabulary.
    """
    _require_fit(features_NE, weight_VE, bias_V, targets_N)
    if _has_kernel(features_NE, weight_VE):
        from hf_apt.depths.sweep.launch import kernel_sweep

        return kernel_sweep(features_NE, weight_VE, bias_V, targets_N)
    return chunked_sweep(features_NE, weight_VE, bias_V, targets_N)


SCREENED_ROWS = 2048
"""Rows below which it does not pay to round the weights to bfloat16; reckoned, not measured."""
_UNSCREENED: set[torch.device] = set()
"""Devices for which the screen could not be compiled."""


def is_screened(features_NE: Tensor, weight_VE: Tensor) -> bool:
    """Whether the arg-max of these is screened in bfloat16 first.

    This is of `streamed_argmax` alone: cross-entropy needs every logit, and with it the vocabulary
    is swept in float32.

    They must be many rows of float32 on an NVIDIA card with tensor cores for bfloat16, and torch
    must not be allowed to round float32 to TF32, for which the bounds are not made.
    """
    device = features_NE.device
    if device.type != "cuda" or torch.version.hip or device in _UNSCREENED or not len(weight_VE):
        return False
    enough = len(features_NE) >= SCREENED_ROWS and features_NE.shape[1] <= MAX_WIDTH
    types = {features_NE.dtype, weight_VE.dtype}
    return enough and types == {torch.float32} and _keeps_float32() and _runs_triton(device)


def _keeps_float32() -> bool:
    """Whether cards multiply float32 as it is."""
    setting = getattr(torch.backends.cuda.matmul, "fp32_precision", None)  # from torch 2.9 on
    if setting is None:
        return torch.get_float32_matmul_precision() == "highest"
    return setting in ("none", "ieee")


def _screened_argmax(
    features_NE: Tensor, weight_VE: Tensor, bias_V: Tensor | None
) -> Tensor | None:
    """The ids of the screen, or None where the card cannot run it, which is said once."""
    from triton.errors import TritonError  # pyright: ignore[reportMissingImports]

    from hf_apt.depths.sweep.launch import screened_argmax

    try:
        return screened_argmax(features_NE, weight_VE, bias_V)
    except torch.OutOfMemoryError:
        raise
    except (TritonError, RuntimeError) as error:  # Triton's driver raises plain RuntimeError
        _UNSCREENED.add(features_NE.device)
        warnings.warn(
            f"the screen in bfloat16 does not run here ({error}): all of the vocabulary is "
            "multiplied in float32 instead.",
            stacklevel=3,
        )
        return None


_KERNEL_TYPES = {torch.bfloat16, torch.float16}
"""What tensor cores multiply; in float32 the vendor's product comes first, so chunks are read."""


def _has_kernel(features_NE: Tensor, weight_VE: Tensor) -> bool:
    if features_NE.device.type != "cuda" or not len(weight_VE):
        return False
    return {features_NE.dtype, weight_VE.dtype} <= _KERNEL_TYPES and _runs_triton(
        features_NE.device
    )


@cache
def _runs_triton(device: torch.device) -> bool:
    """Whether Triton is there, compiles for the device, and finds the C compiler that it needs."""
    if find_spec("triton") is None or torch.cuda.get_device_capability(device) < (8, 0):
        return False
    try:
        from triton.runtime import driver

        driver.active.get_current_target()  # builds Triton's own C module
    except (ImportError, OSError, RuntimeError, SubprocessError) as error:
        warnings.warn(
            f"Triton does not run here ({error}): the vocabulary is read in chunks instead.",
            stacklevel=2,
        )
        return False
    return True


def _require_fit(
    features_NE: Tensor, weight_VE: Tensor, bias_V: Tensor | None, targets_N: Tensor
) -> None:
    num_rows, width = features_NE.shape
    num_tokens = len(weight_VE)
    if weight_VE.shape != (num_tokens, width) or not num_tokens:
        raise ValueError(
            f"features of width {width} need weights of shape (tokens, {width}), not "
            f"{tuple(weight_VE.shape)}."
        )
    for name, values, length in (
        ("bias", bias_V, num_tokens),
        ("targets", targets_N, num_rows),
    ):
        if values is not None and values.shape != (length,):
            raise ValueError(f"{name} must have the shape ({length},), not {tuple(values.shape)}.")
    require_ids(targets_N, num_tokens)
