"""The committee as a model of transformers: its members' answers, saved and read, in a Trainer."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
import transformers as hf
from small_classifiers import CLASSIFIERS, batch, classifier

import hf_apt
from hf_apt.models.committee import COMBINATIONS, combined
from hf_apt.models.encoders import load_encoder

FAMILIES = list(CLASSIFIERS)


def committee(*families, combination="mean_softmax"):
    members = [classifier(family, seed) for seed, family in enumerate(families)]
    return hf_apt.SoftCommittee.from_members(members, combination)


def answers(model, **inputs):
    with torch.no_grad():
        return model(**inputs)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_committee_of_one_is_its_member(family):
    member = classifier(family)
    before = answers(member, **batch()).logits
    assert before.std(dim=0).min() > 1e-3, "texts are told apart"
    one = hf_apt.SoftCommittee.from_members([member])
    logits = answers(one, **batch()).logits
    torch.testing.assert_close(logits.exp(), before.softmax(dim=-1))
    assert one.members[0] is member, "held, not copied"
    assert torch.equal(answers(member, **batch()).logits, before), "and not changed"


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_members_of_all_families_answer_together(combination):
    soft = committee(*FAMILIES, combination=combination)
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    # The tokenizers of some members give token types, those of others do not.
    types = torch.zeros_like(batch()["input_ids"])
    output = answers(soft, **batch(), token_type_ids=types, labels=labels)
    rows = [answers(member, **batch()).logits for member in soft.members]
    assert len(rows) == len(FAMILIES) == 9
    expected = combined(torch.stack(rows), combination)
    torch.testing.assert_close(output.logits, expected)
    torch.testing.assert_close(output.loss, torch.nn.functional.cross_entropy(expected, labels))
    as_tuple = answers(soft, **batch(), labels=labels, return_dict=False)
    torch.testing.assert_close(as_tuple, (output.loss, output.logits))


class Strict(hf.BertForSequenceClassification):
    """One that takes nothing that it does not know."""

    def forward(self, input_ids, attention_mask=None, return_dict=None):
        return super().forward(input_ids, attention_mask=attention_mask)


def test_members_are_given_what_they_take():
    member = Strict(classifier("bert").config).eval()
    one = hf_apt.SoftCommittee.from_members([member])
    types = torch.ones_like(batch()["input_ids"])
    plain = answers(member, **batch()).logits
    logits = answers(one, **batch(), token_type_ids=types).logits
    torch.testing.assert_close(logits.exp(), plain.softmax(dim=-1))
    other = hf_apt.SoftCommittee.from_members([classifier("bert")])
    changed = answers(other, **batch(), token_type_ids=types).logits
    assert (changed - answers(other, **batch()).logits).abs().max() > 1e-3


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_padding_changes_nothing(combination):
    soft = committee(*FAMILIES, combination=combination)
    inputs = batch()
    together = answers(soft, **inputs).logits
    for place, length in enumerate(inputs["attention_mask"].sum(dim=1)):
        alone = {name: value[place : place + 1, :length] for name, value in inputs.items()}
        torch.testing.assert_close(
            answers(soft, **alone).logits[0], together[place], atol=1e-5, rtol=1e-5
        )


def test_it_is_read_as_it_was_saved(tmp_path):
    saved = committee(*FAMILIES, combination="mean_logits")
    saved.save_pretrained(tmp_path)
    assert [file.name for file in tmp_path.glob("*.safetensors")] == ["model.safetensors"]
    text = (tmp_path / "config.json").read_text()
    assert "_name_or_path" not in text
    assert text.count("auto_map") == 1  # not of each member
    assert [member["model_type"] for member in json.loads(text)["members"]][:3] == [
        *("bert6", "bert_conv", "bert")
    ]
    read = hf.AutoModelForSequenceClassification.from_pretrained(tmp_path)
    assert isinstance(read, hf_apt.SoftCommittee)
    assert not read.training
    assert [type(one) for one in read.members] == [type(one) for one in saved.members]
    assert read.config.combination == "mean_logits"
    assert read.config.id2label == {0: "a", 1: "b", 2: "c"}
    assert torch.equal(answers(read, **batch()).logits, answers(saved, **batch()).logits)
    other = hf_apt.SoftCommittee.from_pretrained(tmp_path, combination="majority")
    assert other.config.combination == "majority"


OPENED_BY_A_STRANGER = """
import importlib.abc, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "hf_apt":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

absent = Absent()
sys.meta_path.insert(0, absent)
from transformers import AutoModelForSequenceClassification

def opened(**options):
    return AutoModelForSequenceClassification.from_pretrained(sys.argv[1], **options)

for options in ({"trust_remote_code": False}, {"trust_remote_code": True}):
    try:
        opened(**options)
    except (ImportError, ValueError) as error:
        print(" ".join(str(error).split()))
sys.meta_path.remove(absent)
print(type(opened(trust_remote_code=True)).__module__)
"""


@pytest.mark.slow
def test_whoever_has_no_hf_apt_is_told_what_to_install(tmp_path):
    committee("bert", "bert6").save_pretrained(tmp_path / "saved")
    done = subprocess.run(
        [sys.executable, "-c", OPENED_BY_A_STRANGER, str(tmp_path / "saved")],
        env=os.environ | {"HF_MODULES_CACHE": str(tmp_path / "modules")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    refusal, hint, module = done.stdout.splitlines()
    assert "trust_remote_code=True" in refusal
    assert "pip install hf_apt" in hint
    assert module == "hf_apt.models.committee.modeling_committee"


def test_a_committee_can_be_a_member_and_an_encoder(tmp_path, tokenizer):
    inner = committee("bert", "distilbert")
    outer = hf_apt.SoftCommittee.from_members([inner, classifier("roberta")])
    outer.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    encoder = load_encoder(str(tmp_path), label_names=("a", "b", "c"))
    assert torch.equal(answers(encoder.model, **batch()).logits, answers(outer, **batch()).logits)
    with pytest.raises(ValueError, match="they do not belong together"):
        load_encoder(str(tmp_path), label_names=("a", "b"))


def test_a_list_of_checkpoints_makes_a_committee(tmp_path):
    folders = []
    for family in ("bert", "distilbert"):
        classifier(family).save_pretrained(tmp_path / family)
        folders.append(tmp_path / family)
    soft = hf_apt.SoftCommittee.from_pretrained(folders, combination="majority")
    expected = hf_apt.SoftCommittee.from_members(list(soft.members), "majority")
    assert torch.equal(answers(soft, **batch()).logits, answers(expected, **batch()).logits)
    for member, family in zip(soft.members, ("bert", "distilbert"), strict=True):
        own = answers(classifier(family), **batch()).logits
        assert torch.equal(answers(member, **batch()).logits, own)


def test_checkpoints_that_are_no_classifiers_are_refused(checkpoint, tmp_path):
    for folders, sentence in (
        ([], "at least one member, got none"),
        ([checkpoint], "is no fine-tuned classifier: its weights lack"),
        ([tmp_path / "none"], "there is no checkpoint folder"),
    ):
        with pytest.raises(ValueError, match=sentence):
            hf_apt.SoftCommittee.from_pretrained(folders)


def other_labels(config):
    config.id2label, config.label2id = {0: "a", 1: "b", 2: "d"}, {"a": 0, "b": 1, "d": 2}


def other_vocabulary(config):
    config.vocab_size = 70


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (other_labels, "member 1 of the committee has the labels a, b, d and member 0 has a, b, c"),
        (other_vocabulary, "member 1 of the committee has the vocabulary size 70 and member 0"),
    ],
)
def test_members_that_disagree_are_refused(change, sentence):
    config = classifier("bert").config
    change(config)
    with pytest.raises(ValueError, match=sentence):
        hf_apt.SoftCommittee.from_members(
            [classifier("bert"), hf.BertForSequenceClassification(config)]
        )


def test_no_members_and_unknown_combinations_are_refused(tmp_path):
    with pytest.raises(ValueError, match="at least one member"):
        hf_apt.SoftCommittee.from_members([])
    with pytest.raises(ValueError, match="at least one member"):
        hf_apt.SoftCommittee(hf_apt.SoftCommitteeConfig())
    with pytest.raises(ValueError, match="no combination is called 'best'"):
        committee("bert", combination="best")
    committee("bert").save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="no combination is called 'best'"):
        hf_apt.SoftCommittee.from_pretrained(tmp_path, combination="best")


def test_a_plain_trainer_evaluates_it(tmp_path, tokenizer):
    soft = committee("bert", "distilbert")
    inputs, labels = batch(), torch.tensor([0, 1, 2, 0, 1, 2])
    rows = [
        {"input_ids": ids[mask.bool()].tolist(), "labels": int(label)}
        for ids, mask, label in zip(*inputs.values(), labels, strict=True)
    ]
    arguments = hf.TrainingArguments(
        output_dir=str(tmp_path), per_device_eval_batch_size=4, report_to="none", use_cpu=True
    )
    trainer = hf.Trainer(
        model=soft,
        args=arguments,
        eval_dataset=rows,
        data_collator=hf.DataCollatorWithPadding(tokenizer),
        compute_metrics=lambda given: {
            "accuracy": float((given.predictions.argmax(-1) == given.label_ids).mean())
        },
    )
    metrics = trainer.evaluate()
    output = answers(soft, **inputs, labels=labels)
    assert metrics["eval_loss"] == pytest.approx(output.loss.item(), rel=1e-5)
    right = (output.logits.argmax(dim=-1) == labels).float().mean().item()
    assert metrics["eval_accuracy"] == pytest.approx(right)
    predictions = trainer.predict(rows).predictions
    np.testing.assert_allclose(predictions, output.logits.numpy(), atol=1e-5)
