"""What multiplies float32 matrices on the processor: torch's default library, or oneDNN.

torch hands float32 products to its default BLAS (MKL in the wheels for x86). The same wheel holds
oneDNN, which on some processors is twice as fast at the same precision, and on others rounds to
bfloat16 under the very same setting. So neither the processor nor the setting is asked by name: a
product is tried, for its speed and for its error. Source: ours.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeVar, get_args

import torch
from torch import Tensor

from hf_apt.arithmetic.clock import trial_clock

Matmul = Literal["default", "onednn"]
"""`default`: as torch is set. `onednn`: oneDNN, where it is exact and faster."""

FASTER = 1.3
"""How many times as fast as the default oneDNN must be, to be taken."""

_ROWS, _WIDTH, _COLUMNS = 1024, 256, 1024
"""The product that is tried: half a GFLOP, some milliseconds on a core."""
_ROUNDS = 4
_VARIABLE = "HF_APT_MATMUL"

T = TypeVar("T")
Product = Callable[[Tensor, Tensor], Tensor]
"""x (N, E) and w (K, E) to x w^T (N, K)."""


@dataclass(frozen=True)
class ProductTrial:
    """What a trial of one way to multiply has shown, beside the default way."""

    speedup: float
    """Processor time of the default over its own."""

    error: float
    """Its largest error, over the largest that a float32 sum of that length can have."""

    @property
    def is_exact(self) -> bool:
        """Whether every element is within what sums in float32 can reach, in whatever order."""
        return self.error <= 1.0

    @property
    def is_better(self) -> bool:
        """Whether it is to be taken: exact, and `FASTER`."""
        return self.is_exact and self.speedup >= FASTER


def tried(
    product: Product, default: Product, *, clock: Callable[[], float] | None = None
) -> ProductTrial:
    """`product` against `default`: a tenth of a second on a core.

    The error of a sum of K products of float32 numbers is at most K 2^-24 times the sum of their
    absolute values, whatever the order of the sum (Higham, Accuracy and Stability of Numerical
    Algorithms, 2002, section 3.1). Operands rounded to bfloat16 or TF32 are beyond it. The two are
    timed in turns, and the fastest of each counts. Nothing is drawn from torch's own random state.

    Args:
        product: the way to multiply that is tried.
        default: what it is compared with.
        clock: what tells the time, in seconds; `trial_clock` if None.

    Returns:
        The speed of `product` beside the default, and its error.
    """
    clock = clock or trial_clock()
    generator = torch.Generator().manual_seed(0)
    x_NE = torch.randn(_ROWS, _WIDTH, generator=generator)
    w_KE = torch.randn(_COLUMNS, _WIDTH, generator=generator)
    exact_NK = x_NE.double() @ w_KE.double().T
    bound_NK = _WIDTH * 2.0**-24 * (x_NE.double().abs() @ w_KE.double().abs().T)
    error = float(((product(x_NE, w_KE).double() - exact_NK).abs() / bound_NK).max())
    seconds: dict[Product, list[float]] = {default: [], product: []}
    default(x_NE, w_KE)
    for _ in range(_ROUNDS):
        for way, taken in seconds.items():
            began = clock()
            way(x_NE, w_KE)
            taken.append(clock() - began)
    return ProductTrial(min(seconds[default]) / max(min(seconds[product]), 1e-9), error)


@contextmanager
def float32_by(matmul: Matmul) -> Iterator[None]:
    """Within the block float32 products on the processor are made by `matmul`.

    Afterwards the setting is what it was, after an error as well. `onednn` does nothing where
    torch has no such setting.
    """
    if matmul == "default":
        yield
        return
    # On processors without instructions for it oneDNN multiplies in float32 all the same, which
    # is what `onednn_trial` makes sure of.
    with _float32_at("bf16"):
        yield


@contextmanager
def _float32_at(precision: str) -> Iterator[None]:
    """Within the block oneDNN has that precision of float32 products, if torch has the setting."""
    setting = _setting()
    if setting is None:
        yield
        return
    before = setting.fp32_precision
    if before == getattr(torch.backends.mkldnn, "fp32_precision", None):
        before = "none"  # it follows the setting above it, and is to go on so
    setting.fp32_precision = precision
    try:
        yield
    finally:
        setting.fp32_precision = before


def onednn_trial() -> ProductTrial | None:
    """How products of torch do within `float32_by("onednn")`; None where torch has no oneDNN.

    It is tried once in a process for each number of threads.
    """
    return _switched(torch.get_num_threads()) if _setting() is not None else None


def is_exact(matmul: Matmul) -> bool:
    """Whether float32 products by `matmul` have the error of float32 on this processor."""
    if matmul == "default":
        return True
    trial = onednn_trial()
    return trial is not None and trial.is_exact


def fastest_matmul() -> Matmul:
    """What float32 products are best made by in this process.

    `HF_APT_MATMUL` decides where it is set: `default`, or `onednn` where that is exact.

    Returns:
        `onednn` where a trial has found it exact and `FASTER`; else `default`.

    Raises:
        ValueError: for another value of `HF_APT_MATMUL`.
    """
    wanted = matmul_wanted()
    trial = None if wanted == "default" else onednn_trial()
    if trial is None:
        return "default"
    return "onednn" if trial.is_better or (wanted and trial.is_exact) else "default"


def matmul_wanted() -> Matmul | None:
    """What `HF_APT_MATMUL` asks for; None where it is not set, or `auto`.

    Raises ValueError for another value.
    """
    given = os.environ.get(_VARIABLE, "auto")
    if given == "auto":
        return None
    for name in get_args(Matmul):
        if given == name:
            return name
    raise ValueError(
        f"{_VARIABLE} must be auto, default or onednn, got {given!r}: set it to one of them, or "
        "unset it for a trial."
    )


def fast_linear(x_NE: Tensor, w_KE: Tensor, bias_K: Tensor | None) -> Tensor:
    """The product x w^T + bias without a gradient, exact, by what is fastest here.

    float32 on the processor goes to oneDNN where `fastest_matmul` would, by a call that needs no
    setting; all else is `torch.nn.functional.linear`.

    Args:
        x_NE: rows, shape (N, E).
        w_KE: weights, shape (K, E).
        bias_K: what is added to each row, shape (K,), or None.

    Returns:
        The products, shape (N, K).
    """
    call = _linear_call(x_NE, w_KE)
    if call is None:
        return torch.nn.functional.linear(x_NE, w_KE, bias_K)
    return call(x_NE, w_KE, bias_K)


def _linear_call(x_NE: Tensor, w_KE: Tensor) -> Callable[..., Tensor] | None:
    if x_NE.device.type != "cpu" or not x_NE.dtype == w_KE.dtype == torch.float32:
        return None
    if torch.is_grad_enabled() and (x_NE.requires_grad or w_KE.requires_grad):
        return None
    wanted = matmul_wanted()
    if wanted == "default" or _pointwise_call() is None:
        return None
    trial = _pointwise(torch.get_num_threads())
    return _pointwise_call() if trial.is_better or (wanted and trial.is_exact) else None


def _setting() -> Any:
    """Torch's setting of the precision in which oneDNN multiplies; None where it has none."""
    if not torch.backends.mkldnn.is_available():
        return None
    setting = getattr(torch.backends.mkldnn, "matmul", None)
    return setting if hasattr(setting, "fp32_precision") else None


@cache
def _pointwise_call() -> Callable[..., Tensor] | None:
    """A product of oneDNN, private to torch: None where it is not what it is in 2.13."""
    return _apart(_found_pointwise)


def _found_pointwise() -> Callable[..., Tensor] | None:
    try:
        private: Any = torch.ops.mkldnn._linear_pointwise
        x_NE, w_KE, bias_K = torch.ones(2, 3), torch.ones(4, 3), torch.ones(4)
        for bias in (bias_K, None):
            made = private(x_NE, w_KE, bias, "none", [], "")
            if not torch.equal(made, torch.nn.functional.linear(x_NE, w_KE, bias)):
                return None
    except (AttributeError, RuntimeError, TypeError, NotImplementedError):
        return None
    return lambda x_NE, w_KE, bias_K: private(x_NE, w_KE, bias_K, "none", [], "")


@cache
def _switched(num_threads: int) -> ProductTrial:
    del num_threads  # what the trial is made with

    def by_onednn(x_NE: Tensor, w_KE: Tensor) -> Tensor:
        with float32_by("onednn"):
            return torch.nn.functional.linear(x_NE, w_KE)

    return _apart(lambda: tried(by_onednn, torch.nn.functional.linear))


@cache
def _pointwise(num_threads: int) -> ProductTrial:
    del num_threads
    call: Any = _pointwise_call()
    return _apart(
        lambda: tried(lambda x_NE, w_KE: call(x_NE, w_KE, None), torch.nn.functional.linear)
    )


def _apart(make: Callable[[], T]) -> T:
    """What `make` makes under torch's own settings, whatever the caller is in the middle of.

    Autocast and modes that watch operations, as a counter of FLOPs, belong to a thread.
    """

    def quiet() -> T:
        with torch.no_grad():
            return make()

    with _float32_at("none"), ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(quiet).result()
