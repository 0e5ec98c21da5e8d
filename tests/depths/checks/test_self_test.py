"""The self-test finds planted faults, and says nothing against a model without one."""

import random

import pytest
import torch
from check_faults import FAULTS, bert_tokenizer, gpt2, made, modernbert
from fitting_tokenizers import fitting_tokenizer, words_of
from model_registry.classes import listed_classes
from model_registry.tiny_configs import TinySizes
from model_registry.trial import tiny_model

from hf_apt import check

FEW = {
    *("logits changed after the head", "a final norm by another name", "a weight is NaN"),
    *("in training mode", "the batch's mean added", "the attention mask is dropped"),
    *("equal logits", "a causal class that reads both sides", "causal loss that is not shifted"),
    *("answers a position late", "an untied head", "a longer tokenizer", "the mask is [UNK]"),
}
"""One fault a check, in the fast part."""

ARCHITECTURES = {
    *("AlbertForMaskedLM", "BertForMaskedLM", "CamembertForMaskedLM", "DebertaV2ForMaskedLM"),
    *("DistilBertForMaskedLM", "ElectraForMaskedLM", "ErnieForMaskedLM", "EsmForMaskedLM"),
    *("EuroBertForMaskedLM", "MPNetForMaskedLM", "MegatronBertForMaskedLM", "LukeForMaskedLM"),
    *("ModernBertForMaskedLM", "RemBertForMaskedLM", "RoFormerForMaskedLM", "RobertaForMaskedLM"),
    *("XLMRobertaXLForMaskedLM", "GPT2LMHeadModel", "LlamaForCausalLM", "Qwen3ForCausalLM"),
}
"""Twenty classes whose answers depend on nothing but the text, by design."""


def _marked(fault: str):
    return fault if fault in FEW else pytest.param(fault, marks=pytest.mark.slow)


@pytest.mark.parametrize("fault", [_marked(fault) for fault in FAULTS])
def test_finds(fault):
    name, plant = FAULTS[fault]
    report = check(*plant())
    assert not report.passed
    assert name in [row.name for row in report.failures], report


def test_thirty_faults_are_planted():
    assert len(FAULTS) >= 30
    assert FAULTS.keys() >= FEW


def test_is_my_model_whole():
    """A model of each kind, which passes every check that can be made without a tokenizer."""
    untold = {"answers", "mask token", "special tokens"}
    for whole in (made, gpt2, modernbert):
        report = check(whole())
        others = {row.status for row in report.rows if row.name not in untold}
        assert others == {"passed"}, report


def test_the_model_is_left_as_it_was():
    model = made()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    model.bert.train()
    training = [module.training for module in model.modules()]
    report = check(model, bert_tokenizer())
    assert [row.name for row in report.failures] == ["dropout"], report
    assert [module.training for module in model.modules()] == training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_a_report_shows_itself():
    report = check(made(), bert_tokenizer())
    assert [row.name for row in report.rows if row.status != "passed"] == ["answers"], report
    assert repr(report).startswith("BertForMaskedLM: 15 passed, 0 failed, 1 skipped\n")
    assert list(report.to_pandas().columns) == ["name", "status", "sentence"]
    assert "[&#x27;[CLS]&#x27;]" in report._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("bert-base-uncased",), "'bert-base-uncased' is no loaded model: hand over"),
        ((None,), "None is no loaded model"),
    ],
)
def test_what_is_no_model_is_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        check(*arguments)


def test_a_text_without_its_tokenizer_is_refused():
    with pytest.raises(ValueError, match="text must be words, with the tokenizer"):
        check(made(), None, "w1 w2")


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_no_false_alarm_on_random_configurations(name):
    """Five configurations of each of twenty classes, without and with a tokenizer that fits."""
    (listed,) = [each for each in listed_classes() if each.name == name]
    draw = random.Random(name)
    for seed in range(5):
        heads = draw.choice([2, 4])
        sizes = TinySizes(
            vocab_size=draw.randrange(40, 400),
            hidden_size=heads * draw.choice([8, 16]),
            num_blocks=draw.randrange(2, 5),
            num_heads=heads,
            intermediate_size=draw.randrange(16, 100),
            positions=draw.choice([32, 64, 128]),
        )
        model = tiny_model(listed, sizes, seed=seed)
        is_causal = "MaskedLM" not in name
        tokenizer = fitting_tokenizer(model.config, is_causal=is_causal, seed=seed)
        for given in ((), (tokenizer, words_of(tokenizer, 40, seed=seed))):
            report = check(model, *given)
            assert report.passed, (sizes, report)
        status = {row.name: row.status for row in report.rows}
        assert status["rows"] == status["special tokens"] == "passed", (sizes, report)
        assert status["mask token"] == ("skipped" if is_causal else "passed"), (sizes, report)
