"""Laws of taking a masked LM apart: its parts, put together again, are the model."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as hf
from model_families import NUM_BLOCKS, SMALL, VOCAB, every_family, made

from hf_apt.depths import own_head as own_head_module
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.loading import load_masked_lm, require_finite


@pytest.fixture
def inputs() -> dict[str, torch.Tensor]:
    """Six sequences of 16 tokens, two of them padded."""
    ids = torch.randint(5, VOCAB, (6, 16), generator=torch.Generator().manual_seed(1))
    present = torch.ones_like(ids)
    present[1, 11:] = 0
    present[2, 4:] = 0
    return {"input_ids": ids, "attention_mask": present}


@pytest.fixture
def asked(inputs) -> torch.Tensor:
    draws = torch.rand(6, 16, generator=torch.Generator().manual_seed(2))
    return (draws < 0.4) & (inputs["attention_mask"] == 1)


@every_family
def test_the_own_head_at_the_last_depth_is_the_model(family, inputs, asked):
    model = made(family)
    trunk = Trunk(model)
    head = OwnHead(trunk)
    with torch.no_grad():
        expected = model(**inputs).logits[asked]
    hidden = trunk.at(inputs, asked)
    assert hidden.shape == (trunk.num_depths, int(asked.sum()), trunk.hidden_size)
    torch.testing.assert_close(head.logits(hidden[-1]), expected)
    predictions = head(hidden)
    assert torch.equal(predictions[-1], expected.argmax(dim=-1))
    assert len(set(predictions[-1].tolist())) > 1
    for depth in range(trunk.num_depths):
        assert torch.equal(predictions[depth], head.logits(hidden[depth]).argmax(dim=-1))


def test_trunk_and_head_show_what_they_are():
    trunk = Trunk(made("bert"))
    shown = f"Trunk(BertForMaskedLM, {NUM_BLOCKS + 1} depths of {trunk.hidden_size})"
    assert repr(trunk) == shown
    assert repr(OwnHead(trunk)) == f"OwnHead({shown})"


@every_family
def test_there_is_one_depth_more_than_blocks(family):
    assert Trunk(made(family)).num_depths == NUM_BLOCKS + 1


@pytest.mark.parametrize("family", ["bert", "roberta", "electra", "modernbert", "xlm-roberta-xl"])
def test_logits_of_these_families_are_never_held_whole(family):
    assert OwnHead(Trunk(made(family)))._decoder is not None


@pytest.mark.parametrize("family", ["deberta-v2-new-head", "esm"])
def test_heads_that_do_more_than_a_linear_map_are_run_whole(family, inputs, monkeypatch):
    monkeypatch.setattr(own_head_module, "_ROW_CHUNK", 5)
    model = made(family)
    trunk = Trunk(model)
    head = OwnHead(trunk)
    assert head._decoder is None
    everywhere = inputs["attention_mask"] == 1
    with torch.no_grad():
        expected = model(**inputs).logits[everywhere].argmax(dim=-1)
    assert torch.equal(head(trunk.at(inputs, everywhere))[-1], expected)


# For three families, the embeddings, the blocks and the rest of the model, written out.


def bert_parts(model: Any) -> tuple[Any, Any, Callable[[torch.Tensor], torch.Tensor]]:
    def rest(hidden: torch.Tensor) -> torch.Tensor:
        head = model.cls.predictions
        transformed = head.transform.LayerNorm(
            torch.nn.functional.gelu(head.transform.dense(hidden))
        )
        return transformed @ model.bert.embeddings.word_embeddings.weight.T + head.bias

    return model.bert.embeddings, model.bert.encoder.layer, rest


def modernbert_parts(model: Any) -> tuple[Any, Any, Callable[[torch.Tensor], torch.Tensor]]:
    def rest(hidden: torch.Tensor) -> torch.Tensor:
        normalised = model.model.final_norm(hidden)
        transformed = model.head.norm(torch.nn.functional.gelu(model.head.dense(normalised)))
        return transformed @ model.decoder.weight.T + model.decoder.bias

    return model.model.embeddings, model.model.layers, rest


def xlm_roberta_xl_parts(model: Any) -> tuple[Any, Any, Callable[[torch.Tensor], torch.Tensor]]:
    def rest(hidden: torch.Tensor) -> torch.Tensor:
        normalised = model.roberta.encoder.LayerNorm(hidden)
        head = model.lm_head
        transformed = head.layer_norm(torch.nn.functional.gelu(head.dense(normalised)))
        return transformed @ head.decoder.weight.T + head.bias

    return model.roberta.embeddings, model.roberta.encoder.layer, rest


@pytest.mark.parametrize(
    ("family", "parts"),
    [
        ("bert", bert_parts),
        ("modernbert", modernbert_parts),
        ("xlm-roberta-xl", xlm_roberta_xl_parts),
    ],
)
def test_at_every_depth_it_is_the_head_applied_by_hand(family, parts, inputs, asked):
    model = made(family)
    trunk = Trunk(model)
    hidden, head = trunk.at(inputs, asked), OwnHead(trunk)
    embeddings, blocks, rest = parts(model)
    seen: list[torch.Tensor] = []

    def keep(module: Any, arguments: Any, output: Any) -> None:
        seen.append(output[0] if isinstance(output, tuple) else output)

    hooks = [module.register_forward_hook(keep) for module in (embeddings, *blocks)]
    with torch.no_grad():
        model(**inputs)
        expected = [rest(state[asked]) for state in seen]
    for hook in hooks:
        hook.remove()
    assert len(expected) == trunk.num_depths
    for depth, logits in enumerate(expected):
        torch.testing.assert_close(head.logits(hidden[depth]), logits, rtol=1e-4, atol=1e-5)
    assert torch.equal(head(hidden), torch.stack(expected).argmax(dim=-1))


def condition(model: Any) -> list[Any]:
    """What could be left behind on a model."""
    left: list[Any] = [torch.get_rng_state().tolist()]
    for name, module in model.named_modules():
        hooks = len(module._forward_hooks) + len(module._forward_pre_hooks)
        left.append((name, module.training, hooks, sorted(module.__dict__)))
    left.append([(name, weight._version) for name, weight in model.state_dict().items()])
    left.append([weight.requires_grad for weight in model.parameters()])
    return left


@every_family
@pytest.mark.parametrize("training", [False, True])
def test_the_model_is_left_as_it_was_found(family, training, inputs, asked):
    model = made(family)
    expected = OwnHead(Trunk(model))(Trunk(model).at(inputs, asked))
    with torch.no_grad():
        logits = model(**inputs).logits
    model.train(training)
    next(model.children()).eval()  # not all modules are in the same mode
    before = condition(model)
    trunk = Trunk(model)
    head = OwnHead(trunk)
    # Measured without dropout, whatever the mode.
    assert torch.equal(head(trunk.at(inputs, asked)), expected)
    assert condition(model) == before
    with torch.no_grad():
        assert torch.equal(model.eval()(**inputs).logits, logits)


def test_the_model_is_left_as_it_was_found_by_an_error_too(inputs):
    model = made("bert").train()
    head = OwnHead(Trunk(model))
    before = condition(model)
    with pytest.raises(RuntimeError):
        head.logits(torch.zeros(2, 31))
    with pytest.raises(RuntimeError):
        head(torch.zeros(1, 2, 31))
    with pytest.raises((RuntimeError, IndexError)):
        head.trunk.at({"input_ids": torch.full((1, 4), VOCAB)}, torch.ones(1, 4, dtype=bool))
    assert condition(model) == before


def test_a_forward_that_a_library_has_wrapped_stays_wrapped(inputs, asked):
    model = made("bert")
    original, calls = model.bert.forward, []

    def wrapped(*arguments: Any, **named: Any) -> Any:
        calls.append(1)
        return original(*arguments, **named)

    model.bert.forward = wrapped
    trunk = Trunk(model)
    OwnHead(trunk)(trunk.at(inputs, asked))
    assert calls
    assert model.bert.forward is wrapped


def test_the_last_depth_is_what_the_head_is_given(inputs, asked):
    """Also where the last of `hidden_states` is from before the final normalisation."""
    model = made("modernbert")
    with torch.no_grad():
        expected = model(**inputs).logits[asked].argmax(dim=-1)
    original = model.model.forward

    def unnormalised(*arguments: Any, **named: Any) -> Any:
        outputs = original(*arguments, **named)
        if outputs.hidden_states is not None:
            *before, last = outputs.hidden_states
            outputs.hidden_states = (*before, last.flip(-1))
        return outputs

    model.model.forward = unnormalised
    trunk = Trunk(model)
    assert torch.equal(OwnHead(trunk)(trunk.at(inputs, asked))[-1], expected)


def test_nothing_asked_is_nothing_answered(inputs):
    trunk = Trunk(made("bert"))
    hidden = trunk.at(inputs, torch.zeros(6, 16, dtype=torch.bool))
    assert hidden.shape == (NUM_BLOCKS + 1, 0, 32)
    assert OwnHead(trunk)(hidden).shape == (NUM_BLOCKS + 1, 0)


def test_funnel_is_refused_in_a_sentence():
    config = hf.FunnelConfig(
        vocab_size=VOCAB, d_model=32, n_head=4, d_head=8, d_inner=64, block_sizes=[1, 1]
    )
    with pytest.raises(ValueError, match="FunnelForMaskedLM changes the shape of its hidden"):
        Trunk(hf.FunnelForMaskedLM(config))


def test_a_bare_trunk_is_refused():
    with pytest.raises(ValueError, match="BertModel has no trunk apart from its head"):
        Trunk(hf.BertModel(hf.BertConfig(**SMALL)))


# Checkpoints.


def saved(model: Any, folder: Path) -> Path:
    model.save_pretrained(folder)
    return folder


def cut(folder: Path) -> Path:
    weights = folder / "model.safetensors"
    os.truncate(weights, weights.stat().st_size // 2)
    return folder


def renamed(folder: Path, name: str, content: str) -> Path:
    (folder / name).write_text(content)
    return folder


def empty(folder: Path) -> Path:
    folder.mkdir()
    return folder


def without_weights(folder: Path) -> Path:
    (folder / "model.safetensors").unlink()
    return folder


TINY = SMALL | {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
T5 = {"vocab_size": 50, "d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 1, "num_heads": 2}
GPT2 = {"vocab_size": 50, "n_embd": 8, "n_layer": 1, "n_head": 2, "n_positions": 16}


def tiny_bert() -> Any:
    return hf.BertForMaskedLM(hf.BertConfig(**TINY))


BROKEN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "trunk only": (
        lambda path: saved(hf.BertModel(hf.BertConfig(**TINY)), path),
        "has no masked-LM head of its own: its weights lack cls.predictions",
    ),
    "classifier": (
        lambda path: saved(hf.BertForSequenceClassification(hf.BertConfig(**TINY)), path),
        "has no masked-LM head of its own: its weights lack cls.predictions",
    ),
    "no folder": (lambda path: None, "there is no checkpoint folder"),
    "a file": (lambda path: path.write_text(""), "there is no checkpoint folder"),
    "empty folder": (empty, "is no whole masked-LM checkpoint"),
    "no weights": (
        lambda path: without_weights(saved(tiny_bert(), path)),
        "is no whole masked-LM checkpoint: .*no file named model.safetensors",
    ),
    "weights cut short": (
        lambda path: cut(saved(tiny_bert(), path)),
        "is no whole masked-LM checkpoint: .*not fully covered",
    ),
    "junk for weights": (
        lambda path: renamed(saved(tiny_bert(), path), "model.safetensors", "junk" * 99),
        "is no whole masked-LM checkpoint",
    ),
    "configuration cut short": (
        lambda path: renamed(saved(tiny_bert(), path), "config.json", '{"model_type": "be'),
        "is no whole masked-LM checkpoint: .*not a valid JSON",
    ),
    "weights of another shape": (
        lambda path: renamed(
            saved(tiny_bert(), path),
            "config.json",
            hf.BertConfig(**TINY | {"hidden_size": 16}).to_json_string(),
        ),
        "is no whole masked-LM checkpoint",
    ),
    "T5": (
        lambda path: saved(hf.T5ForConditionalGeneration(hf.T5Config(**T5)), path),
        "is no whole masked-LM checkpoint: .*T5Config",
    ),
    "GPT-2": (
        lambda path: saved(hf.GPT2LMHeadModel(hf.GPT2Config(**GPT2)), path),
        "is no whole masked-LM checkpoint: .*GPT2Config",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_checkpoint_is_refused_in_one_line_that_names_it(kind, tmp_path):
    breaking, message = BROKEN[kind]
    folder = tmp_path / "some checkpoint"
    breaking(folder)
    with pytest.raises(ValueError, match=message) as raised:
        load_masked_lm(str(folder))
    assert str(folder) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_weight_that_is_not_finite_is_named(value, tmp_path):
    model = tiny_bert()
    require_finite(model, "m")
    with torch.no_grad():
        model.bert.encoder.layer[0].output.dense.weight[3, 5] = value
    with pytest.raises(ValueError, match=r"layer\.0\.output\.dense\.weight of 'm'"):
        require_finite(model, "m")
    with pytest.raises(ValueError, match=r"layer\.0\.output\.dense\.weight of '.*checkpoint'"):
        load_masked_lm(str(saved(model, tmp_path / "checkpoint")))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_loaded_as_single(dtype, tmp_path):
    model = tiny_bert().to(dtype)
    loaded = load_masked_lm(str(saved(model, tmp_path / "checkpoint")))
    assert {weight.dtype for weight in loaded.parameters()} == {torch.float32}
    assert not loaded.training
    for name, weight in loaded.state_dict().items():
        assert torch.equal(weight, model.state_dict()[name].to(weight.dtype)), name
