"""Laws of an arithmetic: it is what it was once it is read again, and it leaves no trace."""

import itertools
import json

import pytest
import torch

from hf_apt.arithmetic.arithmetic import Arithmetic
from hf_apt.arithmetic.matmul import is_exact

ALL = [
    Arithmetic(precision=precision, matmul=matmul, attention=attention)
    for precision, matmul, attention in itertools.product(
        ("fp32", "bf16"), ("default", "onednn"), ("default", "math")
    )
]


@pytest.mark.parametrize("arithmetic", ALL)
def test_what_is_recorded_is_read_again(arithmetic):
    assert Arithmetic.from_json(json.loads(json.dumps(arithmetic.as_json()))) == arithmetic


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "got None"),
        ({"precision": "fp32"}, "precision, matmul, attention"),
        (Arithmetic().as_json() | {"matmul": "mkl"}, "matmul must be default or onednn, got 'mkl'"),
    ],
)
def test_anything_else_is_refused(content, told):
    with pytest.raises(ValueError, match=told):
        Arithmetic.from_json(content)


@pytest.mark.parametrize("arithmetic", [each for each in ALL if is_exact(each.matmul)])
def test_products_are_those_of_the_precision(arithmetic):
    generator = torch.Generator().manual_seed(1)
    x, w = (torch.randn(64, 128, generator=generator) for _ in range(2))
    with arithmetic.applied(), arithmetic.autocast("cpu"):
        made = torch.nn.functional.linear(x, w)
    error = (made.double() - x.double() @ w.double().T).abs().max()
    assert made.dtype == (torch.bfloat16 if arithmetic.is_bfloat16 else torch.float32)
    assert (error > 1e-2) if arithmetic.is_bfloat16 else (error < 1e-4)
