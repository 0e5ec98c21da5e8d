"""Laws of labelled batches: the same at every pass, in any parts, at no cost to anyone's draws."""

import random
from collections.abc import Callable
from typing import Any

import datasets
import numpy as np
import pytest
import torch
from small_trainers import premasked, rows, stacked
from torch.utils.data import IterableDataset
from transformers import DataCollatorForLanguageModeling

from hf_apt.depths.collated_batches import LabelledBatches, ServedBatches, digest
from hf_apt.depths.held_state import random_numbers_kept

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
        expected = [list(range(start, min(start + 4, 22))) for start in range(0, 22, 4)]
        assert [numbers.tolist() for numbers, _ in part] == expected[index::num_parts]
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


# The numbers of rows, by which neighbours in the text are known.


def numbers_of(**changed: Any) -> list[list[int]]:
    given = {"dataset": premasked(9), "collate": stacked, "batch_size": 4} | changed
    return [numbers.tolist() for numbers, _ in LabelledBatches(**given).part()]


def test_rows_are_numbered_as_they_stand_in_the_data_set():
    assert numbers_of(indices=[[7, 1], [3], [8, 1]]) == [[2, 0], [1], [3, 0]]
    assert numbers_of(indices=[[np.int64(4)], [torch.tensor(2)]]) == [[1], [0]]
    assert numbers_of(indices=[]) == []


def test_rows_without_a_place_are_numbered_as_they_are_read():
    named = dict(zip("zyx", premasked(3), strict=True))
    assert numbers_of(dataset=named, indices=[["z", "x"], ["y"]]) == [[0, 1], [2]]
    served = ServedBatches(batches=[stacked(premasked(2)), stacked(premasked(3))])
    assert [numbers.tolist() for numbers, _ in served.part()] == [[0, 1], [2, 3, 4]]
    assert [numbers.tolist() for numbers, _ in served.part(1, 2)] == [[2, 3, 4]]


@pytest.mark.parametrize(
    ("shape", "expected"), [((1, -1), [[2], [1]]), ((4, -1), [[2, 2, 0, 0], [1, 1, 1, 1]])]
)
def test_rows_that_a_collator_joins_or_cuts_keep_their_place(shape, expected):
    def collate(held: list[Any]) -> Any:
        return {name: values.view(shape) for name, values in stacked(held).items()}

    assert numbers_of(collate=collate, indices=[[6, 0], [3]]) == expected


def test_a_digest_tells_batches_of_other_rows_and_of_another_order_apart():
    same = [{"input_ids": [5, 6], "labels": [5, 6]}] * 4
    seen = [
        digest(LabelledBatches(dataset=same, collate=stacked, batch_size=2, indices=indices))
        for indices in ([[0, 1], [2, 3]], [[0, 1], [2, 3]], [[1, 0], [2, 3]], [[0, 1]])
    ]
    assert seen[0] == seen[1]
    assert len(set(seen)) == 3
