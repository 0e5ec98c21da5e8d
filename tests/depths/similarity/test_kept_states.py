"""Laws of the states that a measurement keeps: CKA of what its pass read, whoever read it."""

import numpy as np
import pytest
import torch

from hf_apt.data.measure_config import MeasureConfig
from hf_apt.depths.depth_pass import read
from hf_apt.depths.measurement import asked_batches, measure
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.similarity import kept_states
from hf_apt.depths.similarity.kept_states import KeptStates, StatesTotal
from hf_apt.depths.trunk import Trunk
from hf_apt.models.fresh import new_model
from hf_apt.models.shapes import ModelShape
from hf_apt.stats.similarity.cka import linear_cka

CONFIG = MeasureConfig(num_sequences=30, batch_size=7, masking_rate=0.25)


@pytest.fixture(scope="module")
def trunk(tokens) -> Trunk:
    model = new_model(ModelShape(hidden_size=16, num_heads=2, num_blocks=2), tokens, seed=3)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(4.0)
    return Trunk(model.eval())


def asked(trunk, tokens) -> tuple[np.ndarray, np.ndarray]:
    """The states at the asked positions of every batch, and the sequence of each."""
    parts = []
    for batch in asked_batches(tokens, CONFIG):
        with torch.no_grad():
            outputs = trunk.model(**batch.inputs, output_hidden_states=True)
        states_DNH = torch.stack([each[batch.asked_BT] for each in outputs.hidden_states])
        parts.append((states_DNH.double().numpy(), batch.sequences_N))
    states, sequences = zip(*parts, strict=True)
    return np.concatenate(states, axis=1), np.concatenate(sequences)


def test_what_is_kept_is_compared_as_from_the_outputs_of_the_model(trunk, tokens) -> None:
    kept = KeptStates()
    alone = measure(trunk, tokens, {"own": OwnHead(trunk)}, CONFIG)["own"]
    beside = measure(trunk, tokens, {"own": OwnHead(trunk)}, CONFIG, others=[kept])["own"]
    assert beside.counts.support().tolist() == alone.counts.support().tolist()
    similarity = kept.total.similarity()
    assert similarity is not None
    states_DNH, sequences_N = asked(trunk, tokens)
    assert similarity.num == len(sequences_N)
    left_out = []
    num = int(sequences_N.max()) + 1
    groups_N = sequences_N * min(20, num) // num
    for group in (None, *np.unique(groups_N)):
        rows_N = groups_N != (-1 if group is None else group)
        left_out.append(
            [[linear_cka(x[rows_N], y[rows_N]) for y in states_DNH] for x in states_DNH]
        )
    whole_DE, left_GDE = np.array(left_out[0]), np.array(left_out[1:])
    np.testing.assert_allclose(similarity.cka_DE, whole_DE, atol=1e-5)
    num = len(left_GDE)
    errors_DE = np.sqrt((num - 1) / num * ((left_GDE - left_GDE.mean(axis=0)) ** 2).sum(axis=0))
    assert similarity.errors_DE is not None
    np.testing.assert_allclose(similarity.errors_DE, errors_DE, atol=1e-5)


def test_processes_that_share_the_batches_keep_the_same(trunk, tokens) -> None:
    whole, parts = KeptStates(), [KeptStates(), KeptStates()]
    batches = list(asked_batches(tokens, CONFIG))
    read(trunk, batches, [whole])
    for index, part in enumerate(parts):
        read(trunk, batches[index::2], [part])
    merged = parts[1].total.merge(parts[0].total).similarity()
    expected = whole.total.similarity()
    assert merged is not None
    assert expected is not None
    np.testing.assert_allclose(merged.cka_DE, expected.cka_DE, atol=1e-9)
    np.testing.assert_allclose(merged.errors_DE, expected.errors_DE, atol=1e-9)


def total(num: int, per_sequence: int = 10, width: int = 4) -> StatesTotal:
    rng = np.random.default_rng(0)
    states_DNH = rng.normal(size=(2, num, width)).astype(np.float32)
    return StatesTotal([states_DNH], [np.arange(num) // per_sequence])


def test_of_long_texts_the_first_whole_sequences_are_compared(monkeypatch) -> None:
    monkeypatch.setattr(kept_states, "MOST_POSITIONS", 35)
    similarity = total(100).similarity()
    assert similarity is not None
    assert similarity.num == 30
    longer = total(100, per_sequence=50).similarity()
    assert longer is not None
    assert longer.num == 50  # one sequence at least


def test_nothing_is_held_that_is_not_compared(trunk, tokens, monkeypatch) -> None:
    whole = KeptStates()
    read(trunk, asked_batches(tokens, CONFIG), [whole])
    monkeypatch.setattr(kept_states, "MOST_POSITIONS", 40)
    kept = KeptStates()
    repeated = [each for _ in range(3) for each in asked_batches(tokens, CONFIG)]
    for batch in repeated:
        read(trunk, [batch], [kept])
        assert sum(map(len, kept.total.sequences)) <= 40
    all_N = np.sort(np.tile(np.concatenate(whole.total.sequences), 3), kind="stable")
    held_N = kept.total.sequences[0]
    assert held_N.tolist() == all_N[: len(held_N)].tolist()
    following = all_N[len(held_N)]
    assert following != held_N[-1]  # whole sequences
    assert len(held_N) + (all_N == following).sum() > 40  # and no more would do


def test_no_errors_where_their_sums_are_large(monkeypatch) -> None:
    monkeypatch.setattr(kept_states, "_MOST_GROUPED_BYTES", 1000)
    similarity = total(100).similarity()
    assert similarity is not None
    assert similarity.errors_DE is None


def test_nothing_is_compared_where_nothing_can_be() -> None:
    assert StatesTotal().similarity() is None
    assert total(3).similarity() is None
    infinite = total(40)
    infinite.states[0][1, 7, 2] = np.inf
    assert infinite.similarity() is None


def test_of_a_model_that_is_too_large_nothing_is_held(trunk, tokens, monkeypatch) -> None:
    monkeypatch.setattr(kept_states, "_MOST_BYTES", 100)
    kept = KeptStates()
    read(trunk, asked_batches(tokens, CONFIG), [kept])
    assert not kept.total.states
    assert kept.total.similarity() is None
