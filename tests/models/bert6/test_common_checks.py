"""What transformers' own model tests check and its distribution leaves out, beside stock BERT.

Every check is asked of `BertModel` and its heads, too: what BERT passes, ours passes.
`test_conventions.py` has those on outputs, checkpointing, resizing, chunks and batches.
"""

import copy
import json
import pickle

import pytest
import torch
import transformers
from bert_kinds import HEADS, SMALL, TYPES, labels_of, made
from safetensors import safe_open

KINDS = ["bert", *TYPES]
every_kind = pytest.mark.parametrize("kind", KINDS)
every_class = pytest.mark.parametrize(
    ("kind", "head"), [(kind, head) for kind in KINDS for head in HEADS]
)


@pytest.fixture(autouse=True)
def stock(monkeypatch):
    """`made("bert")` is transformers' own."""
    monkeypatch.setitem(TYPES, "bert", (transformers, "Bert", transformers.BertConfig, {}))


@pytest.fixture
def ids() -> torch.Tensor:
    return torch.randint(5, 65, (3, 9), generator=torch.Generator().manual_seed(1))


def class_of(kind, head):
    module, stem, _, _ = TYPES[kind]
    return getattr(module, stem + head)


def config_of(kind, **changes):
    _, _, config_class, more = TYPES[kind]
    return config_class(**SMALL | more | changes)


def loss_of(model, head, ids):
    outputs = model(input_ids=ids, **labels_of(head, ids))
    return outputs[0].square().mean() if head == "Model" else outputs.loss


# Weights.


@every_class
def test_every_weight_is_initialised_as_the_configuration_says(kind, head):
    """Of next to no spread, weights are 0 or 1: each was set on purpose."""
    model = class_of(kind, head)(config_of(kind, initializer_range=1e-10))
    spread = {
        name
        for name, weight in model.named_parameters()
        if not bool(((weight.abs() < 1e-8) | (weight == 1)).all())
    }
    assert spread == set()


@every_class
def test_weights_that_a_checkpoint_lacks_are_all_initialised(kind, head, tmp_path):
    """From a checkpoint without any weight of its own, as from the configuration."""
    torch.manual_seed(0)  # spreads of few weights vary
    torch.save({"unknown": torch.zeros(1)}, tmp_path / "pytorch_model.bin")
    config = config_of(kind)
    config.save_pretrained(tmp_path)
    model, info = class_of(kind, head).from_pretrained(tmp_path, output_loading_info=True)
    assert info["unexpected_keys"] == {"unknown"}
    fresh = class_of(kind, head)(config)
    tied = set(getattr(fresh, "_tied_weights_keys", None) or {})
    assert info["missing_keys"] | tied >= {name for name, _ in fresh.named_parameters()}
    for (name, one), (_, other) in zip(
        model.named_parameters(), fresh.named_parameters(), strict=True
    ):
        assert not one.is_meta
        assert torch.isfinite(one).all(), name
        spreads = [float(weight.detach().std(correction=0)) for weight in (one, other)]
        if one.numel() > 30:
            assert spreads[0] == pytest.approx(spreads[1], rel=0.5, abs=1e-6), name
    for name, buffer in model.named_buffers():
        assert torch.equal(buffer, dict(fresh.named_buffers())[name]), name


@every_kind
def test_only_a_missing_head_is_drawn_anew(kind, ids, tmp_path):
    trunk = made(kind, "Model")
    trunk.save_pretrained(tmp_path)
    model, info = class_of(kind, "ForSequenceClassification").from_pretrained(
        tmp_path, output_loading_info=True
    )
    assert info["missing_keys"] == {"classifier.weight", "classifier.bias"}
    assert not info["unexpected_keys"]
    assert not info["mismatched_keys"]
    assert not model.training
    torch.testing.assert_close(model.bert(ids).to_tuple(), trunk(ids).to_tuple())


@every_kind
def test_a_head_of_another_size_is_drawn_anew_where_that_is_allowed(kind, tmp_path):
    made(kind, "ForSequenceClassification").save_pretrained(tmp_path)
    cls = class_of(kind, "ForSequenceClassification")
    with pytest.raises(RuntimeError, match="size"):
        cls.from_pretrained(tmp_path, num_labels=5)
    model = cls.from_pretrained(tmp_path, num_labels=5, ignore_mismatched_sizes=True)
    assert model.classifier.weight.shape == (5, 16)


@every_kind
def test_tied_weights_are_saved_once_and_tied_again(kind, ids, tmp_path):
    model = made(kind)
    model.save_pretrained(tmp_path)
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        saved = set(file.keys())
    assert "bert.embeddings.word_embeddings.weight" in saved
    assert "cls.predictions.decoder.weight" not in saved
    again, info = class_of(kind, "ForMaskedLM").from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"]
    table = again.get_input_embeddings().weight
    assert again.get_output_embeddings().weight is table
    assert again.cls.predictions.decoder.bias is again.cls.predictions.bias
    with torch.no_grad():
        table[7] += 1
    assert not torch.allclose(again(ids).logits[..., 7], model(ids).logits[..., 7])


@every_kind
def test_weights_that_are_not_to_be_tied_are_two(kind, tmp_path):
    model = made(kind, tie_word_embeddings=False)
    with torch.no_grad():
        model.cls.predictions.decoder.weight += 1
    model.save_pretrained(tmp_path)
    again = class_of(kind, "ForMaskedLM").from_pretrained(tmp_path)
    table, decoder = again.get_input_embeddings().weight, again.get_output_embeddings().weight
    assert decoder is not table
    torch.testing.assert_close(decoder, model.cls.predictions.decoder.weight)
    assert not torch.allclose(decoder, table)


@every_class
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_halves_are_saved_as_halves_and_answer_alike(kind, head, dtype, ids, tmp_path):
    model = made(kind, head)
    whole = model(ids)[0]
    model.to(dtype).save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == str(dtype)[6:]
    again = class_of(kind, head).from_pretrained(tmp_path)
    assert {weight.dtype for weight in again.parameters()} == {dtype}
    answer = again(ids)[0]
    assert answer.dtype == dtype
    assert (answer.float() - whole).abs().max() < 0.06 * whole.abs().max()
    as_whole = class_of(kind, head).from_pretrained(tmp_path, dtype=torch.float32)
    assert {weight.dtype for weight in as_whole.parameters()} == {torch.float32}


@every_class
def test_a_large_checkpoint_is_saved_in_parts(kind, head, ids, tmp_path):
    model = made(kind, head)
    model.save_pretrained(tmp_path, max_shard_size="8KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 1
    again = class_of(kind, head).from_pretrained(tmp_path)
    torch.testing.assert_close(again(ids).to_tuple(), model(ids).to_tuple())


@every_class
@pytest.mark.parametrize("device_map", ["cpu", "auto", {"": "cpu"}], ids=str)
def test_a_device_map_changes_no_answer(kind, head, device_map, ids, tmp_path):
    model = made(kind, head)
    model.save_pretrained(tmp_path)
    again = class_of(kind, head).from_pretrained(tmp_path, device_map=device_map)
    torch.testing.assert_close(again(ids).to_tuple(), model(ids).to_tuple())


@every_class
def test_blocks_are_not_split_over_devices(kind, head):
    model = made(kind, head)
    # Names that accelerate keeps whole, as BERT has them.
    assert {"BertEmbeddings", "BertLayer"} <= set(made("bert", head)._no_split_modules)
    blocks = getattr(model, "bert", model).encoder.layer
    assert set(model._no_split_modules) >= {type(block).__name__ for block in blocks}
    assert model._no_split_modules >= made("bert", head)._no_split_modules


@every_class
def test_copies_and_pickles_answer_alike(kind, head, ids):
    model = made(kind, head)
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        torch.testing.assert_close(again(ids).to_tuple(), model(ids).to_tuple())


# Training.


@every_class
def test_training_lowers_the_loss(kind, head, ids):
    torch.manual_seed(0)
    model = made(kind, head).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(25):
        loss = loss_of(model, head, ids)
        losses.append(float(loss.detach()))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert losses[-1] < 0.95 * losses[0]


@every_class
@pytest.mark.parametrize("checkpointed", [None, {"use_reentrant": True}, {"use_reentrant": False}])
def test_every_weight_that_is_used_gets_a_gradient(kind, head, checkpointed, ids):
    model = made(kind, head).train()
    if checkpointed is not None:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs=checkpointed)
        model.enable_input_require_grads()
    loss_of(model, head, ids).backward()
    without = {name for name, weight in model.named_parameters() if weight.grad is None}
    assert without <= {"pooler.dense.weight", "pooler.dense.bias"}, "and the pooler of the trunk"


@every_class
def test_states_and_attentions_keep_their_gradients(kind, head, ids):
    model = made(kind, head, attn_implementation="eager")
    outputs = model(ids, output_hidden_states=True, output_attentions=True)
    states = [outputs.hidden_states[0], outputs.attentions[0]]
    for state in states:
        state.retain_grad()
    outputs[0].flatten()[0].backward()
    assert all(state.grad is not None for state in states)


@every_kind
@pytest.mark.parametrize(
    ("problem", "labels"),
    [
        ("regression", torch.tensor([0.5, -1.0, 2.0])),
        ("single_label_classification", torch.tensor([0, 2, 1])),
        ("multi_label_classification", torch.tensor([[1.0, 0, 1], [0, 0, 1], [1, 1, 1]])),
    ],
)
def test_each_problem_type_has_its_loss(kind, problem, labels, ids):
    num_labels = 1 if problem == "regression" else 3
    chosen = {"problem_type": problem, "num_labels": num_labels}
    model = made(kind, "ForSequenceClassification", **chosen).train()
    outputs = model(ids, labels=labels)
    logits = outputs.logits.squeeze(-1) if num_labels == 1 else outputs.logits
    expected = {
        "regression": torch.nn.functional.mse_loss,
        "single_label_classification": torch.nn.functional.cross_entropy,
        "multi_label_classification": torch.nn.functional.binary_cross_entropy_with_logits,
    }[problem](logits, labels)
    torch.testing.assert_close(outputs.loss, expected)
    outputs.loss.backward()
    by_labels = made(kind, "ForSequenceClassification", num_labels=num_labels)
    by_labels(ids, labels=labels)
    assert by_labels.config.problem_type == problem


# Answers.


@every_class
def test_answers_are_the_same_twice(kind, head, ids):
    model = made(kind, head)
    assert all(map(torch.equal, model(ids).to_tuple(), model(ids).to_tuple()))


@every_class
@pytest.mark.parametrize("padded", [None, "left", "right"])
def test_every_attention_gives_the_same_answers(kind, head, padded, ids):
    present = torch.ones_like(ids)
    if padded:
        present[1, slice(None, 4) if padded == "left" else slice(5, None)] = 0
    sdpa, eager = (made(kind, head, attn_implementation=name) for name in ("sdpa", "eager"))
    assert (sdpa.config._attn_implementation, eager.config._attn_implementation) == (
        "sdpa",
        "eager",
    )
    answers = [model(ids, attention_mask=present)[0] for model in (sdpa, eager)]
    if answers[0].shape[:2] == ids.shape:
        answers = [answer[present == 1] for answer in answers]
    torch.testing.assert_close(*answers, rtol=1e-4, atol=1e-5)
    sdpa.set_attn_implementation("eager")
    again = sdpa(ids, attention_mask=present)[0]
    torch.testing.assert_close(
        again[present == 1] if again.shape[:2] == ids.shape else again, answers[1]
    )


@pytest.mark.parametrize("head", ["Model", "ForMaskedLM", "ForTokenClassification"])
@every_kind
def test_padding_on_the_left_changes_no_token(kind, head, ids):
    """With positions that count from the first token."""
    model = made(kind, head)
    padded = torch.cat([torch.zeros_like(ids[:, :3]), ids], dim=1)
    present = (torch.arange(12) >= 3).long().expand(3, 12)
    positions = (torch.arange(12) - 3).clamp(min=0).expand(3, 12)
    answer = model(padded, attention_mask=present, position_ids=positions)[0][:, 3:]
    torch.testing.assert_close(answer, model(ids)[0], rtol=1e-4, atol=1e-5)


@every_class
def test_nothing_is_generated(kind, head):
    assert not made(kind, head).can_generate()


@every_class
@pytest.mark.slow
def test_an_exported_program_answers_alike(kind, head, ids):
    model = made(kind, head)
    program = torch.export.export(model, (), {"input_ids": ids, "attention_mask": ids.ne(0).long()})
    other = ids.flip(0)
    answer = program.module()(input_ids=other, attention_mask=other.ne(0).long())
    torch.testing.assert_close(answer[0], model(other)[0], rtol=1e-4, atol=1e-5)


@every_class
def test_a_trace_answers_alike(kind, head, ids):
    model = made(kind, head, return_dict=False)
    trace = torch.jit.trace(model, ids)
    other = ids.flip(0)
    torch.testing.assert_close(trace(other)[0], model(other)[0], rtol=1e-4, atol=1e-5)
