"""Laws of a sweep over the vocabulary, for any backend, against loops in double precision.

Features, weights and biases are small multiples of 1/4: every product and every sum of them is
exact in any precision that a backend may add up in, so ids are equal or wrong, and equal logits
abound.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from hf_apt.depths.sweep import NO_ANSWER, VocabularySweep

INF = math.inf
HALF = (torch.bfloat16, torch.float16)


@dataclass(frozen=True)
class Backend:
    """One way to sweep."""

    argmax: Callable[[Tensor, Tensor, Tensor | None], Tensor]
    sweep: Callable[[Tensor, Tensor, Tensor | None, Tensor], VocabularySweep]
    device: str = "cpu"

    def of(
        self, features: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor
    ) -> VocabularySweep:
        """Its answer, of the same ids with and without targets."""
        here = [None if x is None else x.to(self.device) for x in (features, weight, bias, targets)]
        found = self.sweep(*here)
        assert torch.equal(self.argmax(*here[:3]), found.ids_N)
        assert found.ids_N.dtype == torch.long
        assert found.log_sum_exp_N.dtype == found.target_logits_N.dtype == torch.float32
        return VocabularySweep(
            found.ids_N.cpu(), found.log_sum_exp_N.cpu(), found.target_logits_N.cpu()
        )


def assert_is_the_loop(
    found: VocabularySweep, features: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor
) -> None:
    added = [0.0] * len(weight) if bias is None else bias.tolist()
    rows, columns = features.tolist(), weight.tolist()
    assert len(found.ids_N) == len(rows)
    for place, (row, target) in enumerate(zip(rows, targets.tolist(), strict=True)):
        logits = [
            sum(x * w for x, w in zip(row, column, strict=True)) + extra
            for column, extra in zip(columns, added, strict=True)
        ]
        largest = max(logits)
        assert found.ids_N[place] == logits.index(largest), (place, logits)
        total = sum(math.exp(logit - largest) for logit in logits)
        log_sum_exp = largest + math.log(total)
        assert abs(float(found.log_sum_exp_N[place]) - log_sum_exp) < 2e-6 * (1 + abs(largest))
        assert float(found.target_logits_N[place]) == logits[target]
        if logits[target] == -INF:
            assert float(found.cross_entropy_N[place]) == INF
        else:
            error = float(found.cross_entropy_N[place]) - (log_sum_exp - logits[target])
            assert abs(error) < 4e-6 * (1 + abs(largest))


def quarters(*shape: int, seed: int, largest: int = 8) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-largest, largest + 1, shape, generator=generator) / 4


def ids_below(num_tokens: int, num_rows: int, *, seed: int) -> Tensor:
    return torch.randint(num_tokens, (num_rows,), generator=torch.Generator().manual_seed(seed))


def at_any_size_and_precision_it_is_the_loop(backend: Backend) -> None:
    sizes = [(0, 5, 4), (1, 1, 1), (5, 64, 16), (17, 39, 20)]
    types = (torch.float32, *HALF)
    for seed, (size, dtype) in enumerate(itertools.product(sizes, types)):
        num_rows, num_tokens, width = size
        features = quarters(num_rows, width, seed=seed).to(dtype)
        weight = quarters(num_tokens, width, seed=seed + 100).to(dtype)
        bias = quarters(num_tokens, seed=seed + 200).to(dtype) if seed % 2 else None
        targets = ids_below(num_tokens, num_rows, seed=seed)
        found = backend.of(features, weight, bias, targets)
        assert_is_the_loop(found, features, weight, bias, targets)


def of_equal_logits_the_lowest_id_wins(backend: Backend) -> None:
    num_tokens = 67
    for places in ([3, 4], [31, 32], [2, 17, 33, 66], [50, 63, 64], [0, 66]):
        weight = torch.zeros(num_tokens, 2)
        weight[places] = 1.0
        found = backend.of(torch.ones(3, 2), weight, None, torch.full((3,), places[-1]))
        assert found.ids_N.tolist() == [places[0]] * 3, places
        assert found.target_logits_N.tolist() == [2.0] * 3
    found = backend.of(torch.ones(3, 2), torch.zeros(num_tokens, 2), None, torch.zeros(3).long())
    assert found.ids_N.tolist() == [0] * 3
    torch.testing.assert_close(found.cross_entropy_N, torch.full((3,), math.log(num_tokens)))


def tokens_that_are_ruled_out_leave_no_nan(backend: Backend) -> None:
    num_tokens = 70
    features, weight = quarters(9, 3, seed=1), quarters(num_tokens, 3, seed=2)
    targets = ids_below(num_tokens, 9, seed=3)
    for ruled_out in (slice(0, 50), slice(20, 70), slice(1, 69), slice(3, 4), slice(1, None)):
        bias = torch.zeros(num_tokens)
        bias[ruled_out] = -INF
        found = backend.of(features, weight, bias, targets)
        assert not found.cross_entropy_N.isnan().any()
        assert_is_the_loop(found, features, weight, bias, targets)
    found = backend.of(features, weight, torch.full((num_tokens,), -INF), targets)
    assert found.ids_N.tolist() == [NO_ANSWER] * 9
    assert found.log_sum_exp_N.tolist() == found.target_logits_N.tolist() == [-INF] * 9


def logits_are_compared_in_full_precision(backend: Backend) -> None:
    """256 and 256.5 are one number in 8 bits of mantissa, 2048 and 2048.5 in 11."""
    for dtype, size in ((torch.bfloat16, 256.0), (torch.float16, 2048.0)):
        weight = torch.zeros(100, 2, dtype=dtype)
        weight[:, 0] = size
        weight[77, 1] = 0.5
        found = backend.of(torch.ones(4, 2, dtype=dtype), weight, None, torch.full((4,), 77))
        assert found.ids_N.tolist() == [77] * 4
        assert found.target_logits_N.tolist() == [size + 0.5] * 4


def large_logits_do_not_overflow(backend: Backend) -> None:
    features = torch.tensor([[1.0], [-1.0]])
    weight = torch.linspace(-30000.0, 30000.0, 61)[:, None]
    found = backend.of(features, weight, None, torch.tensor([60, 0]))
    assert found.ids_N.tolist() == [60, 0]
    assert found.log_sum_exp_N.tolist() == [30000.0, 30000.0]
    assert found.cross_entropy_N.tolist() == [0.0, 0.0]


def what_is_no_number_beyond_the_edges_is_not_read(backend: Backend) -> None:
    """The tensors are cut out of larger ones that hold NaN around them."""
    around = torch.full((60, 30), torch.nan)
    features, weight = around[2:9, 3:22], around.clone()[1:58, 4:23]
    features.copy_(quarters(7, 19, seed=1))
    weight.copy_(quarters(57, 19, seed=2))
    bias = torch.full((59,), torch.nan)[1:58].copy_(quarters(57, seed=3))
    targets = torch.arange(20)[::3]
    found = backend.of(features, weight, bias, targets)
    assert_is_the_loop(found, features, weight, bias, targets)


def what_is_not_finite_is_no_answer(backend: Backend) -> None:
    """One logit is enough, wherever it is; a token that is ruled out is none of these."""
    num_tokens = 128
    features = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [INF, 0.0], [0.0, torch.nan]])
    targets = torch.full((5,), 9)
    for place in (0, 9, 64, 127):
        for wrong in (torch.nan, INF):
            weight = torch.zeros(num_tokens, 2)
            weight[7], weight[place, 1] = 0.5, wrong
            ruled_out = torch.zeros(num_tokens).index_fill_(0, torch.tensor([3, 126]), -INF)
            found = backend.of(features[1:], weight, ruled_out, targets[1:])
            assert found.ids_N.tolist() == [NO_ANSWER] * 4, (place, wrong)
            assert not (found.cross_entropy_N < INF).any()
    weight = torch.zeros(num_tokens, 2)
    weight[7], weight[3] = 0.5, 8.0
    found = backend.of(features, weight, ruled_out, targets)
    assert found.ids_N.tolist() == [7, 7, 7, NO_ANSWER, NO_ANSWER]
    assert found.log_sum_exp_N.isfinite().tolist() == [True] * 3 + [False] * 2


LAWS = (
    at_any_size_and_precision_it_is_the_loop,
    of_equal_logits_the_lowest_id_wins,
    tokens_that_are_ruled_out_leave_no_nan,
    logits_are_compared_in_full_precision,
    large_logits_do_not_overflow,
    what_is_no_number_beyond_the_edges_is_not_read,
    what_is_not_finite_is_no_answer,
)


def assert_alike(backends: list[Backend]) -> None:
    """However the work is cut: the same ids to the bit, the same sums but for rounding."""
    generator = torch.Generator().manual_seed(5)
    features = torch.randn(21, 24, generator=generator)
    weight = torch.randn(107, 24, generator=generator)
    bias = torch.randn(107, generator=generator)
    targets = ids_below(107, 21, seed=4)
    first, *others = [backend.of(features, weight, bias, targets) for backend in backends]
    expected = torch.nn.functional.cross_entropy(
        features.double() @ weight.double().T + bias, targets, reduction="none"
    )
    torch.testing.assert_close(first.cross_entropy_N.double(), expected, rtol=1e-6, atol=1e-5)
    assert len(set(first.ids_N.tolist())) > 10
    for other in others:
        assert torch.equal(other.ids_N, first.ids_N)
        torch.testing.assert_close(other.log_sum_exp_N, first.log_sum_exp_N, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(
            other.target_logits_N, first.target_logits_N, rtol=1e-6, atol=1e-5
        )
