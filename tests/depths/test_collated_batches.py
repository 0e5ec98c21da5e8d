"""Laws of labelled batches: the same at every pass, in any parts, at no cost to anyone's draws."""

import random
from collections.abc import Callable
from typing import Any

import datasets
import numpy as np
import pytest
import torch
from small_trainers import CAUSAL, FAMILIES, MASKED, looped, made, premasked, rows, stacked
from torch.utils.data import IterableDataset
from transformers import BertConfig, BertLMHeadModel, DataCollatorForLanguageModeling

from hf_apt.depths.collated_batches import (
    LabelledBatches,
    is_causal,
    labels_asked,
    random_numbers_kept,
)
from hf_apt.depths.decoded import Decoded
from hf_apt.depths.depth_pass import read, totals
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.stats.counts import TREATMENTS, DepthCounts

Batches = list[dict[str, torch.Tensor]]


class Streamed(IterableDataset):
    """Rows one after the other, each changed a little when it is read."""

    def __init__(self, held: list[dict[str, Any]]):
        self.held = held

    def __iter__(self):
        for row in self.held:
            ids = list(row["input_ids"])
            ids[random.randrange(len(ids))] = 5 + int(torch.randint(60, ()))
            yield row | {"input_ids": ids}


class Augmented:
    """The same for rows by number."""

    def __init__(self, held: list[dict[str, Any]]):
        self.held = held

    def __len__(self) -> int:
        return len(self.held)

    def __getitem__(self, place: int) -> dict[str, Any]:
        ids = list(self.held[place]["input_ids"])
        ids[np.random.randint(len(ids))] = 5 + random.randrange(60)  # noqa: NPY002
        return {"input_ids": ids}


def with_offsets(tokenizer: Any) -> list[dict[str, Any]]:
    texts = [" ".join(f"w{n * k % 60}" for k in range(1, 9)) for n in range(1, 23)]
    return [dict(tokenizer(text, return_offsets_mapping=True)) for text in texts]


DATA: dict[str, Callable[[Any], tuple[Any, Any]]] = {
    "masked at random": lambda tokenizer: (rows(22), DataCollatorForLanguageModeling(tokenizer)),
    "masked with a seed": lambda tokenizer: (
        rows(22),
        DataCollatorForLanguageModeling(tokenizer, seed=9),
    ),
    "whole words": lambda tokenizer: (
        with_offsets(tokenizer),
        DataCollatorForLanguageModeling(
            tokenizer, whole_word_mask=True, mask_replace_prob=1.0, random_replace_prob=0.0
        ),
    ),
    "masked beforehand": lambda tokenizer: (premasked(22), stacked),
    "augmented": lambda tokenizer: (
        Augmented(rows(22)),
        DataCollatorForLanguageModeling(tokenizer),
    ),
    "streamed": lambda tokenizer: (Streamed(rows(22)), DataCollatorForLanguageModeling(tokenizer)),
    "datasets": lambda tokenizer: (
        datasets.Dataset.from_list(rows(22)),
        DataCollatorForLanguageModeling(tokenizer),
    ),
    "datasets, streamed": lambda tokenizer: (
        datasets.Dataset.from_list(rows(22)).to_iterable_dataset(),
        DataCollatorForLanguageModeling(tokenizer),
    ),
}
every_kind = pytest.mark.parametrize("kind", DATA)


def batches_of(kind: str, tokenizer: Any, *, batch_size: int = 4, seed: int = 1) -> LabelledBatches:
    dataset, collate = DATA[kind](tokenizer)
    return LabelledBatches(dataset=dataset, collate=collate, batch_size=batch_size, seed=seed)


def batches(data: LabelledBatches, index: int = 0, num_parts: int = 1) -> Batches:
    return [batch for _, batch in data.part(index, num_parts)]


def assert_same(found: Batches, expected: Batches) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in other)


@every_kind
def test_every_pass_has_the_same_batches(kind, tokenizer):
    data = batches_of(kind, tokenizer)
    first = batches(data)
    torch.rand(3), np.random.random(), random.random()  # noqa: NPY002
    assert_same(batches(data), first)
    assert [len(batch["input_ids"]) for batch in first] == [4, 4, 4, 4, 4, 2]
    assert sum(int((batch["labels"] != -100).sum()) for batch in first) > 10
    if kind != "masked beforehand":
        others = batches(batches_of(kind, tokenizer, seed=2))
        assert any(
            not torch.equal(one["labels"], other["labels"])
            for one, other in zip(others, first, strict=True)
        )
        # No two batches are masked by the same draws.
        assert len({str((batch["labels"] != -100).tolist()) for batch in first}) == 6


@every_kind
@pytest.mark.parametrize("num_parts", [1, 2, 3, 4, 7])
def test_parts_together_are_the_whole_in_order(kind, num_parts, tokenizer):
    data = batches_of(kind, tokenizer)
    whole = batches(data)
    parts = [list(data.part(index, num_parts)) for index in range(num_parts)]
    for index, part in enumerate(parts):
        assert_same([batch for _, batch in part], whole[index::num_parts])
        assert [first for first, _ in part] == list(range(0, 22, 4))[index::num_parts]
        assert data.num_batches(index, num_parts) in (len(part), None)
    assert (data.num_batches() is None) == ("streamed" in kind)


@pytest.mark.parametrize("kind", [kind for kind in DATA if kind not in ("augmented", "streamed")])
def test_rows_are_those_of_the_data_in_their_order(kind, tokenizer):
    dataset, _ = DATA[kind](tokenizer)
    found = []
    for _, batch in batches_of(kind, tokenizer, batch_size=5).part():
        true = torch.where(batch["labels"] == -100, batch["input_ids"], batch["labels"])
        found += [[token for token in row if token != 0] for row in true.tolist()]
    wanted = [
        [
            token if label == -100 else label
            for token, label in zip(
                row["input_ids"], row.get("labels", [-100] * len(row["input_ids"])), strict=True
            )
        ]
        for row in dataset
    ]
    assert found == wanted


@every_kind
def test_nobody_elses_draws_are_changed(kind, tokenizer):
    """Not those of the user's collator either, nor between two batches."""
    data = batches_of(kind, tokenizer)

    def states() -> list[Any]:
        own = getattr(data.collate, "generator", None)
        return [
            torch.get_rng_state().tolist(),
            random.getstate(),
            [np.asarray(part).tolist() for part in np.random.get_state()],  # noqa: NPY002
            None if own is None else own.get_state().tolist(),
        ]

    if getattr(data.collate, "seed", None) is not None:
        data.collate(data.dataset[:3])  # type: ignore[reportCallIssue]
        assert data.collate.generator is not None  # type: ignore[reportFunctionMemberAccess]
    before = states()
    for _ in data.part():
        assert states() == before
    list(data.part(1, 2))
    assert states() == before


def test_numbers_drawn_in_a_guarded_block_are_drawn_again_outside():
    with random_numbers_kept():
        inside = (random.random(), np.random.random(), float(torch.rand(())))  # noqa: NPY002
    assert (random.random(), np.random.random(), float(torch.rand(()))) == inside  # noqa: NPY002
    state = torch.get_rng_state()
    with pytest.raises(RuntimeError), random_numbers_kept():
        torch.rand(1) @ torch.rand(2)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("num", [0, 1, 3, 4, 5])
def test_few_rows_and_none(num):
    data = LabelledBatches(dataset=premasked(num), collate=stacked, batch_size=4)
    found = [len(batch["input_ids"]) for _, batch in data.part()]
    assert found == [4] * (num // 4) + [num % 4] * (num % 4 > 0)
    assert data.num_batches() == len(found)


# What is asked.


@pytest.mark.parametrize("family", MASKED)
@pytest.mark.parametrize("mask_id", [4, None])
def test_a_masked_model_is_asked_for_the_labels_where_they_stand(family, mask_id):
    batch = stacked(premasked(9))
    found = labels_asked(batch, 0, Trunk(made(family)), mask_id)
    places, references, treatments = [], [], []
    for row, (ids, labels) in enumerate(
        zip(batch["input_ids"].tolist(), batch["labels"].tolist(), strict=True)
    ):
        for place, (shown, label) in enumerate(zip(ids, labels, strict=True)):
            if label == -100:
                continue
            places.append([row, place])
            references.append(label)
            if shown == label:
                treatments.append("unchanged")
            elif shown == 4 or mask_id is None:
                treatments.append("masked")
            else:
                treatments.append("replaced")
    assert found.asked_BT.nonzero().tolist() == places
    assert found.references_N.tolist() == references
    assert [TREATMENTS[code] for code in found.treatments_N] == treatments
    assert len(set(treatments)) == (2 if mask_id is None else 3)
    assert set(found.inputs) == {"input_ids"}


@pytest.mark.parametrize("family", CAUSAL)
def test_a_causal_model_is_asked_for_the_next_token(family):
    batch = stacked(premasked(9))
    found = labels_asked(batch, 0, Trunk(made(family)), 4)
    expected = [
        ([row, place - 1], label)
        for row, labels in enumerate(batch["labels"].tolist())
        for place, label in enumerate(labels)
        if label != -100 and place > 0
    ]
    assert found.asked_BT.nonzero().tolist() == [place for place, _ in expected]
    assert found.references_N.tolist() == [label for _, label in expected]
    assert set(found.treatments_N.tolist()) == {0}
    assert (batch["labels"][:, 0] != -100).all()  # these are never asked for


@pytest.mark.parametrize("family", FAMILIES)
def test_answers_are_those_of_the_whole_model(family, tokenizer):
    """At every depth; at the last one these are the logits of the model itself."""
    model = made(family)
    collate = DataCollatorForLanguageModeling(tokenizer, mlm=family in MASKED, mlm_probability=0.3)
    data = LabelledBatches(dataset=rows(22), collate=collate, batch_size=4)
    trunk = Trunk(model)
    batches = (
        labels_asked(batch, first_row, trunk, tokenizer.mask_token_id)
        for first_row, batch in data.part()
    )
    counts = counted(trunk, batches)
    expected = looped(family, model, [batch for _, batch in data.part()])
    assert tables_of(counts) == expected
    assert expected[0] != expected[2]
    assert all(len({answer for _, answer in table}) > 1 for table in expected.values())


def counted(trunk: Trunk, batches: Any) -> DepthCounts:
    """What the own head answers, at every depth."""
    reader = Decoded(trunk, OwnHead(trunk))
    read(trunk, batches, [reader])
    return totals({"own_head": reader})["own_head"].readout.counts


def tables_of(counts: DepthCounts) -> dict[int, dict[tuple[int, int], int]]:
    found = {}
    for depth in range(counts.num_depths):
        pairs = counts.at(depth)
        keys = zip(pairs.keys.tolist(), pairs.counts.tolist(), strict=True)
        found[depth] = {divmod(key, counts.vocab_size): number for key, number in keys}
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_causal_models_are_known_from_masked_ones(family):
    assert is_causal(made(family)) == (family in CAUSAL)


def test_a_bert_that_predicts_the_next_token_is_causal():
    small = {"num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    config = BertConfig(vocab_size=9, hidden_size=8, is_decoder=True, **small)
    assert is_causal(BertLMHeadModel(config))


# Bad input.


@pytest.mark.parametrize("labels", [None, torch.tensor([1, 2])])
def test_a_batch_without_a_label_for_each_token_is_refused(labels):
    batch = {"input_ids": torch.ones(2, 5, dtype=torch.long)}
    if labels is not None:
        batch["labels"] = labels
    with pytest.raises(ValueError, match=r"no labels of the shape of input_ids, \(2, 5\): give a"):
        labels_asked(batch, 0, Trunk(made("bert")), 4)


@pytest.mark.parametrize("wrong", [-1, 65, 1000])
def test_an_id_outside_the_vocabulary_is_named(wrong):
    trunk = Trunk(made("bert"))
    batch = stacked(premasked(3))
    batch["input_ids"][1, 2] = wrong
    with pytest.raises(ValueError, match=f"^input id {wrong} is outside the vocabulary of 65 tok"):
        labels_asked(batch, 0, trunk, 4)
    batch = stacked(premasked(3))
    batch["labels"][0, 0] = wrong
    with pytest.raises(ValueError, match=f"reference id {wrong} is outside 0 to 64"):
        counted(trunk, [labels_asked(batch, 0, trunk, 4)])


def test_nothing_asked_is_nothing_counted():
    trunk = Trunk(made("bert"))
    batch = stacked(premasked(3))
    batch["labels"][:] = -100
    counts = counted(trunk, [labels_asked(batch, 0, trunk, 4)])
    assert counts.support().sum() == 0
    assert counts.num_depths == 3
