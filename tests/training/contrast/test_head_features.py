"""What the last layer of a classifier reads: of the pass that is asked about, with gradients."""

from typing import Any

import pytest
import torch
from transformers import RobertaConfig, RobertaForSequenceClassification
from workers.objectives import classifier, stacked, texts

from hf_apt.models.lora import with_adapter
from hf_apt.training.contrast.head_features import HeadFeatures


def batch() -> dict[str, torch.Tensor]:
    return {"input_ids": stacked(texts()[:4])["input_ids"]}


def roberta() -> Any:
    sizes: dict[str, Any] = {"num_labels": 3}
    config = RobertaConfig(
        vocab_size=65,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=26,
        **sizes,
    )
    return RobertaForSequenceClassification(config)


@pytest.mark.parametrize(
    "made", [classifier, roberta, lambda: with_adapter(classifier(), 2, seed=0)]
)
def test_weights_times_features_are_the_logits(made):
    model = made().train()
    features = HeadFeatures(model)
    logits = model(**batch()).logits
    inputs, weights = features.of(logits)
    bias = logits - inputs @ weights.T
    assert torch.allclose(bias, bias[:1].expand_as(bias), atol=1e-5)
    (gradient,) = torch.autograd.grad(inputs.sum(), weights, allow_unused=True)[:1] or (None,)
    assert inputs.requires_grad
    assert gradient is None, "features come before the weights"


def test_of_several_passes_the_one_is_taken_that_gave_the_logits():
    model = classifier(0.4).train()
    features = HeadFeatures(model)
    first, second = model(**batch()).logits, model(**batch()).logits
    inputs, weights = features.of(first)
    assert torch.allclose(inputs @ weights.T + model.classifier.bias, first, atol=1e-5)
    with pytest.raises(ValueError, match="the logits are not those of a last linear layer"):
        features.of(second)  # what was caught is forgotten


def test_passes_outside_of_training_are_not_caught():
    model = classifier().eval()
    features = HeadFeatures(model)
    with pytest.raises(ValueError, match="the logits are not those"):
        features.of(model(**batch()).logits)
    model.train()
    logits = model(**batch()).logits
    features.forget()
    with pytest.raises(ValueError, match="the logits are not those"):
        features.of(logits)


def test_a_model_without_such_a_layer_is_refused():
    with pytest.raises(ValueError, match="no linear layer of BertModel has an output for each of"):
        HeadFeatures(classifier().bert)


def test_a_model_that_is_let_go_of_is_not_watched():
    model = classifier().train()
    features = HeadFeatures(model)
    features.remove()
    outputs = model(**stacked(texts(2)))
    with pytest.raises(ValueError, match="are not those of a last linear layer"):
        features.of(outputs.logits)
    assert not any(module._forward_hooks for module in model.modules())
