"""Two answers at two places: losses as by hand, no mention no gradient, saved and loaded alike."""

import copy
from typing import Any

import pytest
import torch
from span_tokenizers import encoder_for, grammar, tokenizer_of
from torch.nn.functional import log_softmax
from transformers import (
    AlbertConfig,
    AlbertForTokenClassification,
    DistilBertConfig,
    DistilBertForTokenClassification,
    RobertaConfig,
    RobertaForTokenClassification,
)

from hf_apt.models.bert6 import Bert6Config
from hf_apt.models.bert6.modeling_bert6 import Bert6ForTokenClassification
from hf_apt.spans.span_draws import SpanCollator, SpanDraws
from hf_apt.spans.span_format import SpanFormat
from hf_apt.spans.span_model import SpanModel
from hf_apt.spans.span_rows import SpanRows
from hf_apt.stats.counts import NOT_ASKED

LABELS = ("person", "place", "thing")
SMALL: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 64,
}


def batch_of(form: SpanFormat, num: int = 40) -> dict[str, torch.Tensor]:
    rows = SpanRows(tokenizer_of("bert"), form)
    draws = SpanDraws(grammar(3), rows, LABELS, num_epochs=1, seed=0)
    batch = SpanCollator(0)([draws[number] for number in range(num)])
    assert 0 < batch["labels"].sum() < num
    return batch


def model_of(form: SpanFormat) -> SpanModel:
    trunk = encoder_for(tokenizer_of("bert")).base_model
    model = SpanModel.on_trunk(trunk, LABELS, form, seed=0)
    with torch.no_grad():  # heads that answer
        for name, weight in model.named_parameters():
            if "head" in name:
                weight.normal_(0, 0.5, generator=torch.Generator().manual_seed(len(name)))
    return model


FORM = SpanFormat(sequence_length=64)
MERGED = SpanFormat(sequence_length=64, merged=True)


def test_the_loss_is_that_by_hand() -> None:
    batch, model = batch_of(FORM), model_of(FORM)
    output = model(**batch)
    hidden = model.trunk(
        input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]
    ).last_hidden_state
    entity, types = [], []
    for row in range(len(hidden)):
        at_entity = hidden[row, batch["entity_positions"][row]]
        at_type = hidden[row, batch["type_positions"][row]]
        entity.append(log_softmax(model.entity_head(at_entity), 0)[batch["labels"][row]])
        if batch["labels"][row]:
            label = batch["type_labels"][row]
            types.append(log_softmax(model.type_head(at_type), 0)[label])
    expected = -torch.stack(entity).mean() - torch.stack(types).mean()
    torch.testing.assert_close(output.loss, expected)


def test_merged_it_is_one_choice() -> None:
    """The cross-entropy of none and the types together, over all rows."""
    batch, model = batch_of(MERGED), model_of(MERGED)
    output = model(**batch)
    hidden = model.trunk(
        input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]
    ).last_hidden_state
    rows = torch.arange(len(hidden))
    choice = model.choice_head(hidden[rows, batch["entity_positions"]])
    target = (batch["type_labels"] + 1).clamp(min=0)
    torch.testing.assert_close(output.loss, torch.nn.functional.cross_entropy(choice, target))
    torch.testing.assert_close(
        output.logits.softmax(1)[:, 1], 1 - choice.softmax(1)[:, 0], atol=1e-6, rtol=1e-5
    )
    assert torch.equal(output.type_logits.argmax(1), choice[:, 1:].argmax(1))


@pytest.mark.parametrize("form", [FORM, MERGED])
def test_without_a_mention_the_types_have_no_loss_and_no_gradient(form) -> None:
    batch, model = batch_of(form), model_of(form)
    batch |= {"labels": torch.zeros(40, dtype=torch.long)}
    batch |= {"type_labels": torch.full((40,), NOT_ASKED)}
    alone = model(**{name: each for name, each in batch.items() if name != "type_labels"}).loss
    output = model(**batch)
    assert torch.equal(output.loss, alone)
    output.loss.backward()
    gradients = {name: weight.grad for name, weight in model.named_parameters()}
    assert all(each is None or each.isfinite().all() for each in gradients.values())
    if not form.merged:
        assert model.type_head.weight.grad is not None
        assert model.type_head.weight.grad.abs().max() == 0


def test_padding_changes_nothing() -> None:
    batch, model = batch_of(FORM), model_of(FORM)
    expected = model(**batch)
    longer = {
        name: torch.nn.functional.pad(batch[name], (0, 7))
        for name in ("input_ids", "attention_mask")
    }
    actual = model(**batch | longer)
    torch.testing.assert_close(actual.logits, expected.logits, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(actual.type_logits, expected.type_logits, atol=1e-5, rtol=1e-5)


def test_embeddings_in_place_of_ids_answer_alike() -> None:
    batch, model = batch_of(FORM), model_of(FORM)
    expected = model(**batch)
    ids = batch.pop("input_ids")
    actual = model(**batch, inputs_embeds=model.get_input_embeddings()(ids))
    torch.testing.assert_close(actual.logits, expected.logits)


FAMILIES = {
    "roberta": lambda size: RobertaForTokenClassification(
        RobertaConfig(**SMALL | {"max_position_embeddings": 65}, vocab_size=size, pad_token_id=0)
    ),
    "albert": lambda size: AlbertForTokenClassification(
        AlbertConfig(**SMALL, vocab_size=size, embedding_size=8)
    ),
    "distilbert": lambda size: DistilBertForTokenClassification(
        DistilBertConfig(vocab_size=size, dim=16, n_layers=1, n_heads=2, hidden_dim=16)
    ),
    "bert6": lambda size: Bert6ForTokenClassification(Bert6Config(**SMALL, vocab_size=size)),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("form", [FORM, MERGED])
def test_any_encoder_is_saved_and_loaded(family, form, tmp_path) -> None:
    tagger = FAMILIES[family](len(tokenizer_of("bert"))).eval()
    model = SpanModel.on_trunk(tagger.base_model, LABELS, form, seed=1)
    model.save_pretrained(tmp_path)
    loaded: Any = SpanModel.from_pretrained(tmp_path, output_loading_info=True)
    again, loading = loaded
    assert not loading["missing_keys"]
    assert not loading["unexpected_keys"]
    assert again.config.span_format() == form
    assert again.config.labels() == LABELS
    batch = batch_of(form)
    for name in ("logits", "type_logits", "loss"):
        assert torch.equal(again(**batch)[name], model(**batch)[name])


def test_heads_are_drawn_from_the_seed_and_nothing_else_is() -> None:
    trunk = encoder_for(tokenizer_of("bert")).base_model
    state = torch.get_rng_state()
    one, two, other = (
        SpanModel.on_trunk(copy.deepcopy(trunk), LABELS, SpanFormat(sequence_length=32), seed=seed)
        for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(one.entity_head.weight, two.entity_head.weight)
    assert not torch.equal(one.entity_head.weight, other.entity_head.weight)
    for name, weight in trunk.named_parameters():
        assert torch.equal(one.trunk.get_parameter(name), weight)


def test_what_cannot_be_a_model_is_named() -> None:
    trunk = encoder_for(tokenizer_of("bert")).base_model
    with pytest.raises(ValueError, match="has types, each once"):
        SpanModel.on_trunk(trunk, ("a", "a"), FORM, seed=0)
    with pytest.raises(ValueError, match="longer than the model's 64 positions"):
        SpanModel.on_trunk(trunk, LABELS, SpanFormat(sequence_length=65), seed=0)
    with pytest.raises(ValueError, match="give their two positions"):
        model_of(FORM)(torch.ones(1, 4, dtype=torch.long))
