"""Laws of groups of texts: distinct ones, each once an epoch, and the same however shared out."""

import numpy as np
import pytest

from hf_apt.data.whole_texts.encoded_texts import EncodedTexts
from hf_apt.training.objective import Step
from hf_apt.training.representation.text_groups import TextGroups, groups_of

NUM_TEXTS = 11


@pytest.fixture
def texts(tokenizer) -> EncodedTexts:
    return EncodedTexts(tokenizer, [f"w{number} w1" for number in range(NUM_TEXTS)], 8)


def step(number: int, part: int, num_parts: int) -> Step:
    names = ("model", "inputs", "outputs", "loss", "num_items", "loss_and_outputs")
    given = dict.fromkeys(names)
    return Step(**given, num_steps_before=number, part=part, num_parts=num_parts)  # type: ignore


def test_an_epoch_holds_each_text_once_at_most_and_every_group_distinct_ones(texts):
    groups = TextGroups(texts, group_size=4, seed=3)
    epochs = [[groups.numbers(group) for group in (2 * epoch, 2 * epoch + 1)] for epoch in range(6)]
    for epoch in epochs:
        seen = np.concatenate(epoch)
        assert len(set(seen.tolist())) == 8
        assert seen.min() >= 0
        assert seen.max() < NUM_TEXTS
    assert len({tuple(np.concatenate(epoch)) for epoch in epochs}) == 6, "each epoch is another"
    everything = np.concatenate([each for epoch in epochs for each in epoch])
    assert set(everything.tolist()) == set(range(NUM_TEXTS)), "other texts are left over"


def test_a_group_is_a_function_of_seed_and_number_alone(texts):
    one, again = (TextGroups(texts, group_size=4, seed=3) for _ in range(2))
    later = [one.numbers(group) for group in range(20)]
    assert all(np.array_equal(again.numbers(group), later[group]) for group in (19, 0, 7, 3))
    other = TextGroups(texts, group_size=4, seed=4)
    assert any(not np.array_equal(other.numbers(group), later[group]) for group in range(20))


def test_a_batch_is_the_texts_of_its_group(texts):
    groups = TextGroups(texts, group_size=4, seed=3)
    batch = groups.batch(5)
    assert batch.numbers_B.tolist() == groups.numbers(5).tolist()
    for row, number in zip(batch.ids_BT.tolist(), groups.numbers(5), strict=True):
        assert row == texts.rows[number]


@pytest.mark.parametrize("num_groups", [1, 2, 3, 8])
@pytest.mark.parametrize("num_parts", [1, 2, 3, 4])
def test_parts_of_steps_read_every_group_once_and_in_order(num_groups, num_parts):
    read = [
        group
        for number in range(5)
        for part in range(num_parts)
        for group in groups_of(step(number, part, num_parts), num_groups)
    ]
    assert read == list(range(5 * num_groups))
    sizes = [len(groups_of(step(0, part, num_parts), num_groups)) for part in range(num_parts)]
    assert max(sizes) - min(sizes) <= 1


def test_too_few_texts_are_refused(texts):
    with pytest.raises(ValueError, match="there are 11 texts, fewer than the 12 that are read"):
        TextGroups(texts, group_size=12, seed=0)
