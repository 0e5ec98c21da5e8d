"""Is it normal? The ruler beside a measurement in training: models, masking rate, one sentence."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from small_trainers import VOCAB, made, premasked, rows, stacked, trainer_of

from hf_apt.records.references.reference_models import nearest_models
from hf_apt.records.references.ruler import ruler
from hf_apt.stats.counts import DepthCounts
from trainer_callbacks import AptCallback


def entry(folder, prefix="eval", step=0) -> dict[str, Any]:
    return json.loads((folder / "apt" / f"{prefix}-step-{step:08d}.json").read_text())


def evaluated(folder, tokenizer, family="bert", **changed) -> tuple[dict[str, Any], Any]:
    trainer = trainer_of(folder, tokenizer, family, callbacks=[AptCallback()], **changed)
    trainer.evaluate()
    return entry(folder), trainer


@pytest.mark.parametrize("has_words", [True, False])
def test_the_share_asked_is_counted_and_models_are_chosen_by_it(has_words, tokenizer, tmp_path):
    data = premasked(40, seed=3)
    words = tokenizer if has_words else None
    content, _ = evaluated(
        tmp_path, tokenizer, eval_dataset=data, data_collator=stacked, processing_class=words
    )
    asked = sum(label != -100 for row in data for label in row["labels"])
    # All tokens of these rows are words, or [MASK] where one is asked for.
    share = asked / sum(len(row["labels"]) for row in data)
    said = content["ruler"]
    assert said["masking_rate"] == pytest.approx(share, abs=1e-12)
    assert said["vocab_size"] == VOCAB
    assert said["models"] == nearest_models(VOCAB, share)


def test_special_tokens_and_padding_could_not_be_asked(tokenizer, tmp_path):
    """A masking of fifteen in a hundred shows as that, whatever stands around the words."""
    content, _ = evaluated(tmp_path, tokenizer, eval_dataset=rows(400, seed=2))
    assert content["ruler"]["masking_rate"] == pytest.approx(0.15, abs=0.03)
    asked = int(np.load(tmp_path / "apt" / "eval-step-00000000.npz")["support"].sum())
    words = sum(len(row["input_ids"]) - 2 for row in rows(400, seed=2))
    assert content["ruler"]["masking_rate"] == asked / words


def test_the_sentence_is_that_of_a_measurement(tokenizer, tmp_path):
    """Of the same counts, by the table that `hf-apt measure` ends with."""
    from hf_apt.report.ruler_table import ruler_sentence

    data = premasked(40, seed=3)
    content, trainer = evaluated(tmp_path, tokenizer, eval_dataset=data, data_collator=stacked)
    batch = stacked(data)
    with torch.no_grad():
        answers = trainer.model.eval()(input_ids=batch["input_ids"]).logits.argmax(-1)
    labels, shown = batch["labels"], batch["input_ids"]
    asked = labels != -100
    treatments = np.where(shown[asked] == 4, 0, np.where(shown[asked] == labels[asked], 2, 1))
    counts = DepthCounts.empty(1, VOCAB)
    counts.update(labels[asked].numpy(), answers[asked].numpy()[None], treatments)
    accuracy = float((answers[asked] == labels[asked]).float().mean())
    rate = content["ruler"]["masking_rate"]
    made_ruler = ruler(counts, vocab_size=VOCAB, masking_rate=rate) | {"floors": content["floors"]}
    summary: Any = {
        "ruler": made_ruler,
        "readouts": {"own_head": [{"masked_accuracy": {"pooled": {"value": accuracy}}}]},
    }
    assert content["ruler"]["sentence"] == ruler_sentence(summary)
    assert f"Accuracy {accuracy:.4f} is" in content["ruler"]["sentence"]


def test_a_causal_model_is_compared_with_floors_alone(tokenizer, tmp_path):
    content, _ = evaluated(tmp_path, tokenizer, "gpt2")
    said = content["ruler"]
    assert said["masking_rate"] is None
    assert said["models"] == []
    assert "guess" in said["sentence"]
    assert "measured" not in said["sentence"]


def test_where_answers_are_missing_nothing_is_said(tokenizer, tmp_path):
    model = made("bert")
    with torch.no_grad():
        model.bert.encoder.layer[-1].output.dense.bias.fill_(float("nan"))
    content, _ = evaluated(tmp_path, tokenizer, model=model)
    assert content["ruler"]["sentence"] is None
    assert content["ruler"]["models"]


def test_two_callbacks_that_share_a_pass_share_the_rate(tokenizer, tmp_path):
    callbacks = [AptCallback(), AptCallback()]
    trainer = trainer_of(tmp_path, tokenizer, callbacks=callbacks)
    trainer.evaluate()
    first, second = (each.measurement.asked_share for each in callbacks)
    assert first == second == entry(tmp_path)["ruler"]["masking_rate"] > 0


def test_treatments_are_compared_on_the_tokens_that_all_of_them_asked(tokenizer, tmp_path):
    """By a loop; a token that one of them did not ask for is in no mean."""
    data = premasked(12, seed=4)
    content, trainer = evaluated(tmp_path, tokenizer, eval_dataset=data, data_collator=stacked)
    batch = stacked(data)
    with torch.no_grad():
        answers = trainer.model.eval()(input_ids=batch["input_ids"]).logits.argmax(-1)
    right: dict[str, dict[int, list[bool]]] = {"masked": {}, "replaced": {}, "unchanged": {}}
    columns = (batch["input_ids"], batch["labels"], answers)
    for shown, label, answer in zip(*(it.flatten().tolist() for it in columns), strict=True):
        if label != -100:
            kind = "masked" if shown == 4 else "unchanged" if shown == label else "replaced"
            right[kind].setdefault(label, []).append(answer == label)
    common = sorted(set.intersection(*map(set, right.values())))
    last = content["depths"][-1]
    assert 1 < len(common) < last["pooled"]["mean_apt"]["num"]
    for kind, answers_of in right.items():
        means = [np.mean(answers_of[token]) for token in common]
        assert last[kind]["mean_apt_common"]["num"] == len(common)
        assert last[kind]["mean_apt_common"]["value"] == pytest.approx(np.mean(means))
    pooled = [np.mean(sum((right[kind][t] for kind in right), [])) for t in common]
    assert last["pooled"]["mean_apt_common"]["value"] == pytest.approx(np.mean(pooled))
