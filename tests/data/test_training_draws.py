"""Laws of the order of training: a pure function of (seed, draw), whoever asks for it and how."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from hf_apt.data.masking import Masking, TokenRates, mask, sampling_keys
from hf_apt.data.measurement_batches import model_inputs
from hf_apt.data.training_draws import FixedDraws, NumberedDraws, TrainingDraws, as_batch

SEED = 11
NUM_EPOCHS = 3


def draws_of(tokens, seed: int = SEED, num_epochs: int = NUM_EPOCHS) -> TrainingDraws:
    masking = tokens.masking(seed=seed)
    return TrainingDraws(tokens, masking, num_draws=num_epochs * len(tokens))


def originals(batch: dict[str, torch.Tensor]) -> list[tuple[int, ...]]:
    """The sequences before they were corrupted."""
    labels = batch["labels"]
    return [tuple(row) for row in torch.where(labels == -100, batch["input_ids"], labels).tolist()]


def assert_same(batch: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert batch.keys() == expected.keys()
    for name, values in expected.items():
        assert batch[name].dtype == values.dtype
        assert torch.equal(batch[name], values), name


@pytest.fixture(scope="module")
def whole(tokens) -> dict[str, torch.Tensor]:
    """Three epochs, drawn one by one, each by a dataset of its own."""
    singles = [draws_of(tokens)[draw] for draw in range(NUM_EPOCHS * len(tokens))]
    return {name: torch.stack([single[name] for single in singles]) for name in singles[0]}


@settings(deadline=None, derandomize=True, max_examples=30)
@given(cuts=st.lists(st.integers(0, NUM_EPOCHS * 101), max_size=12))
def test_the_split_into_batches_does_not_matter(tokens, whole, cuts):
    dataset = draws_of(tokens)
    bounds = sorted({0, len(dataset), *cuts})
    parts = [
        dataset.__getitems__(list(range(start, end)))
        for start, end in zip(bounds[:-1], bounds[1:], strict=True)
    ]
    assert_same({name: torch.cat([part[name] for part in parts]) for name in parts[0]}, whole)


@settings(deadline=None, derandomize=True, max_examples=30)
@given(draws=st.lists(st.integers(0, NUM_EPOCHS * 101 - 1), min_size=1, max_size=20))
def test_draws_may_be_asked_for_in_any_order_and_twice(tokens, whole, draws):
    batch = draws_of(tokens).__getitems__(draws)
    assert_same(batch, {name: values[draws] for name, values in whole.items()})


@pytest.mark.parametrize("num_workers", [0, 2])
def test_loader_processes_do_not_matter(tokens, whole, num_workers):
    loader = DataLoader(
        draws_of(tokens), batch_size=40, collate_fn=as_batch, num_workers=num_workers
    )
    parts = list(loader)
    assert_same({name: torch.cat([part[name] for part in parts]) for name in parts[0]}, whole)


def test_a_shorter_run_sees_the_beginning_of_a_longer_one(tokens, whole):
    shorter = draws_of(tokens, num_epochs=1)
    assert len(shorter) == len(tokens)
    batch = shorter.__getitems__(list(range(len(tokens))))
    assert_same(batch, {name: values[: len(tokens)] for name, values in whole.items()})


def test_every_epoch_visits_every_sequence_once_in_another_order(tokens, whole):
    sequences, num = originals(whole), len(tokens)
    held = sorted(tuple(row) for row in tokens.padded(np.arange(num)).tolist())
    epochs = [sequences[epoch * num : (epoch + 1) * num] for epoch in range(NUM_EPOCHS)]
    assert all(sorted(epoch) == held for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]


def test_masks_are_new_in_every_epoch(tokens, whole):
    num = len(tokens)
    asked = (whole["labels"] != -100).tolist()
    by_sequence: dict[tuple[int, ...], list[list[bool]]] = {}
    for sequence, positions in zip(originals(whole), asked, strict=True):
        by_sequence.setdefault(sequence, []).append(positions)
    long = [masks for sequence, masks in by_sequence.items() if sum(map(bool, sequence)) > 20]
    assert len(long) > num // 4
    same = sum(masks[0] == masks[1] for masks in long)
    assert same <= len(long) // 20


def test_another_seed_is_another_order_and_other_masks(tokens, whole):
    other = draws_of(tokens, seed=SEED + 1)
    batch = other.__getitems__(list(range(len(other))))
    assert originals(batch) != originals(whole)
    assert not torch.equal(batch["labels"] != -100, whole["labels"] != -100)


def test_each_draw_is_masked_as_masking_says(tokens, whole):
    num = len(tokens)
    place_of = {
        tuple(row): index for index, row in enumerate(tokens.padded(np.arange(num)).tolist())
    }
    assert len(place_of) == num  # all different: the text tells which sequence a draw is
    for draw, sequence in enumerate(originals(whole)):
        index = np.array([place_of[sequence]])
        expected = mask(tokens.padded(index), index, tokens.masking(seed=SEED), epoch=draw // num)
        assert whole["input_ids"][draw].tolist() == expected.input_ids_BT[0].tolist()
        assert whole["labels"][draw].tolist() == expected.labels_BT[0].tolist()


def test_held_out_draws_are_the_same_for_ever(tokens):
    masking = tokens.masking(seed=SEED)
    dataset = FixedDraws(tokens, masking, num_sequences=1000)
    assert len(dataset) == len(tokens)
    assert len(FixedDraws(tokens, masking, num_sequences=7)) == 7
    indices = np.arange(len(tokens))
    expected = mask(tokens.padded(indices), indices, masking, epoch=0)
    loader = DataLoader(dataset, batch_size=13, collate_fn=as_batch)
    for _ in range(2):
        shown = torch.cat([batch["input_ids"] for batch in loader])
        assert shown.tolist() == expected.input_ids_BT.tolist()
    assert dataset[5]["labels"].tolist() == expected.labels_BT[5].tolist()


def test_attention_is_told_what_is_padding_and_only_where_there_can_be_some(tokens, packed_tokens):
    for held, layout in ((tokens, "first"), (packed_tokens, "packed")):
        assert held.description.layout == layout
        indices = np.arange(len(held))
        padded = held.padded(indices)
        batch = mask(padded, indices, held.masking(seed=1))
        inputs = model_inputs(held, padded, batch)
        assert ("attention_mask" in inputs) == (layout == "first")
        assert ("attention_mask" in draws_of(held)[0]) == (layout == "first")
        if layout == "packed":
            assert (padded != 0).all()
            continue
        lengths = np.diff(held.starts)
        for row, length in zip(inputs["attention_mask"].tolist(), lengths.tolist(), strict=True):
            assert row == [1] * length + [0] * (24 - length)


def test_windows_are_the_same_positions_as_shorter_rows(packed_tokens):
    masking = packed_tokens.masking(seed=SEED)
    length = packed_tokens.description.sequence_length
    cut = TrainingDraws(packed_tokens, masking, num_draws=30, windows=((4, 10), (8, 20)))
    whole = draws_of(packed_tokens)
    for draws, width in (([0, 1, 2], 4), ([9, 10], 4), ([10, 11], 8), ([19], 8)):
        batch, expected = cut.__getitems__(draws), whole.__getitems__(draws)
        assert batch["input_ids"].shape == (len(draws) * length // width, width)
        for name in expected:
            assert torch.equal(batch[name].reshape(-1, length), expected[name])
        positions = batch["position_ids"].reshape(-1, length)
        assert torch.equal(positions, torch.arange(length).expand(len(draws), -1))
    assert_same(cut.__getitems__([20, 21]), whole.__getitems__([20, 21]))
    assert_same(cut[0], whole[0])


def test_keys_of_samples_are_a_function_of_the_draw_and_the_position(tokens, whole):
    keyed = TrainingDraws(
        tokens, tokens.masking(seed=SEED), num_draws=NUM_EPOCHS * len(tokens), with_keys=True
    )
    batch = keyed.__getitems__(list(range(len(keyed))))
    keys = batch.pop("sampling_keys")
    assert_same(batch, whole)
    assert keys.dtype == torch.int64
    assert len(keys.unique()) == keys.numel(), "no two positions of three epochs have one key"
    for draws in ([5], [17, 3, 250], [250, 17]):
        assert torch.equal(keyed.__getitems__(draws)["sampling_keys"], keys[draws])
    other = TrainingDraws(tokens, tokens.masking(seed=SEED + 1), num_draws=4, with_keys=True)
    assert not np.isin(other.__getitems__([0, 1, 2, 3])["sampling_keys"], keys).any()


def test_keys_of_samples_are_not_those_of_the_corruption():
    """Whether a position is masked says nothing about what is drawn there."""
    keys = sampling_keys(SEED, np.arange(400), 50, epoch=2)
    tokens_BT = np.full((400, 50), 9)
    law = Masking(vocab_size=20, mask_id=4, special_ids=(), seed=SEED, rate=0.5)
    modified = mask(tokens_BT, np.arange(400), law, epoch=2).modified_BT
    first_bits = keys < 0
    assert abs(np.corrcoef(modified.ravel(), first_bits.ravel())[0, 1]) < 0.03


def test_keys_are_cut_into_windows_with_their_positions(packed_tokens):
    masking = packed_tokens.masking(seed=SEED)
    length = packed_tokens.description.sequence_length
    draws = {
        windows: TrainingDraws(
            packed_tokens, masking, num_draws=8, windows=windows, with_keys=True
        ).__getitems__([0, 1, 2])["sampling_keys"]
        for windows in ((), ((length // 2, 8),))
    }
    whole, cut = draws.values()
    assert torch.equal(cut, whole.reshape(-1, length // 2))


def test_windows_that_do_not_divide_the_sequences_are_refused(packed_tokens):
    with pytest.raises(ValueError, match="windows of 7 tokens need packed sequences"):
        TrainingDraws(
            packed_tokens, packed_tokens.masking(seed=SEED), num_draws=1, windows=((7, 1),)
        )


def test_rates_of_tokens_change_what_is_masked_and_nothing_else(tokens, whole):
    size = tokens.description.vocab_size
    dataset = draws_of(tokens)
    equal = dataset.batch(list(range(40)), TokenRates(np.full(size, 0.15)))
    assert_same(equal, {name: values[:40] for name, values in whole.items()})
    rates_V = np.where(np.arange(size) % 2, 1.0, 0.0)
    batch = dataset.batch(list(range(40)), TokenRates(rates_V))
    assert originals(batch) == originals(equal)
    ids_BT = torch.where(batch["labels"] == -100, batch["input_ids"], batch["labels"])
    is_special = torch.isin(ids_BT, torch.tensor(tokens.description.special_ids))
    assert torch.equal(batch["labels"] != -100, (ids_BT % 2 == 1) & ~is_special)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_numbered_draws_are_numbers_whatever_fetches_them(num_workers):
    loader = DataLoader(
        NumberedDraws(10), batch_size=4, num_workers=num_workers, collate_fn=as_batch
    )
    batches = [batch["draws"].tolist() for batch in loader]
    assert batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
