"""Local smoothness of a linear model, whose worst perturbation is known, and its laws."""

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from transformers import BertConfig, BertForSequenceClassification, BertForTokenClassification

from hf_apt.studies.local_smoothness import (
    LocalSmoothnessConfig,
    local_smoothness,
    worst_answers,
)

TEXTS = ["w1 w2 w3", "w4", "w5 w6 w7 w8 w9", "w1 w1"]


class MeanOfWords(nn.Module):
    """Outputs that are linear in the mean word embedding of the tokens that are no padding."""

    config = SimpleNamespace(is_encoder_decoder=False)

    def __init__(self, num_outputs: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.words = nn.Embedding(65, 4)
        self.head = nn.Linear(4, num_outputs)

    def get_input_embeddings(self) -> nn.Embedding:
        return self.words

    def forward(self, input_ids: Any, attention_mask: Any, **others: Any) -> Any:
        mask = attention_mask[..., None].float()
        return {"logits": self.head((self.words(input_ids) * mask).sum(1) / mask.sum(1))}


@pytest.mark.parametrize("norm", ["inf", "2", "1"])
def test_the_worst_of_a_linear_regression_is_found(norm, tokenizer):
    """w.d / T for each of T tokens: the dual norm of the slope, in the ball of a text."""
    model: Any = MeanOfWords(1)
    config = LocalSmoothnessConfig(radius=0.1, norm=norm, num_steps=10)
    result = local_smoothness(model, tokenizer, TEXTS, config)
    weights = model.head.weight.detach()
    worst = []
    for text in TEXTS:
        num = len(text.split()) + 2
        dual = {
            "inf": weights.abs().sum(),
            "2": weights.norm() / math.sqrt(num),
            "1": weights.abs().max() / num,
        }[norm]
        worst.append((0.1 * float(dual)) ** 2)
    assert result.divergence.value == pytest.approx(sum(worst) / 4, rel=0.04)
    assert result.divergence.value <= sum(worst) / 4 * (1 + 1e-4)
    assert math.isnan(result.flip_rate.value)


def classifier(made: Any = BertForSequenceClassification) -> Any:
    torch.manual_seed(0)
    config = BertConfig(
        **{"vocab_size": 65, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2},
        intermediate_size=32,
        num_labels=3,
        initializer_range=0.2,
    )
    return made(config).train()


def test_it_grows_with_the_ball_and_leaves_the_model_alone(tokenizer):
    model = classifier()
    state = torch.get_rng_state()
    sizes = [
        local_smoothness(model, tokenizer, TEXTS * 5, LocalSmoothnessConfig(radius=radius))
        for radius in (0.001, 0.01, 0.3)
    ]
    values = [each.divergence.value for each in sizes]
    assert 0 < 50 * values[0] < values[1] < values[2] / 10
    assert sizes[2].flip_rate.value > sizes[0].flip_rate.value
    assert model.training
    assert torch.equal(torch.get_rng_state(), state)
    assert all(each.grad is None for each in model.parameters())


def test_batches_and_padding_change_nothing(tokenizer):
    model, config = classifier(), LocalSmoothnessConfig(radius=0.1)
    results = [
        local_smoothness(model, tokenizer, TEXTS, replace(config, batch_size=each))
        for each in (1, 4)
    ]
    assert results[0].divergence.value == pytest.approx(results[1].divergence.value, rel=1e-3)


def test_the_worst_is_worse_than_random(tokenizer):
    model = classifier().eval()
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
    config = LocalSmoothnessConfig(radius=0.05)
    clean, worst = worst_answers(model, batch, config)
    assert torch.equal(clean, model(**batch).logits)
    from hf_apt.training.adversary.divergence import symmetric_kl
    from hf_apt.training.adversary.passes import perturbed_pass

    with torch.no_grad():
        signs = torch.randn(*batch["input_ids"].shape, 16).sign()
        random = perturbed_pass(model, batch, 0.05 * signs).logits
    assert symmetric_kl(clean, worst).sum() > 3 * symmetric_kl(clean, random).sum()


def test_of_a_classifier_of_tokens_each_token_is_an_answer(tokenizer):
    model = classifier(BertForTokenClassification)
    result = local_smoothness(model, tokenizer, TEXTS)
    assert result.divergence.num == sum(len(text.split()) + 2 for text in TEXTS)
    assert result.divergence.value > 0


def test_what_is_refused(tokenizer):
    with pytest.raises(ValueError, match="there is no answer yet"):
        local_smoothness(classifier(), tokenizer, [])
    with pytest.raises(ValueError, match="radius must be .*-1"):
        LocalSmoothnessConfig(radius=-1)
    with pytest.raises(ValueError, match="norm is '3'"):
        LocalSmoothnessConfig(norm="3")  # pyright: ignore[reportArgumentType]
