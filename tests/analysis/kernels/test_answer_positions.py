"""Where an answer is read: by changing single last states, for every kind of head."""

from types import SimpleNamespace

import pytest
import torch
from small_functions import (
    tiny_classifier,
    tiny_gpt2,
    tiny_gpt2_classifier,
    tiny_masked_lm,
    tiny_modernbert_classifier,
    tiny_xlnet_classifier,
)
from torch import nn

from hf_apt.analysis.kernels.answer_positions import answer_positions, trunk_of
from hf_apt.analysis.kernels.logits_function import LogitsFunction, Row, prompted_logits
from hf_apt.analysis.kernels.prompt import Prompt

TEXTS = ["w1 w2 w3", "w5"]
WORDS = ("w1", "w2", "w3")


def kinds(tokenizer) -> dict[str, LogitsFunction]:
    masked = prompted_logits(
        tiny_masked_lm(tokenizer), tokenizer, Prompt("{text} {mask} w9", WORDS)
    )
    causal = prompted_logits(
        tiny_gpt2(tokenizer), tokenizer, Prompt("{text} w9 {mask}", WORDS), causal=True
    )
    return {
        "mask": masked,
        "next token": causal,
        "BERT": tiny_classifier(tokenizer),
        "GPT-2": tiny_gpt2_classifier(tokenizer),
        "XLNet": tiny_xlnet_classifier(tokenizer),
        "first token": tiny_modernbert_classifier(tokenizer, "cls"),
        "mean": tiny_modernbert_classifier(tokenizer, "mean"),
    }


def positions_that_matter(function: LogitsFunction, row) -> list[int]:
    """The tokens whose last state changes the outputs when it is replaced, one after the other."""
    trunk, plain = trunk_of(function.model), function.outputs([row])
    told = []
    for place in range(len(row.inputs["input_ids"])):

        def replace(_: nn.Module, __: object, output, place: int = place):
            states = output[0].clone()
            states[:, place] += torch.arange(states.shape[-1], dtype=states.dtype)
            if "pooler_output" in output:  # BERT's head reads what its pooler made of the state
                output["pooler_output"] = trunk.pooler(states)
            output["last_hidden_state"] = states
            return output

        hook = trunk.register_forward_hook(replace)
        changed = function.outputs([row])
        hook.remove()
        if not torch.equal(changed, plain):
            told.append(place)
    return told


@pytest.mark.parametrize(
    "kind", ["mask", "next token", "BERT", "GPT-2", "XLNet", "first token", "mean"]
)
def test_the_states_that_change_the_answer_are_those(tokenizer, kind) -> None:
    function = kinds(tokenizer)[kind]
    for row in function.rows(TEXTS):
        asked = answer_positions(function, row)
        assert asked == positions_that_matter(function, row)
        last = len(row.inputs["input_ids"]) - 1
        expected = {
            **dict.fromkeys(("next token", "GPT-2", "XLNet"), [last]),
            **dict.fromkeys(("BERT", "first token"), [0]),
            "mean": list(range(last + 1)),
            "mask": [row.position],
        }
        assert asked == expected[kind]


@pytest.mark.parametrize("kind", ["BERT", "GPT-2", "XLNet", "first token", "mean"])
def test_padding_changes_no_output_of_a_head(tokenizer, kind) -> None:
    function = kinds(tokenizer)[kind]
    rows = function.rows([*TEXTS, "w6 w7 w8 w9 w1"])
    alone = torch.cat([function.outputs([row]) for row in rows])
    torch.testing.assert_close(function.outputs(rows), alone, rtol=1e-9, atol=1e-12)


def test_frozen_weights_do_not_matter(tokenizer) -> None:
    function = tiny_gpt2_classifier(tokenizer)
    function.model.requires_grad_(False)
    (row,) = function.rows(TEXTS[:1])
    assert answer_positions(function, row) == [len(row.inputs["input_ids"]) - 1]
    assert not any(each.requires_grad for each in function.model.parameters())


class Trunk(nn.Embedding):
    def forward(self, input_ids):
        return (super().forward(input_ids),)


class Weighting(nn.Module):
    """A head that weights tokens by their places, or reads none."""

    base_model_prefix = "trunk"

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.trunk = Trunk(9, 3)
        self.config = SimpleNamespace(num_labels=3)
        self.device = torch.device("cpu")
        self.weight = weight

    def forward(self, input_ids):
        (states,) = self.trunk(input_ids)
        weights = torch.arange(1.0, states.shape[1] + 1) * self.weight
        return SimpleNamespace(logits=(weights[None, :, None] * states).sum(dim=1))


@pytest.mark.parametrize(
    ("weight", "said"),
    [
        (1.0, "Weighting reads 4 tokens of a text, and not by their mean"),
        (0.0, "the outputs of Weighting do not depend on the last states"),
    ],
)
def test_heads_that_read_in_other_ways_are_said(weight, said) -> None:
    function = LogitsFunction(
        Weighting(weight), SimpleNamespace(pad_token_id=0, padding_side="right"), "label", 3, 8
    )
    with pytest.raises(ValueError, match=said):
        answer_positions(function, Row({"input_ids": [1, 2, 3, 4]}, 0))
