"""What transformers asks of every model of its own, asked of BERT-6 and its convolutional kin."""

import json
from typing import Any

import pytest
import torch
from bert_kinds import AUTO_CLASSES, HEADS, SMALL, TYPES, labels_of, made
from fresh_process import NO_HF_APT, answer
from transformers import BertConfig, BertForMaskedLM

import hf_apt  # noqa: F401 - registers what is asked for here
from hf_apt.models.bert6 import modeling_bert6

every_type = pytest.mark.parametrize("kind", TYPES)
every_class = pytest.mark.parametrize(
    ("kind", "head"), [(kind, head) for kind in TYPES for head in HEADS]
)


@pytest.fixture
def ids() -> torch.Tensor:
    return torch.randint(5, 65, (3, 9), generator=torch.Generator().manual_seed(1))


@every_class
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("shown", [False, True])
def test_a_tuple_holds_what_the_output_holds(kind, head, training, shown, ids):
    wanted = {"output_hidden_states": shown, "output_attentions": shown}
    inputs = {"input_ids": ids, **labels_of(head, ids), **wanted}
    model = made(kind, head, attn_implementation="eager").train(training)
    by_config = made(kind, head, return_dict=False, attn_implementation="eager").train(training)
    expected = model(**inputs).to_tuple()
    for answer_tuple in (model(**inputs, return_dict=False), by_config(**inputs)):
        assert type(answer_tuple) is tuple
        assert len(answer_tuple) == len(expected) > 0
        torch.testing.assert_close(answer_tuple, expected)
    named = by_config(**inputs, return_dict=True)
    torch.testing.assert_close(named.to_tuple(), expected)


@every_class
def test_states_and_attentions_are_one_for_each_depth(kind, head, ids):
    model = made(kind, head, attn_implementation="eager")
    outputs = model(ids, output_hidden_states=True, output_attentions=True)
    num_states = 3 + (kind == "bert_conv")
    assert [state.shape for state in outputs.hidden_states] == [(3, 9, 16)] * num_states
    assert [weights.shape for weights in outputs.attentions] == [(3, 2, 9, 9)] * 2
    trunk = model if head == "Model" else model.bert
    assert torch.equal(outputs.hidden_states[-1], trunk(ids).last_hidden_state)
    assert model(ids).hidden_states is None


@pytest.mark.parametrize("chosen", [-1, 0, [1, 2]])
def test_some_states_of_a_front_end_are_refused(chosen, ids):
    with pytest.raises(ValueError, match=f"output_hidden_states is {chosen!r}".replace("[", r"\[")):
        made("bert_conv")(ids, output_hidden_states=chosen)


@every_class
@pytest.mark.parametrize("by_config", [False, True])
def test_checkpointing_computes_the_same_gradients(kind, head, by_config, ids):
    plain = made(kind, head).train()
    checkpointed = made(kind, head, **{"gradient_checkpointing": True} if by_config else {}).train()
    if not by_config:
        checkpointed.gradient_checkpointing_enable()
    on = [name for name, each in checkpointed.named_modules() if is_checkpointing(each)]
    assert [name[-7:] for name in on if "layer" in name] == ["layer.0", "layer.1"]
    assert "gradient_checkpointing" not in checkpointed.config.to_dict()
    for model in (plain, checkpointed):
        outputs = model(input_ids=ids, **labels_of(head, ids))
        (outputs.pooler_output.sum() if head == "Model" else outputs.loss).backward()
    for (name, one), other in zip(plain.named_parameters(), checkpointed.parameters(), strict=True):
        if one.grad is not None:
            torch.testing.assert_close(other.grad, one.grad, msg=name)


def is_checkpointing(module: Any) -> bool:
    return getattr(module, "gradient_checkpointing", False)


@every_class
def test_what_is_saved_is_what_is_read_by_every_class(kind, head, ids, tmp_path):
    module, stem, config_class, _ = TYPES[kind]
    model = made(kind, head)
    model.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    file = module.__name__.rpartition(".")[-1]
    configuration = config_class.__module__.rpartition(".")[-1]
    assert config["auto_map"] == {
        "AutoConfig": f"{configuration}.{stem}Config",
        **{auto: f"{file}.{stem}{ending}" for auto, ending in AUTO_CLASSES.items()},
    }
    again = type(model).from_pretrained(tmp_path).eval()
    torch.testing.assert_close(again(ids).to_tuple(), model(ids).to_tuple())


WITHOUT_HF_APT = (
    NO_HF_APT
    + """
import json, sys
import transformers
names = ["AutoModel", "AutoModelForMaskedLM"]
names += ["AutoModelForSequenceClassification", "AutoModelForTokenClassification"]
models = [getattr(transformers, name).from_pretrained(sys.argv[1], trust_remote_code=True)
          for name in names]
assert not any(name.split(".")[0] == "hf_apt" for name in sys.modules)
print(json.dumps([[type(m).__name__, type(m).__module__.split(".")[0]] for m in models]))
"""
)


@pytest.mark.parametrize(
    "kind",
    [kind if kind == "bert6" else pytest.param(kind, marks=pytest.mark.slow) for kind in TYPES],
)
def test_every_auto_class_opens_it_where_there_is_no_hf_apt(kind, ids, tmp_path):
    made(kind).save_pretrained(tmp_path)
    stem = TYPES[kind][1]
    opened = answer(WITHOUT_HF_APT, tmp_path, ids)
    assert opened == [[stem + ending, "transformers_modules"] for ending in HEADS]


@every_type
def test_the_vocabulary_grows_and_stays_tied(kind, ids):
    model = made(kind)
    before = model(ids).logits
    model.resize_token_embeddings(70, mean_resizing=False)
    assert model.config.vocab_size == 70
    decoder = model.cls.predictions.decoder
    assert decoder.weight is model.bert.embeddings.word_embeddings.weight
    assert decoder.bias.shape == (70,)
    torch.testing.assert_close(model(ids).logits[..., :65], before)
    labels = torch.where(ids % 2 == 0, 69, -100)
    assert torch.isfinite(model.train()(ids, labels=labels).loss)


@every_class
def test_embeddings_may_be_given_for_ids(kind, head, ids):
    model = made(kind, head)
    embedded = model.get_input_embeddings()(ids)
    torch.testing.assert_close(model(inputs_embeds=embedded).to_tuple(), model(ids).to_tuple())


@every_class
def test_a_text_is_answered_alone_as_in_a_batch(kind, head, ids):
    model = made(kind, head)
    present = torch.ones_like(ids)
    present[1, 5:] = 0
    together = model(ids, attention_mask=present)[0]
    alone = model(ids[1:2, :5])[0]
    row = together[1:2] if together.dim() == 2 else together[1:2, :5]
    torch.testing.assert_close(row, alone, rtol=1e-4, atol=1e-5)


@every_type
def test_feed_forward_layers_in_chunks_are_those_at_once(kind, ids):
    at_once, chunked = made(kind), made(kind, chunk_size_feed_forward=3)
    torch.testing.assert_close(chunked(ids).logits, at_once(ids).logits)
    labels = labels_of("ForMaskedLM", ids)
    losses = [model.train()(ids, **labels).loss for model in (at_once, chunked)]
    torch.testing.assert_close(losses[1], losses[0])


# Hooks.


@every_type
@pytest.mark.parametrize("part", ["", ".attention", ".attention.output", ".output.dense"])
def test_hooks_on_the_last_block_see_in_training_what_they_see_in_evaluation(kind, part, ids):
    model, seen = made(kind).train(), []
    loss = model(ids, **labels_of("ForMaskedLM", ids)).loss

    def see(_: Any, __: Any, output: Any) -> None:
        seen.append((output[0] if isinstance(output, tuple) else output).shape)

    hook = model.get_submodule(f"bert.encoder.layer.1{part}").register_forward_hook(see)
    outputs = model(ids, **labels_of("ForMaskedLM", ids))
    assert seen == [(3, 9, 16)]
    torch.testing.assert_close(outputs.loss, loss)
    assert outputs.logits.shape == ((labels_of("ForMaskedLM", ids)["labels"] != -100).sum(), 65)
    hook.remove()


def test_hidden_states_once_asked_for_cost_later_training_nothing(ids):
    model = made("bert6")
    model(ids, output_hidden_states=True)
    model.train()
    last = model.bert.encoder.layer[-1]
    assert last._forward_hooks
    assert not modeling_bert6.has_hooks(last)
    stock = BertForMaskedLM(BertConfig(**SMALL)).train()
    last = stock.bert.encoder.layer[-1]
    last.output.register_full_backward_hook(lambda *_: None)
    assert modeling_bert6.has_hooks(last)


# Adapters.


@every_type
def test_peft_adapts_what_it_adapts_of_a_bert(kind):
    from peft import IA3Config, LoraConfig, get_peft_model

    for config_class in (LoraConfig, IA3Config):
        adapted = [
            {name for name, _ in get_peft_model(model, config_class()).named_modules()}
            for model in (BertForMaskedLM(BertConfig(**SMALL)), made(kind))
        ]
        layers = [{n for n in names if n.rpartition(".")[0] in names} for names in adapted]
        added = [{n for n in names if "lora_" in n or "ia3_" in n} for names in layers]
        assert added[0] == added[1] != set()


def test_an_adapter_saved_without_the_norms_answers_as_it_was_trained(ids, tmp_path):
    from peft import LoraConfig, PeftModel, get_peft_model

    model = get_peft_model(made("bert_conv"), LoraConfig(r=2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    model.train()
    before = {name: value.clone() for name, value in model.named_buffers() if "running" in name}
    assert before
    for _ in range(3):
        optimizer.zero_grad()
        model(input_ids=ids, **labels_of("ForMaskedLM", ids)).loss.backward()
        optimizer.step()
    after = dict(model.named_buffers())
    assert all(torch.equal(after[name], value) for name, value in before.items())
    model.eval().save_pretrained(tmp_path)
    again = PeftModel.from_pretrained(made("bert_conv"), str(tmp_path)).eval()
    torch.testing.assert_close(again(input_ids=ids).logits, model(input_ids=ids).logits)
    assert not torch.allclose(again(input_ids=ids).logits, made("bert_conv")(ids).logits)
