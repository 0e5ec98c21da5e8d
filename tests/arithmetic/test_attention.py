"""Laws of attention: any way gives the same, and torch's choice is its own again afterwards."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from hf_apt.arithmetic import attention as module
from hf_apt.arithmetic.attention import attention_by

F = torch.nn.functional
SEEN = torch.tensor([True, False, True, True, False, True, True, True, False])
NOTHING_SEEN = torch.ones(9, 9, dtype=torch.bool).index_fill(0, torch.tensor(4), value=False)


def drawn(heads_of_keys: int = 4) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Queries, keys and values of 2 sequences of 9 positions, of 8 units a head."""
    generator = torch.Generator().manual_seed(0)
    query, key, value = (
        torch.randn(2, heads, 9, 8, generator=generator, requires_grad=True)
        for heads in (4, heads_of_keys, heads_of_keys)
    )
    return query, key, value


def attended(way: Any, inputs: Sequence[torch.Tensor], **asked: Any) -> list[torch.Tensor]:
    """The result, and the gradient of its sum of cubes by each input."""
    query, key, value = inputs
    with attention_by(way):
        result = F.scaled_dot_product_attention(query, key, value, **asked)
    return [result, *torch.autograd.grad((result**3).sum(), inputs)]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"attn_mask": SEEN[None]},
        {"attn_mask": SEEN.expand(2, 1, 9, 9), "scale": 0.3},
        {"attn_mask": NOTHING_SEEN},
        {"attn_mask": torch.zeros(9, 9).masked_fill(~NOTHING_SEEN, -torch.inf)},
        {"is_causal": True},
        {"enable_gqa": True},
    ],
)
def test_both_ways_give_the_same_attention_and_gradients(asked):
    inputs = drawn(heads_of_keys=2 if "enable_gqa" in asked else 4)
    both = (attended(way, inputs, **asked) for way in ("default", "math"))
    for found, expected in zip(*both, strict=True):
        assert torch.isfinite(found).all()
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_a_row_that_sees_nothing_is_zero():
    result, by_queries, *_ = attended("math", drawn(), attn_mask=NOTHING_SEEN)
    assert not result[:, :, 4].any()
    assert not by_queries[:, :, 4].any()


def test_products_are_made_where_they_apply(monkeypatch):
    made: list[dict[str, Any]] = []

    def counted(*args: Any, **kwargs: Any) -> torch.Tensor:
        made.append(kwargs)
        return products(*args, **kwargs)

    products = module.products
    monkeypatch.setattr(module, "products", counted)
    query, key, value = drawn()
    with attention_by("math"):
        F.scaled_dot_product_attention(query, key, value, SEEN, 0.0, enable_gqa=False)
        F.scaled_dot_product_attention(query, key, value, SEEN, 0.0, is_causal=False, scale=0.5)
        F.scaled_dot_product_attention(query, key, value, None, 0.0, True)
        F.scaled_dot_product_attention(query, key, value, torch.zeros(9, 9))
    F.scaled_dot_product_attention(query, key, value)
    assert made == [{}, {"scale": 0.5}]


def test_dropped_weights_leave_the_mean_where_it_is():
    ones = torch.ones(1, 1, 200, 200)
    torch.manual_seed(0)
    with attention_by("math"):
        result = F.scaled_dot_product_attention(ones, ones, ones, dropout_p=0.25)
    assert result.mean().item() == pytest.approx(1, abs=0.01)
    # Each is a mean of 200 weights that are 0 or 4/3: of a standard deviation of sqrt(1/3 / 200).
    assert result[..., 0].std().item() == pytest.approx((1 / 3 / 200) ** 0.5, rel=0.15)


def test_products_are_in_bfloat16_under_autocast():
    query, key, value = drawn()
    with torch.autocast("cpu", torch.bfloat16), attention_by("math"):
        rounded = F.scaled_dot_product_attention(query, key, value)
    assert rounded.dtype == torch.bfloat16
    exact = F.scaled_dot_product_attention(query, key, value)
    torch.testing.assert_close(rounded.float(), exact, rtol=0.02, atol=0.02)


def test_torch_chooses_for_itself_again_after_an_error():
    with pytest.raises(KeyError), attention_by("math"):  # noqa: PT012
        assert not torch.backends.cuda.flash_sdp_enabled()
        raise KeyError
    assert torch.backends.cuda.flash_sdp_enabled()
