"""Laws of the corruption: what it is a function of, whom it spares, in which proportions."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hf_apt.data import masking as masking_module
from hf_apt.data.masking import MaskedBatch, Masking, TokenRates, mask
from hf_apt.stats.counts import NOT_ASKED

SPECIAL = (0, 1, 2, 3, 4)
MASK = 4
LAW = Masking(vocab_size=50, mask_id=MASK, special_ids=SPECIAL, seed=11)
NUM_BIG = 8000


def sequences(num: int, length: int = 32, *, vocab_size: int = 50, seed: int = 0) -> np.ndarray:
    """Random ids, special ones among them."""
    generator = np.random.default_rng(seed)
    return generator.integers(0, vocab_size, (num, length)).astype(np.uint16)


def same(one: MaskedBatch, other: MaskedBatch) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("input_ids_BT", "labels_BT", "treatments_BT")
    )


@pytest.fixture(scope="module")
def big() -> tuple[np.ndarray, MaskedBatch]:
    """8,000 sequences of 32 ordinary tokens, corrupted."""
    tokens_BT = np.random.default_rng(1).integers(5, 50, (NUM_BIG, 32)).astype(np.uint16)
    return tokens_BT, mask(tokens_BT, np.arange(NUM_BIG), LAW)


@settings(max_examples=60, deadline=None)
@given(order=st.permutations(range(12)), size=st.integers(1, 12), epoch=st.integers(0, 2**40))
def test_an_example_is_corrupted_alike_in_any_batch_order_and_company(order, size, epoch) -> None:
    tokens_BT = sequences(12)
    indices_B = np.arange(12) * 1_000_003
    whole = mask(tokens_BT, indices_B, LAW, epoch=epoch)
    seen = 0
    for start in range(0, 12, size):
        chosen = np.array(order[start : start + size])
        part = mask(tokens_BT[chosen], indices_B[chosen], LAW, epoch=np.full(len(chosen), epoch))
        for place, row in enumerate(chosen):
            for name in ("input_ids_BT", "labels_BT", "treatments_BT"):
                assert np.array_equal(getattr(part, name)[place], getattr(whole, name)[row])
            seen += 1
    assert seen == 12


def test_epochs_can_differ_within_a_batch() -> None:
    tokens_BT = sequences(6)
    indices_B, epochs_B = np.arange(6), np.array([0, 0, 1, 1, 7, 9])
    together = mask(tokens_BT, indices_B, LAW, epoch=epochs_B)
    for row in range(6):
        alone = mask(
            tokens_BT[row : row + 1], indices_B[row : row + 1], LAW, epoch=int(epochs_B[row])
        )
        assert np.array_equal(alone.input_ids_BT[0], together.input_ids_BT[row])


@pytest.mark.parametrize("epochs", ["one", "each"])
def test_a_large_batch_is_corrupted_as_its_rows_are_one_by_one(epochs, monkeypatch) -> None:
    monkeypatch.setattr(masking_module, "_BLOCK", 70)  # two rows of 32
    tokens_BT, indices_B = sequences(7), np.arange(7) * 31
    epoch = np.array([0, 0, 0, 0, 5, 0, 2]) if epochs == "each" else 5
    together = mask(tokens_BT, indices_B, LAW, epoch=epoch)
    for row in range(7):
        alone = mask(
            tokens_BT[row : row + 1],
            indices_B[row : row + 1],
            LAW,
            epoch=int(np.broadcast_to(epoch, 7)[row]),
        )
        for name in ("input_ids_BT", "labels_BT", "treatments_BT"):
            assert np.array_equal(getattr(alone, name)[0], getattr(together, name)[row])


def test_drawing_takes_no_more_memory_than_a_block_beside_the_result() -> None:
    """The numbers drawn took as much as the ids and the labels together."""
    tokens_BT = np.full((20_000, 64), 7, np.uint16)
    tracemalloc.start()
    batch = mask(tokens_BT, np.arange(20_000), LAW)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held >= batch.input_ids_BT.nbytes + batch.labels_BT.nbytes
    assert peak - held < 2**21


def test_the_beginning_of_a_sequence_does_not_depend_on_its_length() -> None:
    tokens_BT = sequences(20)
    long, short = mask(tokens_BT, np.arange(20), LAW), mask(tokens_BT[:, :9], np.arange(20), LAW)
    assert np.array_equal(long.input_ids_BT[:, :9], short.input_ids_BT)


def test_selection_and_treatment_do_not_depend_on_the_tokens() -> None:
    tokens_BT = np.full((50, 32), 7, np.uint16)
    other_BT = tokens_BT + np.arange(32, dtype=np.uint16)
    one, other = mask(tokens_BT, np.arange(50), LAW), mask(other_BT, np.arange(50), LAW)
    assert np.array_equal(one.treatments_BT, other.treatments_BT)


@pytest.mark.parametrize("changed", ["seed", "epoch", "index"])
@pytest.mark.parametrize("step", [1, 2, 64, 2**31, 2**32])
def test_another_seed_epoch_or_index_gives_an_independent_corruption(changed, step) -> None:
    tokens_BT = np.full((1000, 32), 9, np.uint16)
    indices_B = np.arange(1000)
    one = mask(tokens_BT, indices_B, LAW).modified_BT
    other = mask(
        tokens_BT,
        indices_B + step * (changed == "index"),
        replace(LAW, seed=LAW.seed + step * (changed == "seed")),
        epoch=step * (changed == "epoch"),
    ).modified_BT
    # Of 32,000 positions both select 0.15^2 if independent; 5 standard deviations.
    expected, deviation = 32_000 * 0.15**2, np.sqrt(32_000 * 0.15**2 * (1 - 0.15**2))
    assert abs((one & other).sum() - expected) < 5 * deviation


def test_seed_epoch_and_index_are_not_interchangeable() -> None:
    tokens_BT = np.full((1, 4000), 9, np.uint16)
    patterns = [
        mask(
            tokens_BT, np.array([index]), replace(LAW, seed=seed), epoch=epoch
        ).modified_BT.tobytes()
        for seed in range(4)
        for epoch in range(4)
        for index in range(4)
    ]
    assert len(set(patterns)) == 64


def test_special_tokens_are_never_modified() -> None:
    tokens_BT = sequences(3000)
    batch = mask(tokens_BT, np.arange(3000), replace(LAW, rate=0.9))
    special_BT = np.isin(tokens_BT, SPECIAL)
    assert special_BT.sum() > 5000
    assert not batch.modified_BT[special_BT].any()
    assert batch.modified_BT[~special_BT].mean() == pytest.approx(0.9, abs=0.01)


def test_what_is_not_modified_is_shown_as_it_is_and_not_asked() -> None:
    tokens_BT = sequences(500)
    before_BT = tokens_BT.copy()
    batch = mask(tokens_BT, np.arange(500), LAW)
    modified_BT = batch.modified_BT
    assert np.array_equal(tokens_BT, before_BT), "the input was changed"
    assert np.array_equal(batch.input_ids_BT[~modified_BT], tokens_BT[~modified_BT])
    assert (batch.labels_BT[~modified_BT] == NOT_ASKED).all()
    assert np.array_equal(batch.labels_BT[modified_BT], tokens_BT[modified_BT])
    assert (batch.treatments_BT[~modified_BT] == 255).all()
    assert set(np.unique(batch.treatments_BT[modified_BT])) == {0, 1, 2}
    kinds = (batch.input_ids_BT.dtype, batch.labels_BT.dtype, batch.treatments_BT.dtype)
    assert kinds == (np.int64, np.int64, np.uint8)


def test_each_treatment_shows_what_it_says(big) -> None:
    tokens_BT, batch = big
    masked_BT, unchanged_BT = batch.treatments_BT == 0, batch.treatments_BT == 2
    assert (batch.input_ids_BT[masked_BT] == MASK).all()
    assert np.array_equal(batch.input_ids_BT[unchanged_BT], tokens_BT[unchanged_BT])


def test_proportions_lie_within_binomial_bounds(big) -> None:
    tokens_BT, batch = big
    num_modified = int(batch.modified_BT.sum())
    shares = [(num_modified, tokens_BT.size, 0.15)]
    for treatment, share in enumerate((0.8, 0.1, 0.1)):
        shares.append((int((batch.treatments_BT == treatment).sum()), num_modified, share))
    assert tokens_BT.size == 256_000
    for count, total, share in shares:
        assert stats.binomtest(count, total, share).pvalue > 1e-4, (count, total, share)


def test_replacements_are_uniform_over_the_whole_vocabulary(big) -> None:
    _, batch = big
    shown_N = batch.input_ids_BT[batch.treatments_BT == 1]
    assert len(shown_N) > 3500
    counts_V = np.bincount(shown_N, minlength=50)
    assert len(counts_V) == 50, "an id outside the vocabulary"
    assert counts_V.min() > 0, "some ids, special ones perhaps, are never drawn"
    assert stats.chisquare(counts_V).pvalue > 1e-4


def test_every_position_is_selected_equally_often(big) -> None:
    _, batch = big
    per_position_T = batch.modified_BT.sum(axis=0)
    expected = NUM_BIG * 0.15
    chi2 = ((per_position_T - expected) ** 2 / (expected * 0.85)).sum()
    assert stats.chi2.sf(chi2, 32) > 1e-4
    spread = batch.modified_BT.sum(axis=1).var() / (32 * 0.15 * 0.85)
    assert spread == pytest.approx(1, abs=0.08), "the number in a sequence is not binomial"


@pytest.mark.parametrize("neighbour", ["position", "example", "epoch", "seed"])
def test_neighbouring_selections_are_uncorrelated(big, neighbour) -> None:
    tokens_BT, batch = big
    one_BT = batch.modified_BT
    other_BT = {
        "position": lambda: one_BT[:, 1:],
        "example": lambda: one_BT[1:],
        "epoch": lambda: mask(tokens_BT, np.arange(NUM_BIG), LAW, epoch=1).modified_BT,
        "seed": lambda: mask(tokens_BT, np.arange(NUM_BIG), replace(LAW, seed=12)).modified_BT,
    }[neighbour]()
    one_BT = one_BT[: other_BT.shape[0], : other_BT.shape[1]]
    correlation = np.corrcoef(one_BT.ravel(), other_BT.ravel())[0, 1]
    assert abs(correlation) < 5 / np.sqrt(one_BT.size)  # five standard deviations


def test_treatment_and_replacement_are_independent_of_each_other(big) -> None:
    """Both come from one draw that was selected for being small."""
    tokens_BT, batch = big
    treatments_BT = batch.treatments_BT
    pairs = np.zeros((3, 3))
    left_BT, right_BT = treatments_BT[:, :-1], treatments_BT[:, 1:]
    both_BT = (left_BT < 3) & (right_BT < 3)
    np.add.at(pairs, (left_BT[both_BT], right_BT[both_BT]), 1)
    assert pairs.sum() > 5000
    assert stats.chi2_contingency(pairs).pvalue > 1e-4
    replaced_BT = treatments_BT == 1
    true_N, shown_N = tokens_BT[replaced_BT], batch.input_ids_BT[replaced_BT]
    assert abs(stats.pearsonr(true_N, shown_N).statistic) < 5 / np.sqrt(len(true_N))


@pytest.mark.parametrize(("kind", "vocab_size"), [(np.uint16, 65_536), (np.uint32, 65_537)])
def test_the_highest_ids_pass_unharmed(kind, vocab_size) -> None:
    law = Masking(vocab_size=vocab_size, mask_id=4, special_ids=SPECIAL, rate=0.5)
    tokens_BT = np.full((200, 32), vocab_size - 1, kind)
    batch = mask(tokens_BT, np.arange(200), law)
    assert (batch.labels_BT[batch.modified_BT] == vocab_size - 1).all()
    shown_N = batch.input_ids_BT[batch.treatments_BT == 1]
    assert len(shown_N) > 200
    assert shown_N.max() < vocab_size
    assert shown_N.max() > 0.95 * vocab_size


def test_a_copy_head_is_right_in_a_tenth_of_the_cases() -> None:
    """The bound on what a token-wise head can reach at the embeddings: the unchanged share, plus
    the rare replacement by the token itself."""
    vocab_size, num = 200, 20_000
    law = Masking(vocab_size=vocab_size, mask_id=4, special_ids=SPECIAL)
    tokens_BT = np.random.default_rng(2).integers(5, 15, (num, 32)).astype(np.uint16)
    batch = mask(tokens_BT, np.arange(num), law)
    expected = 0.1 + 0.1 / vocab_size
    for token in range(5, 15):
        asked_BT = batch.labels_BT == token
        right = int((batch.input_ids_BT[asked_BT] == token).sum())
        assert asked_BT.sum() > 8000
        assert stats.binomtest(right, int(asked_BT.sum()), expected).pvalue > 1e-4


def test_the_corruption_of_one_small_case_is_as_it_ever_was() -> None:
    """Literal: another generator would make old and new measurements incomparable."""
    law = Masking(vocab_size=30, mask_id=4, special_ids=SPECIAL, seed=2509, rate=0.4)
    tokens_BT = np.tile(np.arange(5, 17, dtype=np.uint16), (2, 1))
    batch = mask(tokens_BT, np.array([0, 123_456_789]), law, epoch=3)
    assert batch.input_ids_BT.tolist() == GOLDEN_INPUT
    assert batch.treatments_BT.tolist() == GOLDEN_TREATMENTS


GOLDEN_INPUT = [
    [5, 4, 7, 4, 9, 10, 4, 12, 13, 23, 15, 4],
    [5, 6, 4, 8, 9, 10, 11, 12, 13, 14, 15, 16],
]
GOLDEN_TREATMENTS = [
    [255, 0, 255, 0, 255, 255, 0, 255, 255, 1, 255, 0],
    [255, 255, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255],
]


def test_the_order_of_ids_in_memory_does_not_matter() -> None:
    tokens = sequences(50)
    by_column = mask(np.asfortranarray(tokens), np.arange(50), LAW)
    assert same(by_column, mask(tokens, np.arange(50), LAW))


@pytest.mark.parametrize("shape", [(0, 8), (3, 0), (1, 1)])
def test_degenerate_batches_keep_their_shape(shape) -> None:
    batch = mask(np.full(shape, 7, np.uint16), np.arange(shape[0]), LAW)
    assert batch.input_ids_BT.shape == batch.labels_BT.shape == shape


def test_negative_and_huge_seeds_are_seeds() -> None:
    tokens_BT = np.full((20, 32), 9, np.uint16)
    patterns = {
        mask(tokens_BT, np.arange(20), replace(LAW, seed=seed)).treatments_BT.tobytes()
        for seed in (-1, 0, 2**63, 2**64 - 2)
    }
    assert len(patterns) == 4


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"rate": 0.0}, "0.0"),
        ({"rate": 1.01}, "1.01"),
        ({"rate": -0.15}, "-0.15"),
        ({"rate": float("nan")}, "nan"),
        ({"masked_share": -0.1}, "-0.1"),
        ({"replaced_share": -0.1}, "-0.1"),
        ({"masked_share": 0.95}, "0.95"),
        ({"mask_id": 50}, "50"),
        ({"mask_id": -1}, "-1"),
        ({"special_ids": (0, 50)}, "50"),
        ({"special_ids": (-1,)}, "-1"),
    ],
    ids=str,
)
def test_wrong_parameters_are_refused_by_value(wrong, named) -> None:
    with pytest.raises(ValueError, match=named):
        replace(LAW, **wrong)


@settings(max_examples=40, deadline=None)
@given(rate=st.floats(1e-6, 1), seed=st.integers(0, 2**32), epoch=st.integers(0, 2**40))
def test_equal_rates_of_all_tokens_are_the_rate_to_the_bit(rate, seed, epoch) -> None:
    tokens_BT = sequences(9)
    law = replace(LAW, rate=rate, seed=seed)
    rates = TokenRates(np.full(50, rate))
    by_token = mask(tokens_BT, np.arange(9), law, epoch=epoch, rates=rates)
    assert same(by_token, mask(tokens_BT, np.arange(9), law, epoch=epoch))


def test_a_token_is_modified_as_under_a_law_of_its_own_rate() -> None:
    """Rates are told apart by tokens and by nothing else: rate 0, rate 1 and all between."""
    tokens_BT = sequences(600)
    rates_V = np.linspace(0, 1, 50)
    batch = mask(tokens_BT, np.arange(600), LAW, rates=TokenRates(rates_V))
    for token in range(50):
        here_BT = tokens_BT == token
        if token in SPECIAL:
            assert not batch.modified_BT[here_BT].any()
            continue
        alone = mask(tokens_BT, np.arange(600), replace(LAW, rate=rates_V[token]))
        for name in ("input_ids_BT", "labels_BT", "treatments_BT"):
            assert np.array_equal(getattr(batch, name)[here_BT], getattr(alone, name)[here_BT])
        share = batch.modified_BT[here_BT].mean()
        deviation = np.sqrt(rates_V[token] * (1 - rates_V[token]) / here_BT.sum())
        assert abs(share - rates_V[token]) <= 5 * deviation


def test_a_token_of_rate_0_is_never_modified_and_a_higher_rate_modifies_more() -> None:
    tokens_BT = sequences(200)
    low = mask(tokens_BT, np.arange(200), LAW, rates=TokenRates(np.linspace(0.5, 0, 50)))
    high = mask(tokens_BT, np.arange(200), LAW, rates=TokenRates(np.linspace(0.9, 0, 50)))
    assert not low.modified_BT[tokens_BT == 49].any()
    assert high.modified_BT[low.modified_BT].all()
    assert high.modified_BT.sum() > low.modified_BT.sum()


def test_rates_apply_across_blocks_of_rows_and_epochs(monkeypatch) -> None:
    tokens_BT, rates = sequences(7), TokenRates(np.linspace(0, 1, 50))
    epochs = np.array([0, 0, 1, 1, 2, 2, 5])
    whole = mask(tokens_BT, np.arange(7), LAW, epoch=epochs, rates=rates)
    monkeypatch.setattr(masking_module, "_BLOCK", 70)
    assert same(mask(tokens_BT, np.arange(7), LAW, epoch=epochs, rates=rates), whole)


def test_rates_of_another_vocabulary_or_range_are_refused() -> None:
    with pytest.raises(ValueError, match="rates of 49 tokens, and the vocabulary has 50"):
        mask(sequences(1), np.arange(1), LAW, rates=TokenRates(np.full(49, 0.1)))
    for wrong in (np.array([0.1, 1.1]), np.array([-0.1]), np.array([np.nan]), np.zeros((2, 2))):
        with pytest.raises(ValueError, match="one row of numbers from 0 to 1"):
            TokenRates(wrong)
