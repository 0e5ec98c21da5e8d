"""Laws of attention: any way gives the same, and torch's choice is its own again afterwards."""

import pytest
import torch

from hf_apt.arithmetic.attention import attention_by

F = torch.nn.functional


def test_both_ways_give_the_same_attention():
    torch.manual_seed(0)
    queries, keys, values = (torch.randn(2, 4, 9, 8) for _ in range(3))
    mask = torch.rand(2, 1, 1, 9) > 0.3
    made = []
    for way in ("default", "math"):
        with attention_by(way):
            made.append(F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask))
    torch.testing.assert_close(*made, rtol=1e-5, atol=1e-6)


def test_torch_chooses_for_itself_again_after_an_error():
    with pytest.raises(KeyError), attention_by("math"):  # noqa: PT012
        assert not torch.backends.cuda.flash_sdp_enabled()
        raise KeyError
    assert torch.backends.cuda.flash_sdp_enabled()
