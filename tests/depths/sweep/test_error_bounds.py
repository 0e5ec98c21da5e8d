"""Bounds of what bfloat16 does to a logit hold in the worst case, and are little more than that."""

import math
from fractions import Fraction

import pytest
import torch
from torch import Tensor

from hf_apt.depths.sweep.error_bounds import (
    MAX_WIDTH,
    float32_error,
    is_bounded,
    rounded_rows,
    rounded_tokens,
)

INF, NAN = math.inf, math.nan


def bounds(features: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """The bound of each logit, float64 (N, V)."""
    (size, lost), terms = rounded_rows(features).terms_2N, rounded_tokens(weight, bias).terms_4V
    each = size[:, None] * terms[1] + lost[:, None] * terms[2] + terms[3]
    return each.double()


def rounded(values: Tensor) -> Tensor:
    """To bfloat16 by its bits, to nearest and ties to even."""
    bits = values.contiguous().view(torch.int32)
    up = 0x7FFF + ((bits >> 16) & 1)
    return ((bits + up) & -65536).view(torch.float32)


def cut(value: Fraction, largest: Fraction) -> Fraction:
    """`value` without what is below 24 bits of `largest`, towards zero."""
    if not largest:
        return value
    exponent = math.frexp(float(largest))[1] - 24
    unit = Fraction(2) ** exponent
    return math.trunc(value / unit) * unit


def tensor_core(row: list[float], token: list[float], bias: float, group: int) -> Fraction:
    """The product of a core that adds `group` products at a time and cuts all terms to 24 bits."""
    total = Fraction(0)
    for start in range(0, len(row), group):
        pairs = zip(row[start : start + group], token[start : start + group], strict=True)
        terms = [total, *(Fraction(x) * Fraction(w) for x, w in pairs)]
        largest = max(map(abs, terms))
        total = sum((cut(term, largest) for term in terms), Fraction(0))
        total = cut(total, abs(total))
    return Fraction(float(torch.tensor(float(total)) + torch.tensor(bias)))


def float32_sum(terms: list[Tensor]) -> Tensor:
    total = torch.zeros(())
    for term in terms:
        total = total + term
    return total


@pytest.mark.parametrize("width", [1, 2, 33, 100])
@pytest.mark.parametrize("scale", [1e-18, 1.0, 1e12])
def test_any_core_and_any_float32_sum_are_within_the_bounds(width, scale):
    generator = torch.Generator().manual_seed(width)
    features = torch.randn(2, width, generator=generator) * scale
    weight = torch.randn(3, width, generator=generator)
    weight[1, 0] *= 1000
    biases = torch.tensor([0.5, -30.0, 20000.0]) * scale
    bound = bounds(features, weight, biases)
    for n, row in enumerate(features):
        for v, (token, bias) in enumerate(zip(weight, biases, strict=True)):
            products = list(row * token)
            exact = sum(
                (
                    Fraction(x) * Fraction(w)
                    for x, w in zip(row.tolist(), token.tolist(), strict=True)
                ),
                Fraction(float(bias)),
            )
            sums = [
                float32_sum([*products, bias]),
                float32_sum([bias, *reversed(products)]),
                row @ token + bias,
            ]
            others = [exact, *(Fraction(float(x)) for x in sums)]
            operands = rounded(row).tolist(), rounded(token).tolist(), float(bias)
            for group in (2, 4, 16):
                screened = tensor_core(*operands, group)
                assert max(abs(float(screened - x)) for x in others) <= float(bound[n, v])


def test_rounding_is_to_the_nearest_bfloat16():
    """What the oracle above rounds to is what torch does."""
    values = torch.randn(10_000, generator=torch.Generator().manual_seed(0))
    assert torch.equal(rounded(values), values.bfloat16().float())
    assert torch.equal(rounded(values), rounded_rows(values[None]).values_NE[0].float())


LOSSY = 1 + 2**-8 - 2**-20
"""It loses almost 2^-8, which is as much as can be, to 1."""


@pytest.mark.parametrize(("x", "w"), [(LOSSY, 1.0), (1.0, LOSSY), (LOSSY, LOSSY)])
@pytest.mark.parametrize("sign", [1, -1])
def test_where_all_roundings_add_up_the_bound_is_reached(x, w, sign):
    features, weight = torch.full((1, 64), x), torch.full((1, 64), sign * w)
    exact = (features.double() @ weight.double().T).item()
    error = abs(exact - (rounded(features).double() @ rounded(weight).double().T).item())
    assert 0.98 < error / bounds(features, weight).item() <= 1


@pytest.mark.parametrize("width", [64, 1024])
def test_a_core_that_cuts_off_all_but_the_first_product_is_within_the_bound(width):
    """Nothing is lost to bfloat16 here: the sum alone is wrong."""
    features = torch.full((1, width), 2.0**-12 * 1.9921875)
    features[0, 0] = 1.0
    weight = features.clone()
    screened = tensor_core(features[0].tolist(), weight[0].tolist(), 0.0, 2)
    error = abs(float(screened) - (features.double() @ weight.double().T).item())
    bound = bounds(features, weight).item()
    assert error > 2.0**-23 * width / 4
    assert error <= bound <= 60 * error


def test_where_squares_vanish_the_bound_does_not():
    features, weight = torch.full((1, 64), LOSSY * 1e-30), torch.full((1, 64), LOSSY * 1e15)
    exact = (features.double() @ weight.double().T).item()
    error = abs(exact - (rounded(features).double() @ rounded(weight).double().T).item())
    assert 0 < error <= bounds(features, weight).item() < INF


def test_rows_without_loss_are_bounded_closely():
    features, weight = torch.ones(1, 128), torch.ones(1, 128)
    assert bounds(features, weight).item() < 128 * 1e-4


def test_a_bias_widens_the_bounds_of_its_own_token_alone():
    features, weight = torch.randn(3, 8), torch.randn(4, 8)
    plain = bounds(features, weight)
    padded = bounds(features, weight, torch.tensor([0.0, 0.0, -3e4, -INF]))
    assert torch.equal(padded[:, [0, 1, 3]], plain[:, [0, 1, 3]])
    assert ((padded - plain)[:, 2] > 3e4 * 2**-22).all()


@pytest.mark.parametrize("width", [2, 100, MAX_WIDTH])
def test_a_float32_sum_that_loses_all_it_can_is_within_its_bound(width):
    terms = torch.full((width,), 2.0**-24, dtype=torch.float64)
    terms[0] = 1.0  # 1 + 2^-24 is 1 in float32
    error = terms.sum().item() - 1.0
    bound = float32_error(terms.sum()[None], width).item()
    assert error <= bound
    assert width < 100 or bound < 1.1 * error


@pytest.mark.parametrize(
    ("features", "weight", "bias", "expected"),
    [
        ([[1.0], [NAN], [INF], [1e37]], [[1.0]], None, [True, False, False, False]),
        ([[1.0], [0.0]], [[1.0], [NAN]], None, [False, False]),
        ([[1.0], [0.0]], [[1.0], [INF]], None, [False, False]),
        ([[1e25], [1.0]], [[1.0], [1e25]], None, [False, True]),
        ([[INF], [1e38]], [[0.0]], None, [False, False]),
        ([[1.0]], [[1.0], [1.0]], [0.0, -INF], [True]),
        ([[1.0]], [[1.0], [1.0]], [0.0, INF], [False]),
        ([[1.0]], [[1.0], [1.0]], [0.0, NAN], [False]),
        ([[1.0]], [[1.0], [1.0]], [0.0, -3e38], [False]),
    ],
)
def test_rows_that_are_no_numbers_or_near_overflow_are_not_bounded(
    features, weight, bias, expected
):
    rows = rounded_rows(torch.tensor(features))
    tokens = rounded_tokens(torch.tensor(weight), None if bias is None else torch.tensor(bias))
    assert is_bounded(rows, tokens).tolist() == expected
