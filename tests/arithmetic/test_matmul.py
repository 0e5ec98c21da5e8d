"""Laws of the trial of products: what rounds is refused, and torch's settings stay as they are."""

import warnings
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from hf_apt.arithmetic import matmul as module
from hf_apt.arithmetic.matmul import (
    ProductTrial,
    fast_linear,
    fastest_matmul,
    float32_by,
    is_exact,
    onednn_trial,
    tried,
)

LINEAR = torch.nn.functional.linear
EXACT_AND_FAST = ProductTrial(speedup=2.2, error=0.03)


@pytest.fixture(autouse=True)
def unset(monkeypatch) -> None:
    monkeypatch.delenv("HF_APT_MATMUL", raising=False)


def rounded(x: torch.Tensor, num_bits: int) -> torch.Tensor:
    """x with the last bits of its 23 cut off: 16 leave those of bfloat16, 13 those of TF32."""
    return (x.view(torch.int32) >> num_bits << num_bits).view(torch.float32)


@pytest.mark.parametrize(("num_bits", "is_exact"), [(0, True), (13, False), (16, False)])
def test_operands_that_are_rounded_are_told_by_their_error(num_bits, is_exact):
    trial = tried(lambda x, w: LINEAR(rounded(x, num_bits), rounded(w, num_bits)), LINEAR)
    assert trial.is_exact is is_exact
    assert trial.error < 0.2 if is_exact else trial.error > 10


def test_a_sum_in_another_order_is_exact():
    def in_blocks(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        parts = [LINEAR(x[:, k : k + 32], w[:, k : k + 32]) for k in range(0, x.shape[1], 32)]
        return torch.stack(parts).sum(dim=0)

    assert tried(in_blocks, LINEAR).is_exact


def test_the_speed_is_that_of_the_fastest_of_each_in_turns():
    now = [0.0]
    taken = {"default": iter([9.0, 4.0, 8.0, 4.0, 5.0]), "other": iter([7.0, 7.0, 2.0, 3.0, 6.0])}

    def taking(name: str):
        def product(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
            now[0] += next(taken[name])
            return LINEAR(x, w)

        return product

    trial = tried(taking("other"), taking("default"), clock=lambda: now[0])
    assert trial.speedup == 4.0 / 2.0  # the first product of each is not timed


@pytest.mark.parametrize(
    ("speedup", "error", "is_better"),
    [(1.3, 1.0, True), (1.29, 0.1, False), (9.0, 1.01, False)],
)
def test_the_better_one_is_exact_and_fast(speedup, error, is_better):
    assert ProductTrial(speedup, error).is_better is is_better


def test_a_trial_draws_nothing():
    before = torch.get_rng_state()
    tried(LINEAR, LINEAR)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.fixture
def setting() -> Iterator[object]:
    setting = module._setting()
    if setting is None:
        pytest.skip("this torch has no oneDNN setting")
    before = setting.fp32_precision
    yield setting
    setting.fp32_precision = before


def test_the_setting_is_what_it_was_after_an_error_as_well(setting):
    setting.fp32_precision = "ieee"
    with pytest.raises(KeyError), float32_by("onednn"):  # noqa: PT012
        assert setting.fp32_precision == "bf16"
        raise KeyError
    assert setting.fp32_precision == "ieee"
    with float32_by("default"):
        assert setting.fp32_precision == "ieee"


def test_a_setting_that_follows_another_one_goes_on_to_follow_it(setting):
    above = torch.backends.mkldnn
    before = above.fp32_precision
    setting.fp32_precision = "none"
    with float32_by("onednn"):
        pass
    above.fp32_precision = "ieee" if before != "ieee" else "tf32"
    try:
        assert setting.fp32_precision == above.fp32_precision
    finally:
        above.fp32_precision = before


def test_what_is_taken_here_is_exact():
    """On this very processor, whatever it is: the law that counts."""
    taken = fastest_matmul()
    assert is_exact(taken)

    def product(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        with float32_by(taken):
            return LINEAR(x, w)

    assert tried(product, LINEAR).is_exact
    assert tried(lambda x, w: fast_linear(x, w, None), LINEAR).is_exact


@pytest.mark.parametrize(
    ("asked", "trial", "taken"),
    [
        ("auto", EXACT_AND_FAST, "onednn"),
        ("auto", ProductTrial(1.1, 0.03), "default"),
        ("auto", ProductTrial(2.6, 71.0), "default"),
        ("auto", None, "default"),
        ("default", EXACT_AND_FAST, "default"),
        ("onednn", ProductTrial(1.1, 0.03), "onednn"),
        ("onednn", ProductTrial(2.6, 71.0), "default"),
        ("onednn", None, "default"),
    ],
)
def test_the_variable_decides_between_what_is_exact(monkeypatch, asked, trial, taken):
    monkeypatch.setenv("HF_APT_MATMUL", asked)
    monkeypatch.setattr(module, "onednn_trial", lambda: trial)
    assert fastest_matmul() == taken


def test_another_value_of_the_variable_is_refused(monkeypatch):
    monkeypatch.setenv("HF_APT_MATMUL", "mkl")
    with pytest.raises(ValueError, match="must be auto, default or onednn, got 'mkl'"):
        fastest_matmul()


@pytest.mark.parametrize("name", ["_switched", "_pointwise"])
def test_a_trial_does_not_see_what_its_caller_is_in_the_middle_of(monkeypatch, setting, name):
    """Not the setting that it is to try, nor autocast, nor a counter of FLOPs, nor gradients."""
    seen = []

    def noted(product, default):
        x = torch.ones(2, 2, requires_grad=True)
        made = default(x, x)
        seen.append((setting.fp32_precision, made.dtype, made.requires_grad))
        return EXACT_AND_FAST

    monkeypatch.setattr(module, "tried", noted)
    before = torch.get_num_threads()
    with (
        float32_by("onednn"),
        torch.autocast("cpu", torch.bfloat16),
        FlopCounterMode(display=False) as counter,
    ):
        getattr(module, name).__wrapped__(1)
        assert setting.fp32_precision == "bf16"
    assert counter.get_total_flops() == 0
    assert seen == [("none", torch.float32, False)]
    assert torch.get_num_threads() == before


def test_a_trial_is_made_once():
    assert onednn_trial() is onednn_trial()


@settings(deadline=None, derandomize=True, max_examples=30)
@given(
    shape=st.tuples(st.integers(0, 5), st.integers(1, 5), st.integers(1, 5)),
    has_bias=st.booleans(),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.bfloat16]),
)
def test_a_fast_product_is_the_product(shape, has_bias, dtype):
    """By either library: small integers are added without any rounding."""
    num_rows, width, num_columns = shape
    x = torch.arange(num_rows * width).reshape(num_rows, width).to(dtype)
    w = torch.arange(num_columns * width).reshape(num_columns, width).to(dtype) - 3
    bias = torch.arange(num_columns).to(dtype) if has_bias else None
    expected = (x.double() @ w.double().T + (0 if bias is None else bias.double())).to(dtype)
    for trial in (EXACT_AND_FAST, ProductTrial(1.0, 0.03)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "_pointwise", lambda _, trial=trial: trial)
            made = fast_linear(x, w, bias)
        assert made.dtype == dtype
        assert torch.equal(made, expected)


def test_a_product_with_a_gradient_has_one(monkeypatch):
    monkeypatch.setattr(module, "_pointwise", lambda _: EXACT_AND_FAST)
    w = torch.ones(2, 3, requires_grad=True)
    fast_linear(torch.ones(4, 3), w, None).sum().backward()
    assert w.grad is not None
    assert w.grad.tolist() == [[4.0] * 3] * 2


def test_a_torch_without_the_private_call_multiplies_all_the_same(monkeypatch):
    monkeypatch.setattr(module, "_pointwise_call", lambda: None)
    x, w = torch.eye(3), torch.full((2, 3), 2.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(fast_linear(x, w, None), w.T)
