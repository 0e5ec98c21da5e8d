"""What is certain of a cost: operations by hand, sums over members, times above zero."""

import math
from dataclasses import asdict

import pytest
import torch
from small_classifiers import CLASSIFIERS, batch, classifier

from hf_apt.models.committee import COMBINATIONS, AdapterCommittee, SoftCommittee
from hf_apt.models.lora import with_adapter
from hf_apt.studies.answer_cost import cost, flops, in_parallel

QUICK = {"num_repeats": 2, "num_warmups": 1}


@pytest.mark.parametrize("length", [8, 20])
def test_operations_are_those_of_the_formula(length):
    """BERT of two blocks, 16 wide, 32 inside, 3 classes: per text, products counted twice."""
    inputs = {name: value[:1] for name, value in batch(1, length).items()}
    projections = 4 * length * 16 * 16 + 2 * length * 16 * 32
    attention = 2 * length * length * 16
    head = 16 * 16 + 16 * 3
    expected = 2 * (2 * (projections + attention) + head)
    assert flops(classifier("bert"), inputs) == expected


def test_operations_of_a_committee_are_those_of_its_members():
    members = [classifier(family) for family in CLASSIFIERS]
    assert len(members) == 9
    whole = cost(SoftCommittee.from_members(members), 12, batch_sizes=(1,), **QUICK)
    parts = [cost(member, 12, batch_sizes=(1,), **QUICK) for member in members]
    assert whole.flops == sum(part.flops for part in parts)
    assert whole.num_parameters == sum(part.num_parameters for part in parts)
    assert all(math.isnan(part.latencies[0].in_parallel_ms) for part in parts)


def test_adapters_add_their_own_operations():
    model = classifier("bert")
    before = cost(model, 12, batch_sizes=(1,), **QUICK)
    adapted = cost(AdapterCommittee(with_adapter(model, 2, seed=0)), 12, batch_sizes=(1,), **QUICK)
    # Four projections of 16 x 16 and two of 16 x 32 in each of two blocks.
    factors = 2 * (4 * 2 * (16 + 16) + 2 * 2 * (16 + 32))
    assert adapted.flops == before.flops + 2 * 12 * factors
    assert math.isnan(adapted.latencies[0].in_parallel_ms), "one model cannot run beside itself"


def test_times_are_measured_for_every_batch_and_the_model_is_left_as_it_was():
    committee = SoftCommittee.from_members([classifier("bert"), classifier("distilbert")]).train()
    threads = torch.get_num_threads()
    costs = cost(committee, 8, batch_sizes=(1, 3), **QUICK)
    assert [each.batch_size for each in costs.latencies] == [1, 3]
    assert all(each.in_sequence_ms > 0 < each.in_parallel_ms for each in costs.latencies)
    assert costs.sequence_length == 8
    assert committee.training
    assert torch.get_num_threads() == threads
    assert asdict(costs)["device"] == "cpu"


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_side_by_side_members_answer_the_same(combination):
    members = [classifier(family) for family in CLASSIFIERS]
    committee = SoftCommittee.from_members(members, combination)
    with in_parallel(committee) as side_by_side, torch.no_grad():
        for seed in range(3):
            inputs = batch(seed=seed)
            torch.testing.assert_close(side_by_side(inputs), committee(**inputs).logits)


@pytest.mark.parametrize(
    "change", [{"sequence_length": 0}, {"num_repeats": 0}, {"batch_sizes": (1, 0)}]
)
def test_nothing_to_measure_is_refused(change):
    with pytest.raises(ValueError, match="at least 1, got 0"):
        cost(classifier("bert"), **({"sequence_length": 8} | change))
