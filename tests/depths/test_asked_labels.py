"""What a batch with labels asks of a model, held against loops over its places."""

from typing import Any

import pytest
import torch
from small_trainers import CAUSAL, FAMILIES, MASKED, looped, made, premasked, rows, stacked
from transformers import DataCollatorForLanguageModeling

from hf_apt.depths.asked_labels import labels_asked
from hf_apt.depths.collated_batches import LabelledBatches
from hf_apt.depths.decoded import Decoded
from hf_apt.depths.depth_pass import read, totals
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.stats.counts import TREATMENTS, DepthCounts


@pytest.mark.parametrize("family", MASKED)
@pytest.mark.parametrize("mask_id", [4, None])
def test_a_masked_model_is_asked_for_the_labels_where_they_stand(family, mask_id):
    batch = stacked(premasked(9))
    found = labels_asked(batch, range(len(batch["input_ids"])), Trunk(made(family)), mask_id)
    places, references, treatments = [], [], []
    for row, (ids, labels) in enumerate(
        zip(batch["input_ids"].tolist(), batch["labels"].tolist(), strict=True)
    ):
        for place, (shown, label) in enumerate(zip(ids, labels, strict=True)):
            if label == -100:
                continue
            places.append([row, place])
            references.append(label)
            if mask_id is None or shown == 4:
                treatments.append("masked")
            elif shown == label:
                treatments.append("unchanged")
            else:
                treatments.append("replaced")
    assert found.asked_BT.nonzero().tolist() == places
    assert found.references_N.tolist() == references
    assert [TREATMENTS[code] for code in found.treatments_N] == treatments
    assert len(set(treatments)) == (1 if mask_id is None else 3)
    assert set(found.inputs) == {"input_ids"}


@pytest.mark.parametrize("family", CAUSAL)
def test_a_causal_model_is_asked_for_the_next_token(family):
    batch = stacked(premasked(9))
    found = labels_asked(batch, range(len(batch["input_ids"])), Trunk(made(family)), 4)
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
        labels_asked(batch, numbers_B, trunk, tokenizer.mask_token_id)
        for numbers_B, batch in data.part()
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


# Bad input.


@pytest.mark.parametrize("labels", [None, torch.tensor([1, 2])])
def test_a_batch_without_a_label_for_each_token_is_refused(labels):
    batch = {"input_ids": torch.ones(2, 5, dtype=torch.long)}
    if labels is not None:
        batch["labels"] = labels
    with pytest.raises(ValueError, match=r"no labels of the shape of input_ids, \(2, 5\): give a"):
        labels_asked(batch, range(len(batch["input_ids"])), Trunk(made("bert")), 4)


@pytest.mark.parametrize("wrong", [-1, 65, 1000])
def test_an_id_outside_the_vocabulary_is_named(wrong):
    trunk = Trunk(made("bert"))
    batch = stacked(premasked(3))
    batch["input_ids"][1, 2] = wrong
    with pytest.raises(ValueError, match=f"^input id {wrong} is outside the vocabulary of 65 tok"):
        labels_asked(batch, range(len(batch["input_ids"])), trunk, 4)
    batch = stacked(premasked(3))
    batch["labels"][0, 0] = wrong
    with pytest.raises(ValueError, match=f"reference id {wrong} is outside 0 to 64"):
        counted(trunk, [labels_asked(batch, range(len(batch["input_ids"])), trunk, 4)])


def test_nothing_asked_is_nothing_counted():
    trunk = Trunk(made("bert"))
    batch = stacked(premasked(3))
    batch["labels"][:] = -100
    counts = counted(trunk, [labels_asked(batch, range(len(batch["input_ids"])), trunk, 4)])
    assert counts.support().sum() == 0
    assert counts.num_depths == 3


def test_labels_can_have_another_name():
    trunk = Trunk(made("bert"))
    batch = stacked(premasked(3))
    expected = labels_asked(batch, range(len(batch["input_ids"])), trunk, 4)
    renamed = {"input_ids": batch["input_ids"], "mlm_labels": batch["labels"]}
    asked = labels_asked(renamed, range(3), trunk, 4, ["start", "mlm_labels"])
    assert asked.references_N.tolist() == expected.references_N.tolist()
    assert torch.equal(asked.asked_BT, expected.asked_BT)
    assert set(asked.inputs) == {"input_ids"}
    with pytest.raises(ValueError, match=r"name their column in label_names of the Training"):
        labels_asked(renamed, range(3), trunk, 4)


@pytest.mark.parametrize("wrong", [[1, 2], {"inputs_embeds": torch.ones(2, 3, 4)}])
def test_what_is_no_batch_of_ids_is_named(wrong):
    with pytest.raises(ValueError, match=r"^a batch (is a list|has the columns inputs_embeds) and"):
        labels_asked(wrong, range(2), Trunk(made("bert")), 4)
