"""A dropout that is set is the one that a model made with it has, in every family."""

from copy import deepcopy
from typing import Any

import pytest
import torch
from small_classifiers import CLASSIFIERS, batch, classifier
from transformers import PretrainedConfig

from hf_apt.depths.truncation import cut
from hf_apt.models.dropout import set_dropout
from hf_apt.models.encoders import Encoder

SETTINGS = {
    "distilbert": ("dropout", "attention_dropout"),
    "modernbert": ("attention_dropout", "embedding_dropout", "mlp_dropout"),
}
FAMILIES = list(CLASSIFIERS)


def settings(family: str) -> tuple[str, ...]:
    return SETTINGS.get(family, ("hidden_dropout_prob", "attention_probs_dropout_prob"))


def made_with(family: str, dropout: float) -> Any:
    """A model whose class was given the dropout by its configuration, with the same weights."""
    other = classifier(family)
    config = deepcopy(other.config)
    for name in settings(family):
        setattr(config, name, dropout)
    model = type(other)(config)
    model.load_state_dict(other.state_dict())
    return model


def answers(model: Any, seed: int = 0) -> torch.Tensor:
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        return model.train()(**batch()).logits


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_draws_as_one_that_was_made_with_it(family, dropout):
    model = classifier(family)
    expected = model(**batch()).logits
    state = torch.get_rng_state()
    set_dropout(model, dropout)
    assert torch.equal(torch.get_rng_state(), state)
    assert not model.training
    assert torch.equal(model(**batch()).logits, expected), "evaluation is as before"
    assert all(getattr(model.config, name) == dropout for name in settings(family))
    twin = made_with(family, dropout)
    assert torch.equal(answers(model), answers(twin))
    alike = torch.equal(answers(model, 0), answers(model, 1))
    has_classifiers_own = family in ("distilbert", "albert")
    assert alike == (dropout == 0 and not has_classifiers_own)


def test_none_leaves_the_models_own():
    model = classifier("bert")
    before = answers(model)
    set_dropout(model, None)
    assert torch.equal(answers(model), before)
    assert model.config.hidden_dropout_prob == 0.1


def test_a_model_that_was_cut_has_it_too():
    cut_first = cut(Encoder(classifier("bert"), None), 1).model
    set_dropout(cut_first, 0.4)
    whole = classifier("bert")
    set_dropout(whole, 0.4)
    assert torch.equal(answers(cut_first), answers(cut(Encoder(whole, None), 1).model))


def test_what_a_checkpoint_is_saved_with_it_is_loaded_with(tmp_path):
    model = classifier("bert6")
    set_dropout(model, 0.25)
    model.save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path)
    assert torch.equal(answers(again), answers(model))


def test_a_model_without_settings_is_refused():
    class Plain(torch.nn.Module):
        config = PretrainedConfig()

    with pytest.raises(ValueError, match=r"Plain has no setting of dropout: leave the dropout of"):
        set_dropout(Plain(), 0.1)
