"""Laws of the stream over the vocabulary: what NumPy finds of all logits at once."""

import numpy as np
import pytest
import torch

from hf_apt.analysis.anchors import log_bulk as module
from hf_apt.analysis.anchors.log_bulk import log_bulk
from hf_apt.stats.anchors.bulk import AnchorBulk
from hf_apt.stats.anchors.log_partition import log_bulk_partition

RULES = [
    AnchorBulk(),
    AnchorBulk(rule="minus_topk", top_k=1),
    AnchorBulk(rule="minus_topk", top_k=1500),
    AnchorBulk(rule="minus_words", words=(0, 1023, 1024, 2047, 2500, 2999)),
    AnchorBulk(rule="minus_words", words=tuple(range(1100))),
    AnchorBulk(rule="tail_mass", tail_mass=0.3),
]


@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("bulk", RULES, ids=lambda bulk: bulk.said())
def test_chunks_give_what_all_logits_give(bulk, with_bias, monkeypatch) -> None:
    monkeypatch.setattr(module, "_LOGITS_AT_ONCE", 7 * 3000)  # the tail in several parts
    generator = torch.Generator().manual_seed(0)
    features_NE = torch.randn(40, 8, generator=generator)
    weight_VE = torch.randn(3000, 8, generator=generator)
    bias_V = torch.randn(3000, generator=generator) if with_bias else None
    logits_NV = (features_NE.double() @ weight_VE.double().T).numpy()
    if bias_V is not None:
        logits_NV += bias_V.double().numpy()
    streamed_N = log_bulk(features_NE, weight_VE, bias_V, bulk)
    assert streamed_N.dtype == torch.float64
    # A word at the edge of the tail can fall on either side of it by rounding.
    tolerance = 1e-3 if bulk.rule == "tail_mass" else 1e-6
    expected_N = log_bulk_partition(logits_NV, bulk)
    np.testing.assert_allclose(streamed_N.numpy(), expected_N, rtol=tolerance / 10, atol=tolerance)


def test_large_logits_stay_finite() -> None:
    features_NE, weight_VE = torch.ones(1, 1), torch.linspace(-2e4, 2e4, 5000)[:, None]
    for bulk in (
        AnchorBulk(),
        AnchorBulk(rule="minus_topk", top_k=1),
        AnchorBulk(rule="tail_mass"),
    ):
        assert log_bulk(features_NE, weight_VE, None, bulk).isfinite().all()


def test_a_bulk_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="the vocabulary has 3 words"):
        log_bulk(torch.ones(1, 2), torch.ones(3, 2), None, AnchorBulk(rule="minus_topk", top_k=3))
