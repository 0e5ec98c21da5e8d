"""The sweep by its Triton kernel: how the work is cut, and its parts put together again.

Parts of the vocabulary, each a program's, are put together by a few small operations of torch.
Triton comes with torch's builds for CUDA: this module is imported where `vocabulary` finds that it
runs, and nowhere else.
"""
# J: parts of the vocabulary.

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import torch
import triton  # pyright: ignore[reportMissingImports]
from torch import Tensor

from hf_apt.depths.sweep.chunks import chunked_argmax
from hf_apt.depths.sweep.error_bounds import is_bounded, rounded_rows, rounded_tokens
from hf_apt.depths.sweep.kernel import screened, swept
from hf_apt.depths.sweep.result import VocabularySweep, answered
from hf_apt.depths.sweep.screen import UNPROVEN, Screen, proven_ids


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """How the work is cut; it changes the time, and sums of exponentials by their rounding."""

    rows: int = 128
    """Rows of a tile, a power of two of at least 16."""

    tokens: int = 128
    """Tokens of a tile, a power of two of at least 16."""

    width: int = 64
    """Columns of features and weights that are multiplied at once, a power of two from 16 on."""

    num_warps: int = 8
    """Warps that run a program."""

    num_stages: int = 3
    """Loads that are under way at once."""

    num_parts: int | None = None
    """Parts of the vocabulary, each in programs of its own; None for as many as fill the device."""


_HALF = Tiling()
# A product without tensor cores holds its operands in registers, too: smaller tiles.
_SINGLE = Tiling(rows=64, tokens=64, width=32, num_warps=4)
_WAVES = 8
"""Programs for each multiprocessor, at least, where the vocabulary is long enough."""
_NO_ID = torch.iinfo(torch.int32).max


def kernel_argmax(
    features_NE: Tensor,
    weight_VE: Tensor,
    bias_V: Tensor | None,
    *,
    tiling: Tiling | None = None,
) -> Tensor:
    """The token id (N,) of the largest logit; of equal logits the lowest id; else `NO_ANSWER`."""
    return _parts(features_NE, weight_VE, bias_V, None, tiling).ids_N()


def kernel_sweep(
    features_NE: Tensor,
    weight_VE: Tensor,
    bias_V: Tensor | None,
    targets_N: Tensor,
    *,
    tiling: Tiling | None = None,
) -> VocabularySweep:
    """The id of `kernel_argmax`, and what cross-entropy needs, from the same tiles."""
    parts = _parts(features_NE, weight_VE, bias_V, targets_N, tiling)
    return VocabularySweep(
        parts.ids_N(),
        (parts.best_JN + parts.sums_JN.log()).logsumexp(dim=0),
        parts.targets_JN.sum(dim=0),  # zero in all parts but the one that holds the target
    )


@torch.no_grad()
def kernel_screen(
    features_NE: Tensor,
    weight_VE: Tensor,
    bias_V: Tensor | None,
    *,
    tiling: Tiling | None = None,
) -> Screen:
    """Bounds of the float32 logits of float32 features, from a product in bfloat16."""
    return _screen(features_NE, weight_VE, bias_V, tiling or _HALF)


@torch.no_grad()
def screened_argmax(
    features_NE: Tensor,
    weight_VE: Tensor,
    bias_V: Tensor | None,
    *,
    tiling: Tiling | None = None,
) -> Tensor:
    """The ids of `chunked_argmax` of float32 features and weights, from a product in bfloat16.

    Where the bounds leave one token, any float32 sum has it (see `error_bounds`). All other rows,
    ties and what is no number among them, are given to `chunked_argmax` itself.
    """
    screen = kernel_screen(features_NE, weight_VE, bias_V, tiling=tiling)
    ids_N = proven_ids(screen, features_NE, weight_VE, bias_V)
    unproven_M = (ids_N == UNPROVEN).nonzero()[:, 0]
    if len(unproven_M):
        ids_N[unproven_M] = chunked_argmax(features_NE[unproven_M], weight_VE, bias_V)
    return ids_N


@dataclass(frozen=True)
class _Parts:
    """The results of each part of the vocabulary, for each row."""

    best_JN: Tensor
    """The largest logit of the part, inf if one is NaN."""

    best_ids_JN: Tensor
    """The lowest id that has the largest logit."""

    sums_JN: Tensor
    """The sum of exp(logit - largest logit); empty without targets."""

    targets_JN: Tensor
    """The target's logit where the target is in this part, else 0; empty without targets."""

    def ids_N(self) -> Tensor:
        """The lowest id that has the largest logit of all parts; else `NO_ANSWER`."""
        best_N = self.best_JN.amax(dim=0)
        ids_N = self.best_ids_JN.where(self.best_JN == best_N, _NO_ID).amin(dim=0).long()
        return answered(ids_N, best_N)


def _parts(
    features_NE: Tensor,
    weight_VE: Tensor,
    bias_V: Tensor | None,
    targets_N: Tensor | None,
    tiling: Tiling | None,
) -> _Parts:
    common = torch.promote_types(features_NE.dtype, weight_VE.dtype)
    features_NE = features_NE.to(common).contiguous()
    weight_VE = weight_VE.to(common).contiguous()
    tiling = tiling or (_SINGLE if common == torch.float32 else _HALF)
    num_rows, num_tokens = len(features_NE), len(weight_VE)
    cut = _Cut.of(features_NE, num_tokens, tiling)
    shape = (cut.parts, num_rows)
    has_targets = targets_N is not None
    summed_shape = shape if has_targets else (0,)
    parts = _Parts(
        features_NE.new_empty(shape, dtype=torch.float32),
        features_NE.new_empty(shape, dtype=torch.int32),
        features_NE.new_empty(summed_shape, dtype=torch.float32),
        features_NE.new_empty(summed_shape, dtype=torch.float32),
    )
    flags: dict[str, Any] = {"HAS_BIAS": bias_V is not None, "HAS_TARGETS": has_targets}
    if num_rows:
        with torch.cuda.device_of(features_NE):
            swept[(cut.blocks, cut.parts)](
                features_NE,
                weight_VE,
                None if bias_V is None else bias_V.contiguous(),
                None if targets_N is None else targets_N.contiguous(),
                parts.best_JN,
                parts.best_ids_JN,
                parts.sums_JN,
                parts.targets_JN,
                num_rows,
                num_tokens,
                cut.tiles_in_part,
                **_constants(features_NE, tiling),
                **flags,
            )
    return parts


def _screen(
    features_NE: Tensor, weight_VE: Tensor, bias_V: Tensor | None, tiling: Tiling
) -> Screen:
    rows, tokens = rounded_rows(features_NE), rounded_tokens(weight_VE, bias_V)
    num_rows, num_tokens = len(features_NE), len(weight_VE)
    cut = _Cut.of(features_NE, num_tokens, tiling)
    uppers_TN = features_NE.new_empty(cut.tiles, num_rows)
    ids_TN = features_NE.new_empty(cut.tiles, num_rows, dtype=torch.int32)
    seconds_JN = features_NE.new_empty(cut.parts, num_rows)
    lowers_JN = torch.empty_like(seconds_JN)
    if num_rows:
        with torch.cuda.device_of(features_NE):
            screened[(cut.blocks, cut.parts)](
                rows.values_NE,
                tokens.values_VE,
                rows.terms_2N,
                tokens.terms_4V,
                uppers_TN,
                ids_TN,
                seconds_JN,
                lowers_JN,
                num_rows,
                num_tokens,
                cut.tiles,
                cut.tiles_in_part,
                **_constants(rows.values_NE, tiling),
            )
    return Screen(
        upper_TN=uppers_TN,
        ids_TN=ids_TN,
        second_N=seconds_JN.amax(dim=0),
        lower_N=lowers_JN.amax(dim=0),
        is_bounded_N=is_bounded(rows, tokens),
    )


@dataclass(frozen=True)
class _Cut:
    """How many programs there are, and what each of them does."""

    blocks: int
    """Blocks of rows."""

    tiles: int
    """Tiles of the vocabulary."""

    tiles_in_part: int
    """Tiles that one program reads."""

    parts: int
    """Parts of the vocabulary."""

    @classmethod
    def of(cls, features_NE: Tensor, num_tokens: int, tiling: Tiling) -> Self:
        """The cut that fills the device of the features."""
        blocks = triton.cdiv(len(features_NE), tiling.rows)
        tiles = triton.cdiv(num_tokens, tiling.tokens)
        programs = _WAVES * _multiprocessors(features_NE)
        wanted = tiling.num_parts or triton.cdiv(programs, max(blocks, 1))
        tiles_in_part = triton.cdiv(tiles, min(wanted, tiles))
        return cls(blocks, tiles, tiles_in_part, triton.cdiv(tiles, tiles_in_part))


def _constants(features_NE: Tensor, tiling: Tiling) -> dict[str, Any]:
    """What the kernels are compiled for."""
    return {
        "WIDTH": features_NE.shape[1],
        "ROWS": tiling.rows,
        "TOKENS": tiling.tokens,
        "STEP": tiling.width,
        # The interpreter would multiply the bits of bfloat16 as integers.
        "WIDEN": features_NE.dtype == torch.bfloat16 and not features_NE.is_cuda,
        "num_warps": tiling.num_warps,
        "num_stages": tiling.num_stages,
    }


def _multiprocessors(tensor: Tensor) -> int:
    """The multiprocessors of the tensor's device; 1 where Triton interprets."""
    if not tensor.is_cuda:
        return 1
    return torch.cuda.get_device_properties(tensor.device).multi_processor_count
