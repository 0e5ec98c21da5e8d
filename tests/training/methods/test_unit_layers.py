"""Units of several families: the weights named belong to a unit and to nothing else."""

import pytest
import torch
from small_classifiers import CLASSIFIERS, batch, classifier
from torch import nn

from hf_apt.models.lora import with_adapter
from hf_apt.training.methods.unit_activations import unit_activations
from hf_apt.training.methods.unit_layers import unit_layers

WITH_HEADS = [family for family in CLASSIFIERS if family != "modernbert"]
"""ModernBERT has queries, keys and values in one matrix."""


def layers_of(family: str, units):
    model = classifier(family)
    return model, unit_layers(model, batch(), units)


def zeroed(layer, unit: int) -> None:
    """Set all weights of a unit to zero."""
    with torch.no_grad():
        for weight in layer.weights:
            weight.of_units(weight.parameter)[unit].zero_()


def handed_on(model, layer) -> torch.Tensor:
    """What the units hand on, (B, T, units, width)."""
    states = []
    hook = layer.writes.register_forward_pre_hook(lambda _, args: states.append(args[0]))
    with torch.no_grad():
        model(**batch())
    hook.remove()
    return states[0].unflatten(-1, (layer.num_units, -1))


@pytest.mark.parametrize(
    ("family", "units"),
    [
        *((family, "feed_forward") for family in CLASSIFIERS),
        *((family, "heads") for family in WITH_HEADS),
    ],
)
def test_without_its_weights_a_unit_hands_nothing_on_and_the_others_what_they_did(family, units):
    model, layers = layers_of(family, units)
    layer = layers[0]
    assert layer.num_units == (2 if units == "heads" else layer.writes.in_features)
    before = handed_on(model, layer)
    assert (before[..., 1, :] != 0).any()
    zeroed(layer, 1)
    after = handed_on(model, layer)
    others = [unit for unit in range(layer.num_units) if unit != 1]
    assert not after[..., 1, :].any()
    torch.testing.assert_close(after[..., others, :], before[..., others, :])


@pytest.mark.parametrize("family", CLASSIFIERS)
def test_the_columns_by_which_a_unit_writes_are_its_own(family):
    """What a block adds does not depend on the unit that reads as ever and writes by zero."""
    model, layers = layers_of(family, "feed_forward")
    layer = layers[-1]
    writes = [each for each in layer.weights if each.parameter is layer.writes.weight]
    assert len(writes) == 1
    column = writes[0].of_units(writes[0].parameter)[3]
    assert torch.equal(column, layer.writes.weight[:, 3])


@pytest.mark.parametrize("family", CLASSIFIERS)
def test_each_block_has_its_units_once(family):
    model, layers = layers_of(family, "feed_forward")
    parameters = [weight.parameter for layer in layers for weight in layer.weights]
    assert len({id(each) for each in parameters}) == len(parameters)
    assert {layer.writes.out_features for layer in layers} == {model.config.hidden_size}
    blocks = 1 if family == "albert" else model.config.num_hidden_layers
    assert len(layers) == blocks
    assert all(any(each is own for own in model.parameters()) for each in parameters)


def test_both_kinds_come_block_after_block():
    _, layers = layers_of("bert", "both")
    kinds = [layer.name.split()[1] for layer in layers]
    assert kinds == ["feed_forward", "heads"] * (len(layers) // 2)


def test_finding_them_changes_nothing():
    model = classifier("bert").train()
    model.bert.encoder.layer[0].eval()
    modes = [module.training for module in model.modules()]
    state = torch.get_rng_state()
    unit_layers(model, batch(), "both")
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_what_has_no_such_units_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="ModernBertForSequenceClassification has no heads units"):
        layers_of("modernbert", "heads")

    class Bag(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(100, 4)
            self.top = nn.Linear(4, 2)

        def forward(self, input_ids, attention_mask):
            return self.top(self.words(input_ids).mean(dim=1))

    with pytest.raises(ValueError, match="Bag has no numbered blocks of linear layers: leave out"):
        unit_layers(Bag(), batch(), "feed_forward")


def test_embeddings_alone_have_none():
    model = classifier("bert")
    del model.bert.encoder.layer[:]
    model.config.num_hidden_layers = 0
    assert unit_layers(model, batch(), "both") == []


def test_adapters_leave_the_units_where_they_are():
    model = classifier("bert")
    plain = [layer.num_units for layer in unit_layers(model, batch(), "both")]
    with pytest.raises(ValueError, match="has no feed_forward units"):
        unit_layers(with_adapter(model, 2, seed=0), batch(), "both")
    assert plain


# How active they are.


@pytest.mark.parametrize("units", ["feed_forward", "heads"])
def test_activations_are_means_over_the_tokens_of_a_text(units):
    model, layers = layers_of("bert", units)
    whole = batch()
    (read, *_) = unit_activations(model, [whole], layers)
    states = handed_on(model, layers[0])
    for text in range(len(read)):
        length = int(whole["attention_mask"][text].sum())
        for unit in range(layers[0].num_units):
            values = [states[text, place, unit] for place in range(length)]
            each = [float(value.norm() if units == "heads" else value[0]) for value in values]
            assert read[text, unit] == pytest.approx(sum(each) / length, rel=1e-4, abs=1e-6)


def test_activations_do_not_depend_on_padding_or_batches():
    model, layers = layers_of("bert", "both")
    whole = batch()
    expected = unit_activations(model, [whole], layers)
    longer = {
        name: torch.cat([each, torch.zeros(len(each), 4, dtype=each.dtype)], dim=1)
        for name, each in whole.items()
    }
    parts = [{name: each[part] for name, each in longer.items()} for part in ([0, 1, 2], [3, 4, 5])]
    for read, other in zip(unit_activations(model, parts, layers), expected, strict=True):
        torch.testing.assert_close(torch.tensor(read), torch.tensor(other), rtol=1e-4, atol=1e-5)


def test_a_block_that_is_used_twice_has_the_mean_of_both():
    model, layers = layers_of("albert", "feed_forward")
    assert model.config.num_hidden_layers > 1
    states = []
    hook = layers[0].writes.register_forward_pre_hook(lambda _, args: states.append(args[0]))
    (read,) = unit_activations(model, [batch()], layers)
    hook.remove()
    assert len(states) == model.config.num_hidden_layers
    mask = batch()["attention_mask"].float()[..., None]
    mean = (torch.stack(states).mean(dim=0) * mask).sum(dim=1) / mask.sum(dim=1)
    torch.testing.assert_close(torch.tensor(read), mean)
