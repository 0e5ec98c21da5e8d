"""Laws of BERT-6 with weights of its own for [CLS]: it begins as BERT-6, and parts [CLS] alone."""

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from bert_kinds import SMALL, labels_of, made
from torch import nn

from hf_apt.analysis.cls_tokens.normalisations import Normalisations, Place
from hf_apt.depths.trunk import Trunk
from hf_apt.models.bert6 import (
    Bert6ClsConfig,
    Bert6ClsForMaskedLM,
    Bert6ClsModel,
    Bert6ForMaskedLM,
)
from hf_apt.models.bert6.cls_blocks import cls_positions
from hf_apt.models.carried_blocks import carry_blocks
from hf_apt.models.description import describe
from hf_apt.models.fresh import new_model
from hf_apt.models.shapes import ConvShape, ModelShape
from hf_apt.training.costs.model_costs import ModelCosts
from hf_apt.training.costs.training_flops import costs_of

SHAPE = ModelShape(hidden_size=16, num_heads=2, num_blocks=2, dropout=0.1)
TOKENS: Any = SimpleNamespace(
    description=SimpleNamespace(vocab_size=65, sequence_length=40, pad_id=0)
)
NORMS: dict[str, Any] = {"cls_norms": (1, 2), "cls_projections": ()}
NONE: dict[str, Any] = {"cls_norms": (), "cls_projections": ()}
BOTH: dict[str, Any] = {"cls_norms": (1, 2), "cls_projections": (1, 2)}


@pytest.fixture
def ids() -> torch.Tensor:
    return torch.randint(5, 65, (3, 9), generator=torch.Generator().manual_seed(1))


@pytest.fixture
def present(ids) -> torch.Tensor:
    present = torch.ones_like(ids)
    present[1, 5:] = 0
    return present


def shared_name(name: str) -> str:
    """What the shared weight is called, of which one of [CLS] is a copy at first."""
    return re.sub("cls_(query|key|value)_", r"\1.", name).replace("cls_", "")


def of_cls(name: str) -> bool:
    return ".cls_" in name


# How it begins.


@pytest.mark.parametrize("paths", [NORMS, BOTH])
def test_a_fresh_model_is_the_plain_one_of_its_seed(paths, ids):
    plain, model = (new_model(each, TOKENS, seed=3) for each in (SHAPE, replace(SHAPE, **paths)))
    assert type(model) is Bert6ClsForMaskedLM
    own, weights = plain.state_dict(), model.state_dict()
    assert [name for name in weights if not of_cls(name)] == list(own)
    added = [name for name in weights if of_cls(name)]
    assert len(added) == (8 if paths is NORMS else 8 + 12)
    for name, value in weights.items():
        assert torch.equal(value, own[shared_name(name) if of_cls(name) else name]), name
    state = torch.get_rng_state()
    losses = []
    for each in (plain, model):
        torch.set_rng_state(state)
        outputs = each.train()(ids, labels=labels_of("ForMaskedLM", ids)["labels"])
        outputs.loss.backward()
        losses.append(outputs.loss)
    torch.testing.assert_close(losses[1], losses[0])
    if paths is NORMS:  # no product of another shape: equal to the bit
        assert torch.equal(*losses)
    gradients: dict[str, Any] = {name: each.grad for name, each in model.named_parameters()}
    for name, weight in plain.named_parameters():
        parted = [grad for key, grad in gradients.items() if shared_name(key) == name]
        torch.testing.assert_close(torch.stack(parted).sum(0), weight.grad, msg=name)


def test_without_blocks_of_its_own_it_is_bert6(ids):
    plain, model = made("bert6"), made("bert6_cls", **NONE)
    assert list(model.state_dict()) == list(plain.state_dict())
    assert torch.equal(model(ids).logits, plain(ids).logits)
    assert type(new_model(SHAPE, TOKENS, seed=0)) is Bert6ForMaskedLM


def test_a_plain_checkpoint_opens_with_copies(ids, tmp_path):
    plain = made("bert6")
    plain.save_pretrained(tmp_path)
    config = Bert6ClsConfig(**SMALL, **BOTH)
    model = Bert6ClsForMaskedLM.from_pretrained(tmp_path, config=config).eval()
    assert not any(weight.is_meta for weight in model.parameters())
    torch.testing.assert_close(model(ids).logits, plain(ids).logits)
    trunk = Bert6ClsModel.from_pretrained(tmp_path, config=config).eval()
    torch.testing.assert_close(trunk(ids)[0], plain.bert(ids)[0])


def test_blocks_carried_from_a_plain_one_are_copied_for_cls(tmp_path, ids):
    plain, model = made("bert6"), made("bert6_cls", **BOTH)
    plain.save_pretrained(tmp_path)
    carry_blocks(model, str(tmp_path))
    model.bert.embeddings = plain.bert.embeddings
    torch.testing.assert_close(model.bert(ids)[0], plain.bert(ids)[0])


# What it computes.


def states_by_hand(model: Any, ids: list[int]) -> list[list[torch.Tensor]]:
    """The states of one text after each block, token by token, of a model without dropout."""
    states = list(model.bert.embeddings(torch.tensor([ids]))[0])
    shown = []
    for block in model.bert.encoder.layer:
        heads, output = block.attention.self, block.attention.output
        size = heads.attention_head_size

        def normed(norm: Any, state: torch.Tensor, at: int) -> torch.Tensor:
            gain, bias = norm.weight, norm.bias
            if at == 0 and hasattr(norm, "cls_weight"):
                gain, bias = norm.cls_weight, norm.cls_bias
            centred = state - state.mean()
            return centred / (centred.square().mean() + norm.eps).sqrt() * gain + bias

        made_of = {}
        for name in ("query", "key", "value"):
            of_tokens = getattr(heads, name)
            made_of[name] = [of_tokens.weight @ state + of_tokens.bias for state in states]
            if hasattr(heads, f"cls_{name}_weight"):
                matrix, bias = (getattr(heads, f"cls_{name}_{part}") for part in ("weight", "bias"))
                made_of[name][0] = matrix @ states[0] + bias
        after = []
        for at, state in enumerate(states):
            parts = []
            for head in range(heads.num_attention_heads):
                part = slice(head * size, (head + 1) * size)
                query = made_of["query"][at][part]
                scores = torch.stack([query @ key[part] for key in made_of["key"]]) / size**0.5
                values = torch.stack([value[part] for value in made_of["value"]])
                parts.append(scores.softmax(0) @ values)
            mixed = output.dense.weight @ torch.cat(parts) + output.dense.bias
            middle = normed(output.LayerNorm, mixed + state, at)
            inner = block.intermediate.dense
            inside = nn.functional.gelu(inner.weight @ middle + inner.bias)
            outer = block.output.dense.weight @ inside + block.output.dense.bias
            after.append(normed(block.output.LayerNorm, outer + middle, at))
        states = after
        shown.append(states)
    return shown


@torch.no_grad()
@pytest.mark.parametrize("kernel", ["eager", "sdpa"])
@pytest.mark.parametrize(
    "paths",
    [
        BOTH,
        {"cls_norms": (1,), "cls_projections": ()},
        {"cls_norms": (1, 2), "cls_projections": (1,)},
    ],
)
def test_it_computes_what_a_loop_over_tokens_does(kernel, paths, ids, present):
    model = made("bert6_cls", attn_implementation=kernel, **paths)
    states = model.bert(ids, attention_mask=present, output_hidden_states=True).hidden_states
    for row, length in enumerate(present.sum(1).tolist()):
        for block, expected in enumerate(states_by_hand(model, ids[row, :length].tolist()), 1):
            actual = states[block][row, :length]
            torch.testing.assert_close(actual, torch.stack(expected), rtol=1e-4, atol=1e-5)


def test_where_cls_stands():
    def positions(mask: Any = None, places: Any = None) -> list[list[int]]:
        given = [None if each is None else torch.tensor(each) for each in (mask, places)]
        is_cls_BT = cls_positions(given[0], given[1], (2, 4), torch.device("cpu"))
        assert is_cls_BT.shape == (2, 4)
        return [row.nonzero()[:, 0].tolist() for row in is_cls_BT]

    assert positions() == [[0], [0]]
    assert positions(mask=[[1, 1, 1, 0], [0, 0, 1, 1]]) == [[0], [2]]  # padding on either side
    assert positions(mask=[[1, 1, 1, 1], [0, 0, 0, 0]]) == [[0], []]
    assert positions(mask=[[[[1] * 4] * 4]] * 2) == [[0], [0]]  # of every pair of positions
    assert positions(places=[[0, 1, 2, 3]]) == [[0], [0]]
    assert positions(places=[[0, 1, 2, 3], [4, 5, 6, 7]]) == [[0], []]  # windows of one text
    assert positions(places=[[0, 1, 0, 1], [0, 1, 2, 0]]) == [[0, 2], [0, 3]]  # packed texts
    assert positions(mask=[[1] * 4, [1, 1, 1, 0]], places=[[0, 1, 2, 3], [0, 1, 2, 0]]) == [
        [0],
        [0],
    ]


def test_a_later_window_of_a_text_is_read_as_by_the_plain_model(ids):
    model, plain = made("bert6_cls", **BOTH), made("bert6")
    plain.load_state_dict({k: v for k, v in model.state_dict().items() if not of_cls(k)})
    later = torch.arange(9, 18)[None].expand(3, 9)
    torch.testing.assert_close(
        model(ids, position_ids=later).logits, plain(ids, position_ids=later).logits
    )
    assert not torch.allclose(model(ids).logits, plain(ids).logits, atol=1e-2)


@pytest.mark.parametrize("last", [NORMS, BOTH, {"cls_norms": (1,), "cls_projections": ()}])
def test_the_last_block_at_asked_positions_is_the_whole_one(last, ids, present):
    model = made("bert6_cls", **last).train()
    labels = torch.where(torch.arange(9) % 4 == 0, ids, -100)  # [CLS] among them
    losses, gradients = [], []
    for shown in (False, True):
        model.zero_grad()
        outputs = model(ids, present, labels=labels, output_hidden_states=shown)
        outputs.loss.backward()
        losses.append(outputs.loss)
        gradients.append({name: weight.grad for name, weight in model.named_parameters()})
    torch.testing.assert_close(*losses)
    torch.testing.assert_close(*gradients)


def test_masked_tokens_do_not_ask_what_becomes_of_cls_in_the_last_block(ids):
    model = made("bert6_cls", **BOTH).train()
    model(ids, **labels_of("ForMaskedLM", ids)).loss.backward()
    idle = [name for name, weight in model.named_parameters() if not (weight.grad != 0).any()]
    assert {name for name in idle if of_cls(name)} == {
        *(f"bert.encoder.layer.1.attention.self.cls_query_{part}" for part in ("weight", "bias")),
        *(
            f"bert.encoder.layer.1.{part}output.LayerNorm.cls_{weight}"
            for part in ("attention.", "")
            for weight in ("weight", "bias")
        ),
    } | {f"bert.encoder.layer.{at}.attention.self.cls_key_bias" for at in (0, 1)} & {*idle}


# How it is read.


@torch.no_grad()
def test_a_trunk_reads_cls_as_the_model_does(ids, present):
    model = made("bert6_cls", **BOTH)
    trunk = Trunk(model)
    asked = torch.zeros_like(ids, dtype=torch.bool)
    asked[0, 0] = asked[1, 0] = asked[1, 3] = True
    inputs = {"input_ids": ids, "attention_mask": present}
    states = model(**inputs, output_hidden_states=True).hidden_states
    expected = torch.stack([state[asked] for state in states])
    torch.testing.assert_close(trunk.at(inputs, asked), expected, rtol=1e-4, atol=1e-5)
    assert trunk._position_wise(), "the last block is still read at asked positions alone"


@torch.no_grad()
def test_a_hook_on_a_normalisation_sees_the_cls_that_goes_on(ids):
    model, seen = made("bert6_cls", **NORMS), {}

    def see(place: Place, _: torch.Tensor, after: torch.Tensor) -> None:
        seen[place.block, place.name] = after

    with Normalisations(model.bert).seen_by(see, 16):
        states = model.bert(ids, output_hidden_states=True).hidden_states
    assert len(seen) == 1 + 2 * 2
    assert torch.equal(seen[1, "output.LayerNorm"], states[1])


def test_it_says_what_it_is():
    model = made("bert6_cls", cls_norms=(1, 2), cls_projections=(2,))
    description = describe(model, "somebody/something", 3)
    assert description["name"] == "BERT-2 + [CLS]"
    assert (description["cls_norms"], description["cls_projections"]) == ([1, 2], [2])


# What is refused.


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cls_norms": (0,)}, r"cls_norms is \(0,\): give numbers of blocks, from 1 on"),
        ({"cls_norms": (1,), "cls_projections": (2,)}, r"cls_projections is \(2,\) and cls_norms"),
        ({"cls_norms": (1,), "is_decoder": True}, r"a decoder has no \[CLS\]"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Bert6ClsConfig(**SMALL, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cls_norms": (1, 3)}, "cls_norms names block 3, and the model has the blocks 1 to 2"),
        ({"cls_projections": (2,)}, r"block 2 is to project \[CLS\].*--cls-norms"),
        ({"cls_norms": (1,), "conv": ConvShape()}, "a convolutional front-end has no weights"),
        ({"feed_forward_size": 0}, "feed_forward_size"),
    ],
)
def test_a_shape_that_cannot_be_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        new_model(replace(SHAPE, **changes), TOKENS, seed=0)


# What it costs.


def test_it_costs_what_it_is_said_to_cost():
    shape = replace(SHAPE, num_blocks=3, cls_norms=(1, 2, 3), cls_projections=(1, 2))
    plain, model = (new_model(each, TOKENS, seed=0) for each in (replace(shape, **NONE), shape))
    costs = costs_of(model.config)
    assert costs is not None
    assert costs.num_parameters == model.num_parameters()
    assert model.num_parameters() - plain.num_parameters() == 3 * 4 * 16 + 2 * 3 * (16 * 16 + 16)
    told = costs_of(plain.config)
    assert told is not None
    assert told.trunk_flops(9) == costs.trunk_flops(9)


def test_a_wider_model_has_the_width_that_is_asked_for():
    model = new_model(replace(SHAPE, feed_forward_size=70), TOKENS, seed=0)
    assert model.bert.encoder.layer[1].intermediate.dense.out_features == 70
    assert ModelShape().intermediate_size == 4 * 768
    shape = replace(SHAPE, feed_forward_size=70)
    costs = ModelCosts(shape=shape, vocab_size=65, sequence_length=40)
    assert costs.num_parameters == model.num_parameters()
    assert costs == costs_of(model.config)
