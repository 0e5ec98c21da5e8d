"""Whether a model has any dropout: by its modules, and by what its configuration says."""

import pytest
import torch
from small_classifiers import classifier
from transformers import LlamaConfig, LlamaForSequenceClassification
from workers.objectives import classifier as bert

from hf_apt.models.lora import with_adapter
from hf_apt.training.adversary.any_dropout import has_dropout


@pytest.mark.parametrize(("dropout", "expected"), [(0.0, False), (0.2, True)])
def test_modules_say_it(dropout, expected):
    model = bert(dropout)
    assert has_dropout(model) is expected
    assert has_dropout(with_adapter(model, 2, seed=0)) is expected


def test_the_classifiers_own_counts_and_so_does_a_configuration():
    distil = classifier("distilbert")
    distil.config.dropout = distil.config.attention_dropout = 0.0
    assert has_dropout(distil), "before the classifier there is some"
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_attention_heads": 2, "vocab_size": 9}
    for dropout in (0.0, 0.1):  # that of attention, which no module holds
        config = LlamaConfig(**sizes, num_hidden_layers=1, attention_dropout=dropout)
        assert has_dropout(LlamaForSequenceClassification(config)) is (dropout > 0)


def test_what_has_no_configuration_is_asked_by_its_modules():
    assert not has_dropout(torch.nn.Linear(2, 2))
    assert has_dropout(torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout(0.1)))
