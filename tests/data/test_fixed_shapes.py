"""Laws of batches of one shape: the same law of masking, the same loss, the same gradients."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hf_apt.data.fixed_shapes import fixed_places, usual_capacity
from hf_apt.data.training_draws import TrainingDraws
from hf_apt.models.fresh import new_model
from hf_apt.models.shapes import ModelShape


@given(st.lists(st.booleans(), min_size=1, max_size=200), st.integers(0, 256))
def test_all_labels_once_and_then_only_unasked_places(asked, capacity):
    labels = np.where([asked], 7, -100)
    places = fixed_places(labels, capacity)
    wanted = np.flatnonzero(labels)[np.array(asked)]
    assert places[: len(wanted)].tolist() == wanted.tolist()
    assert (labels.reshape(-1)[places[len(wanted) :]] == -100).all()
    if len(wanted) <= capacity and not all(asked):
        assert len(places) == capacity
    if len(wanted) > capacity and not all(asked):
        assert len(places) % 64 == 0
        assert len(places) - len(wanted) < 64


@pytest.mark.parametrize(("positions", "capacity"), [(32 * 128, 768), (256 * 128, 5184)])
def test_the_capacity_is_the_mean_and_four_standard_deviations(positions, capacity):
    deviation = np.sqrt(positions * 0.15 * 0.85)
    number = usual_capacity(positions, 0.15)
    assert number % 64 == 0
    assert 0 <= number - (positions * 0.15 + 4 * deviation) < 64
    assert number == capacity


@pytest.mark.parametrize("windows", [(), ((8, 1000),)])
def test_draws_are_what_they_were_with_places_beside_them(packed_tokens, windows):
    masking = packed_tokens.masking(seed=3, rate=0.3)
    options = {"num_draws": 8, "windows": windows}
    plain = TrainingDraws(packed_tokens, masking, **options).__getitems__([0, 1, 2, 3])
    fixed = TrainingDraws(packed_tokens, masking, **options, fixed_shapes=True)
    batch = fixed.__getitems__([0, 1, 2, 3])
    places = batch.pop("asked_positions")
    assert batch.keys() == plain.keys()
    assert all(torch.equal(batch[name], plain[name]) for name in plain)
    labels = plain["labels"].flatten()
    assert len(places) == usual_capacity(labels.numel(), 0.3)
    asked = places[labels[places] != -100]
    assert torch.equal(asked, (labels != -100).nonzero()[:, 0])


def test_loss_and_gradients_are_those_without_fixed_places(tokens):
    shape = ModelShape(hidden_size=16, num_heads=2, num_blocks=2, dropout=0.0)
    model = new_model(shape, tokens, seed=3).train()
    ids = torch.randint(5, 65, (3, 17), generator=torch.Generator().manual_seed(0))
    labels = torch.where(ids % 3 == 0, (ids * 7) % 65, -100)
    places = torch.from_numpy(fixed_places(labels.numpy(), 64))
    compiled = torch.compile(model, backend="eager", fullgraph=True, dynamic=False)
    results = {}
    for name, call in {
        "plain": lambda: model(ids, labels=labels, num_items_in_batch=11),
        "fixed": lambda: model(ids, labels=labels, num_items_in_batch=11, asked_positions=places),
        "compiled": lambda: compiled(
            ids, labels=labels, num_items_in_batch=11, asked_positions=places
        ),
    }.items():
        model.zero_grad()
        loss = call().loss
        loss.backward()
        gradients = [weight.grad for weight in model.parameters() if weight.grad is not None]
        results[name] = [loss.detach(), *gradients]
    torch.testing.assert_close(results["fixed"], results["plain"], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(results["compiled"], results["plain"], rtol=1e-5, atol=1e-5)
