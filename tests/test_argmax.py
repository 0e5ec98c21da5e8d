"""The most probable token, without its logits: the lowest id of the largest, in any chunks."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import hf_apt.argmax as argmax_module
from hf_apt.argmax import once_each, streamed_argmax


def first_largest(row: list[float]) -> int:
    best = 0
    for place, value in enumerate(row):
        if value > row[best]:
            best = place
    return best


small_integers = st.integers(-2, 2).map(float)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(data=st.data(), num_tokens=st.integers(1, 13), num_rows=st.integers(0, 4))
def test_streamed_argmax_is_the_lowest_of_the_largest(data, num_tokens, num_rows):
    rows_of = st.lists(st.tuples(small_integers, small_integers), max_size=13)
    features = data.draw(rows_of.filter(lambda rows: len(rows) >= num_rows))[:num_rows]
    weights = data.draw(
        st.lists(
            st.tuples(small_integers, small_integers), min_size=num_tokens, max_size=num_tokens
        )
    )
    bias = data.draw(st.none() | st.lists(small_integers, min_size=num_tokens, max_size=num_tokens))
    expected = [
        first_largest(
            [x * u + y * v + (bias[token] if bias else 0) for token, (u, v) in enumerate(weights)]
        )
        for x, y in features
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argmax_module, "CHUNK", 4)
        patch.setattr(argmax_module, "_BLOCK", 2)
        found = streamed_argmax(
            torch.tensor(features).reshape(-1, 2),
            torch.tensor(weights),
            None if bias is None else torch.tensor(bias),
        )
    assert found.dtype == torch.long
    assert found.tolist() == expected


CHUNK = argmax_module.CHUNK


@pytest.mark.parametrize("num_tokens", [1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 3])
def test_streamed_argmax_is_torch_argmax_around_the_true_chunk(num_tokens):
    generator = torch.Generator().manual_seed(num_tokens)
    features = torch.randn(7, 8, generator=generator)
    weights = torch.randn(num_tokens, 8, generator=generator)
    bias = torch.randn(num_tokens, generator=generator)
    logits = features @ weights.T
    assert torch.equal(streamed_argmax(features, weights, None), logits.argmax(dim=1))
    assert torch.equal(streamed_argmax(features, weights, bias), (logits + bias).argmax(dim=1))


def test_streamed_argmax_of_a_tie_across_chunks_is_the_lowest_id():
    weights = torch.zeros(2 * CHUNK + 3, 2)
    weights[[CHUNK - 1, CHUNK, 2 * CHUNK]] = 1.0
    assert streamed_argmax(torch.ones(3, 2), weights, None).tolist() == [CHUNK - 1] * 3


@pytest.mark.parametrize("num_tokens", [CHUNK, CHUNK + 64, 2 * CHUNK + 5])
def test_of_equal_logits_in_a_block_the_lowest_id_wins(num_tokens):
    weights = torch.zeros(num_tokens, 1)
    weights[[70, 71, 200, num_tokens - 1]] = 1.0
    assert streamed_argmax(torch.ones(2, 1), weights, None).tolist() == [70, 70]


def test_equal_rows_are_asked_once_and_all_are_answered():
    rows = torch.tensor([[3.0, 1.0], [0.0, 0.0], [3.0, 1.0], [3.0, 2.0], [0.0, 0.0]])
    asked = []

    def decode(hidden):
        asked.append(len(hidden))
        return (10 * hidden[:, 0] + hidden[:, 1]).long()

    assert once_each(decode, rows).tolist() == [31, 0, 31, 32, 0]
    assert asked == [3]
    assert once_each(decode, rows[:0]).tolist() == []
