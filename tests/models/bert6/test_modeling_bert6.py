"""Laws of BERT-6: BERT-base with six blocks, known to transformers, with a loss that is right."""

import dataclasses
import json
from typing import Any

import pytest
import torch
from fresh_process import CLASSES_CHOSEN, NO_HF_APT, answer
from transformers import BertConfig, BertForMaskedLM, pipeline

from hf_apt.models.bert6 import Bert6Config, Bert6ForMaskedLM
from hf_apt.models.fresh import new_model, untrained_twin
from hf_apt.models.shapes import ModelShape

HF_APT_FIRST = """
import sys
import hf_apt
assert not {"torch", "transformers", "numpy"} & set(sys.modules), "importing hf_apt is not light"
"""
AUTO_CLASSES_FIRST = """
from transformers import AutoConfig, AutoModelForMaskedLM, AutoModelForTokenClassification
from transformers import AutoTokenizer, BertConfig
AutoModelForMaskedLM.from_config(BertConfig(num_hidden_layers=1, hidden_size=12))
assert BertConfig in AutoModelForTokenClassification._model_mapping
import hf_apt
"""
BERT_CONFIG_FIRST = """
from transformers import BertConfig
import hf_apt
"""
# Opens the checkpoint where there is no hf_apt: by its own code, and as a plain BERT.
WITHOUT_HF_APT = (
    NO_HF_APT
    + """
import json, sys
import numpy as np, torch
from transformers import AutoModelForMaskedLM, BertForMaskedLM
checkpoint, ids = sys.argv[1], torch.from_numpy(np.load(sys.argv[2]))
remote = AutoModelForMaskedLM.from_pretrained(checkpoint, trust_remote_code=True)
plain, loading = BertForMaskedLM.from_pretrained(checkpoint, output_loading_info=True)
assert not any(name.split(".")[0] == "hf_apt" for name in sys.modules)
print(json.dumps({
    "remote": [type(remote).__name__, type(remote).__module__.split(".")[0]],
    "not loaded": sorted(loading["missing_keys"]) + sorted(loading["unexpected_keys"]),
    "logits": [model(ids).logits.tolist() for model in (remote, plain)],
}))
"""
)


@pytest.fixture
def ids() -> torch.Tensor:
    return torch.randint(5, 65, (3, 17), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    "order",
    [
        HF_APT_FIRST,
        *(
            pytest.param(order, marks=pytest.mark.slow)
            for order in (AUTO_CLASSES_FIRST, BERT_CONFIG_FIRST)
        ),
    ],
)
def test_every_auto_class_knows_bert6_in_every_order_of_imports(order, checkpoint, tiny_model, ids):
    # A folder that does not say which tokenizer it holds: the model type tells.
    described = checkpoint / "tokenizer_config.json"
    content = json.loads(described.read_text())
    del content["tokenizer_class"]
    described.write_text(json.dumps(content))
    printed = answer(order + CLASSES_CHOSEN, checkpoint, ids)
    configuration, modeling = (
        "hf_apt.models.bert6.configuration_bert6",
        "hf_apt.models.bert6.modeling_bert6",
    )
    assert printed["classes"] == [
        f"{configuration}.Bert6Config",
        f"{configuration}.Bert6Config",
        f"{modeling}.Bert6ForMaskedLM",
        f"{modeling}.Bert6Model",
        f"{modeling}.Bert6ForMaskedLM",
        f"{modeling}.Bert6ForMaskedLM",
        f"{modeling}.Bert6ForSequenceClassification",
        f"{modeling}.Bert6ForTokenClassification",
    ]
    assert printed["tokenizer"] == ["BertTokenizer", [2, 5 + 3, 5 + 5, 3]]
    torch.testing.assert_close(torch.tensor(printed["logits"]), tiny_model(ids).logits)


def test_a_checkpoint_opens_where_there_is_no_hf_apt(checkpoint, tiny_model, ids):
    printed = answer(WITHOUT_HF_APT, checkpoint, ids)
    assert printed["remote"] == ["Bert6ForMaskedLM", "transformers_modules"]
    assert printed["not loaded"] == []
    for logits in printed["logits"]:
        torch.testing.assert_close(torch.tensor(logits), tiny_model(ids).logits)


def test_the_defaults_are_those_of_bert_base_but_for_six_blocks():
    assert Bert6Config().num_hidden_layers == 6
    ours, stock = Bert6Config().to_dict(), BertConfig().to_dict()
    changed = {key for key in ours | stock if ours.get(key) != stock.get(key)}
    assert changed == {"model_type", "num_hidden_layers"}
    assert (stock["hidden_size"], stock["num_attention_heads"]) == (768, 12)
    shape = ModelShape()
    assert (shape.num_blocks, shape.hidden_size, shape.num_heads) == (6, 768, 12)
    assert shape.intermediate_size == stock["intermediate_size"] == 3072


def test_the_configuration_adds_no_field():
    names = [field.name for field in dataclasses.fields(BertConfig)]
    assert [field.name for field in dataclasses.fields(Bert6Config)] == names


def test_a_new_model_has_the_asked_shape_and_leaves_the_random_state_alone(tokens):
    state = torch.get_rng_state()
    shape = ModelShape(hidden_size=24, num_heads=3, num_blocks=4, dropout=0.2)
    model = new_model(shape, tokens, seed=5)
    assert torch.equal(torch.get_rng_state(), state)
    assert len(model.bert.encoder.layer) == 4
    assert model.bert.embeddings.word_embeddings.weight.shape == (65, 24)
    assert model.bert.encoder.layer[0].intermediate.dense.out_features == 96
    assert model.config.hidden_dropout_prob == model.config.attention_probs_dropout_prob == 0.2
    again, other = new_model(shape, tokens, seed=5), new_model(shape, tokens, seed=6)
    weight = model.cls.predictions.transform.dense.weight
    assert torch.equal(weight, again.cls.predictions.transform.dense.weight)
    assert not torch.equal(weight, other.cls.predictions.transform.dense.weight)
    twin = untrained_twin(model)
    assert type(twin) is type(model)
    assert not twin.training
    assert twin.config.to_dict() == model.config.to_dict()
    assert not torch.equal(weight, twin.cls.predictions.transform.dense.weight)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_width_that_the_heads_do_not_divide_is_refused(tokens):
    with pytest.raises(ValueError, match="hidden size 10 is no multiple of 4 heads"):
        new_model(ModelShape(hidden_size=10, num_heads=4), tokens, seed=0)


def without_dropout(tokens: Any) -> tuple[Bert6ForMaskedLM, BertForMaskedLM]:
    """A BERT-6 and a stock BERT of the same weights."""
    shape = ModelShape(hidden_size=16, num_heads=2, num_blocks=2, dropout=0.0)
    ours = new_model(shape, tokens, seed=3)
    stock = BertForMaskedLM(BertConfig(**ours.config.to_dict() | {"model_type": "bert"}))
    stock.load_state_dict(ours.state_dict())
    return ours, stock


def some_labels(ids: torch.Tensor) -> torch.Tensor:
    """Few, and not the same number in each row; none at all in the last."""
    asked = torch.rand(ids.shape, generator=torch.Generator().manual_seed(2)) < 0.3
    asked[-1] = False
    return torch.where(asked, (ids * 7) % 65, -100)


@pytest.mark.parametrize("num_items", [None, 29, torch.tensor(29)])
def test_training_computes_the_loss_and_gradients_of_the_full_model(tokens, ids, num_items):
    ours, stock = without_dropout(tokens)
    labels, present = some_labels(ids), torch.ones_like(ids)
    present[1, 12:] = 0
    stock_logits = stock.train()(ids, attention_mask=present).logits
    expected = torch.zeros(())
    for row, column in (labels != -100).nonzero().tolist():
        log_probabilities = stock_logits[row, column].log_softmax(dim=0)
        expected = expected - log_probabilities[labels[row, column]]
    expected = expected / int((labels != -100).sum() if num_items is None else num_items)
    expected.backward()

    outputs = ours.train()(ids, attention_mask=present, labels=labels, num_items_in_batch=num_items)
    outputs.loss.backward()
    torch.testing.assert_close(outputs.loss, expected, rtol=1e-5, atol=1e-5)
    in_order = [stock_logits[place] for place in map(tuple, (labels != -100).nonzero().tolist())]
    torch.testing.assert_close(outputs.logits, torch.stack(in_order))
    gradients = {name: weight.grad for name, weight in stock.named_parameters()}
    for name, weight in ours.named_parameters():
        if weight.grad is None:  # the pooler's, where there is one
            assert gradients[name] is None
        else:
            torch.testing.assert_close(weight.grad, gradients[name], rtol=1e-5, atol=1e-5)


def test_evaluation_gives_logits_everywhere_and_the_stock_loss(tokens, ids):
    ours, stock = without_dropout(tokens)
    labels = some_labels(ids)
    with torch.no_grad():
        outputs = ours.eval()(ids, labels=labels)
        expected = stock.eval()(ids, labels=labels)
        unlabelled = ours.train()(ids)
    assert outputs.logits.shape == (3, 17, 65)
    torch.testing.assert_close(outputs.logits, expected.logits)
    torch.testing.assert_close(outputs.loss, expected.loss)
    torch.testing.assert_close(unlabelled.logits, expected.logits)
    assert unlabelled.loss is None


def test_a_batch_of_which_nothing_is_asked_adds_nothing(tokens, ids):
    ours, _ = without_dropout(tokens)
    labels = torch.full_like(ids, -100)
    outputs = ours.train()(ids, labels=labels, num_items_in_batch=torch.tensor(11))
    outputs.loss.backward()
    assert outputs.loss.item() == 0
    assert outputs.logits.shape == (0, 65)
    # Every weight has its (zero) gradient: processes that share a batch wait for all of them.
    for name, weight in ours.named_parameters():
        assert weight.grad is not None, name
        assert not weight.grad.any(), name


def test_hidden_states_and_attentions_are_given_when_asked(tokens, ids):
    ours, stock = without_dropout(tokens)
    ours.set_attn_implementation("eager")
    stock.set_attn_implementation("eager")
    options = {"output_hidden_states": True, "output_attentions": True}
    outputs, expected = ours.train()(ids, labels=some_labels(ids), **options), stock(ids, **options)
    assert len(outputs.hidden_states) == 3
    torch.testing.assert_close(outputs.hidden_states, expected.hidden_states)
    torch.testing.assert_close(outputs.attentions, expected.attentions)


def test_the_fill_mask_pipeline_works(checkpoint, tiny_model, tokenizer):
    fill = pipeline("fill-mask", model=str(checkpoint), device="cpu")
    entries = fill("w1 [MASK] w3", top_k=3)
    encoded = torch.tensor([tokenizer("w1 [MASK] w3")["input_ids"]])
    probabilities = tiny_model(encoded).logits[0, 2].softmax(dim=0)
    best = probabilities.topk(3)
    assert [entry["token"] for entry in entries] == best.indices.tolist()
    assert [entry["score"] for entry in entries] == pytest.approx(best.values.tolist())
