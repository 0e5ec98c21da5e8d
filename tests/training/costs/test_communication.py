"""Laws of what processes send: a ring that is played through message by message."""

import pytest

from hf_apt.training.costs.communication import communication_bytes, summing_bytes


def sent_around(num_processes: int, payload: int) -> tuple[int, int]:
    """Bytes that a process sends to sum `payload` bytes for all, and to gather them from all.

    Played: each process holds a part of every other; in a round each sends one part to its right.
    """
    part = payload // num_processes
    held = [{own} for own in range(num_processes)]
    sent = 0
    while any(len(parts) < num_processes for parts in held):
        held = [parts | held[place - 1] for place, parts in enumerate(held)]
        sent += part
    return 2 * sent, sent  # a sum goes around once to be added up and once to be known


@pytest.mark.parametrize("num_processes", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("accumulation_steps", [1, 3])
def test_a_step_sends_what_a_ring_sends(num_processes, accumulation_steps):
    num_parameters = 24 * 7
    summed, gathered = sent_around(num_processes, 4 * num_parameters)
    options = {"accumulation_steps": accumulation_steps}
    assert communication_bytes(num_parameters, num_processes, **options) == summed
    sharded = communication_bytes(num_parameters, num_processes, sharded=True, **options)
    assert sharded == (2 * accumulation_steps) * gathered + summed // 2


def test_weights_in_two_bytes_are_half_of_what_is_gathered():
    wide, narrow = (
        communication_bytes(1200, 4, sharded=True, weight_bytes=size) for size in (4, 2)
    )
    assert (wide, narrow) == (900 * 12, 900 * 8)


def test_bert_6_at_the_papers_size():
    """66.69 M parameters: literal, as the README says."""
    from hf_apt.data.corpus_source import CorpusSource
    from hf_apt.runs.recipes import paper_recipe
    from hf_apt.training.costs.model_costs import ModelCosts

    shape = paper_recipe(CorpusSource(name="x/y")).shape
    model = ModelCosts(shape=shape, vocab_size=30_522, sequence_length=128)
    found = [communication_bytes(model.num_parameters, p) / 1e9 for p in (2, 8)]
    assert found == pytest.approx([0.267, 0.467], abs=1e-3)
    sharded = [communication_bytes(model.num_parameters, p, sharded=True) / 1e9 for p in (2, 8)]
    assert sharded == pytest.approx([0.400, 0.700], abs=1e-3)


@pytest.mark.parametrize("num_processes", [1, 2, 5])
def test_counts_go_to_all_others(num_processes):
    shares = [{process: 120} for process in range(num_processes)]
    sent = sum(sum(share.values()) for share in shares for _ in shares) - 120 * num_processes
    assert summing_bytes(120, num_processes) * num_processes == sent


def test_no_process_at_all_is_refused():
    with pytest.raises(ValueError, match="got 0"):
        communication_bytes(10, 0)
