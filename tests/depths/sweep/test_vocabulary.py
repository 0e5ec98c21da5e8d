"""The sweep over the vocabulary in chunks: the most probable token and cross-entropy, no logits."""

import pytest
import sweep_laws
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sweep_laws import LAWS, Backend

import hf_apt.depths.sweep.chunks as chunks_module
from hf_apt.depths.sweep import (
    CHUNK,
    VocabularySweep,
    once_each,
    streamed_argmax,
    sweep_once_each,
    vocabulary_sweep,
)


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
        patch.setattr(chunks_module, "CHUNK", 4)
        patch.setattr(chunks_module, "_BLOCK", 2)
        patch.setattr(chunks_module, "_ROWS", 3)
        found = streamed_argmax(
            torch.tensor(features).reshape(-1, 2),
            torch.tensor(weights),
            None if bias is None else torch.tensor(bias),
        )
    assert found.dtype == torch.long
    assert found.tolist() == expected


@pytest.mark.parametrize("num_tokens", [1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 3])
def test_streamed_argmax_is_torch_argmax_around_the_true_chunk(num_tokens):
    generator = torch.Generator().manual_seed(num_tokens)
    features = torch.randn(7, 8, generator=generator)
    weights = torch.randn(num_tokens, 8, generator=generator)
    bias = torch.randn(num_tokens, generator=generator)
    logits = features @ weights.T
    assert torch.equal(streamed_argmax(features, weights, None), logits.argmax(dim=1))
    assert torch.equal(streamed_argmax(features, weights, bias), (logits + bias).argmax(dim=1))


def test_a_sweep_of_some_rows_at_a_time_is_that_of_all(monkeypatch):
    features, weights = sweep_laws.quarters(11, 5, seed=1), sweep_laws.quarters(90, 5, seed=2)
    targets = torch.arange(11) * 8
    whole = vocabulary_sweep(features, weights, None, targets)
    monkeypatch.setattr(chunks_module, "_ROWS", 4)
    parts = vocabulary_sweep(features, weights, None, targets)
    assert torch.equal(parts.ids_N, whole.ids_N)
    assert torch.equal(parts.target_logits_N, whole.target_logits_N)
    torch.testing.assert_close(parts.log_sum_exp_N, whole.log_sum_exp_N, rtol=1e-6, atol=0)


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


@pytest.mark.parametrize("features", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("weights", [torch.float32, torch.bfloat16, torch.float64])
def test_rows_swept_once_each_take_the_types_of_the_sweep(features, weights):
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(3, 8, generator=generator)[[0, 1, 0, 2, 1]]
    weight = torch.randn(40, 8, generator=generator).to(weights)
    bias, targets = torch.randn(40, generator=generator).to(weights), torch.arange(5)
    swept = sweep_once_each(lambda hidden: hidden.to(features), weight, bias, rows, targets)
    expected = vocabulary_sweep(rows.to(features), weight, bias, targets)
    assert torch.equal(swept.ids_N, expected.ids_N)
    assert swept.cross_entropy_N.dtype == expected.cross_entropy_N.dtype
    torch.testing.assert_close(swept.cross_entropy_N, expected.cross_entropy_N)


# The sweep, in one read.

CUTS = {"whole": (1024, 64), "blocks": (32, 8), "no blocks": (20, 8), "one by one": (1, 8)}
CHUNKS = Backend(streamed_argmax, vocabulary_sweep)


@pytest.fixture(params=CUTS)
def cut(request, monkeypatch) -> str:
    """Chunks and blocks of another size."""
    chunk, block = CUTS[request.param]
    monkeypatch.setattr(chunks_module, "CHUNK", chunk)
    monkeypatch.setattr(chunks_module, "_BLOCK", block)
    return request.param


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_chunks_keep_the_laws_however_they_are_cut(law, cut):
    law(CHUNKS)


def test_all_cuts_agree():
    def of_cut(chunk: int, block: int) -> Backend:
        def cut(call):
            def answer(*arguments):
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(chunks_module, "CHUNK", chunk)
                    patch.setattr(chunks_module, "_BLOCK", block)
                    return call(*arguments)

            return answer

        return Backend(cut(streamed_argmax), cut(vocabulary_sweep))

    sweep_laws.assert_alike([of_cut(*sizes) for sizes in CUTS.values()])


def test_double_precision_is_kept():
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(5, 8, generator=generator, dtype=torch.float64)
    weight = torch.randn(1500, 8, generator=generator, dtype=torch.float64)
    weight[1400] = weight[3] * (1 + 1e-12)
    targets = torch.tensor([1, 2, 3, 4, 1499])
    found = vocabulary_sweep(features, weight, None, targets)
    expected = torch.nn.functional.cross_entropy(features @ weight.T, targets, reduction="none")
    torch.testing.assert_close(found.cross_entropy_N, expected, rtol=1e-13, atol=1e-13)
    assert torch.equal(found.ids_N, (features @ weight.T).argmax(dim=1))


def test_weights_that_are_trained_can_be_swept():
    decoder = torch.nn.Linear(3, 7)
    features = torch.randn(2, 3, requires_grad=True)
    found = vocabulary_sweep(features, decoder.weight, decoder.bias, torch.tensor([1, 6]))
    assert not found.cross_entropy_N.requires_grad


@settings(deadline=None, derandomize=True, max_examples=50)
@given(shift=st.integers(-40, 40), scale=st.sampled_from([0.25, 1.0, 8.0]), seed=st.integers(0, 99))
def test_a_shift_of_all_logits_changes_no_cross_entropy(shift, scale, seed):
    features = sweep_laws.quarters(6, 4, seed=seed) * scale
    weight = sweep_laws.quarters(90, 4, seed=seed + 1)
    targets = sweep_laws.ids_below(90, 6, seed=seed)
    plain = vocabulary_sweep(features, weight, None, targets)
    shifted = vocabulary_sweep(features, weight, torch.full((90,), float(shift)), targets)
    assert torch.equal(shifted.ids_N, plain.ids_N)
    torch.testing.assert_close(shifted.cross_entropy_N, plain.cross_entropy_N, rtol=1e-5, atol=2e-5)
    assert (plain.cross_entropy_N > -1e-5).all()


def test_a_sweep_of_logits_is_the_sweep_of_their_product():
    features, weight = sweep_laws.quarters(9, 3, seed=1), sweep_laws.quarters(70, 3, seed=2)
    targets = sweep_laws.ids_below(70, 9, seed=3)
    found = VocabularySweep.of_logits(features @ weight.T, targets)
    sweep_laws.assert_is_the_loop(found, features, weight, None, targets)
    rounded = VocabularySweep.of_logits((features @ weight.T).bfloat16(), targets)
    assert rounded.log_sum_exp_N.dtype == torch.float32


@pytest.mark.parametrize("num_rows", [0, 4])
def test_parts_put_together_are_the_whole(num_rows):
    weight, targets = sweep_laws.quarters(30, 2, seed=2), torch.arange(3 * num_rows)
    whole = vocabulary_sweep(sweep_laws.quarters(3 * num_rows, 2, seed=1), weight, None, targets)
    parts = whole.split(3)
    assert [len(part.ids_N) for part in parts] == [num_rows] * 3
    again = VocabularySweep.joined(parts)
    assert torch.equal(again.ids_N, whole.ids_N)
    assert torch.equal(again.cross_entropy_N, whole.cross_entropy_N)


ONES = torch.ones(4, 2)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"weight_VE": torch.ones(5, 3)}, r"features of width 2 need weights .* not \(5, 3\)"),
        ({"weight_VE": torch.ones(0, 2)}, r"need weights of shape \(tokens, 2\), not \(0, 2\)"),
        ({"bias_V": torch.ones(4)}, r"bias must have the shape \(5,\), not \(4,\)"),
        ({"targets_N": torch.ones(3).long()}, r"targets must have the shape \(4,\), not \(3,\)"),
        (
            {"targets_N": torch.tensor([0, 5, 1, 1])},
            "target 5 is no id of a vocabulary of 5 tokens",
        ),
        ({"targets_N": torch.tensor([0, 1, -100, 1])}, "target -100 .*: leave out positions"),
    ],
)
def test_what_does_not_fit_together_is_refused(changed, message):
    given = {
        "features_NE": ONES,
        "weight_VE": torch.ones(5, 2),
        "bias_V": None,
        "targets_N": torch.zeros(4).long(),
    }
    with pytest.raises(ValueError, match=message):
        vocabulary_sweep(**given | changed)


def test_off_the_processor_rows_are_scanned_whole():
    """What a device without a kernel does, on one that computes nothing."""
    features, weight = torch.empty(4, 8, device="meta"), torch.empty(2000, 8, device="meta")
    assert streamed_argmax(features, weight, None).shape == (4,)
    found = chunks_module.chunked_sweep(
        features, weight, None, torch.empty(4, device="meta").long()
    )
    assert found.cross_entropy_N.device.type == "meta"


def test_autocast_does_not_round_the_logits():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(40, 64, generator=generator)
    weight = torch.randn(5000, 64, generator=generator)
    expected = streamed_argmax(features, weight, None)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(streamed_argmax(features, weight, None), expected)
        rounded = torch.nn.functional.linear(features, weight).argmax(1)
    assert not torch.equal(rounded, expected)
