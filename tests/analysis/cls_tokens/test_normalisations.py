"""Laws of normalisations: those of every kind of encoder, in its blocks, as it calls them."""

from typing import Any

import pytest
import torch
import transformers as hf
from torch import nn

from hf_apt.analysis.cls_tokens.normalisations import Normalisations, Place

SMALL: dict[str, Any] = {
    "vocab_size": 65,
    "hidden_size": 16,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
}


def seen_by(model, width: int = 16) -> list[tuple[Place, torch.Tensor, torch.Tensor]]:
    calls = []
    normalisations = Normalisations(model)
    ids_BT = torch.arange(5, 13)[None]
    with torch.no_grad(), normalisations.seen_by(lambda *call: calls.append(call), width):
        model(input_ids=ids_BT, attention_mask=torch.ones_like(ids_BT))
    with torch.no_grad():
        model(input_ids=ids_BT)
    assert len({place for place, *_ in calls}) == len(calls), "each place once, none afterwards"
    return calls


POST = ["attention.output.LayerNorm", "output.LayerNorm"]
KINDS = {
    "bert": (
        lambda: hf.BertModel(hf.BertConfig(**SMALL)),
        [(0, "embeddings.LayerNorm"), *((block, name) for block in (1, 2) for name in POST)],
    ),
    "roberta": (
        lambda: hf.RobertaModel(hf.RobertaConfig(**SMALL, pad_token_id=1)),
        [(0, "embeddings.LayerNorm"), *((block, name) for block in (1, 2) for name in POST)],
    ),
    "albert": (
        lambda: hf.AlbertModel(hf.AlbertConfig(**SMALL, embedding_size=16)),
        [
            (0, "embeddings.LayerNorm"),
            *(
                (block, f"albert_layers.0.{name}")
                for block in (1, 2)
                for name in ("attention.LayerNorm", "full_layer_layer_norm")
            ),
        ],
    ),
    "modernbert": (
        lambda: hf.ModernBertModel(
            hf.ModernBertConfig(  # pyright: ignore

                **SMALL, pad_token_id=0, cls_token_id=2, sep_token_id=3, bos_token_id=2,
                eos_token_id=3, reference_compile=False, attn_implementation="eager",
            )
        ),
        [
            (0, "embeddings.norm"),
            *((1, "mlp_norm"), (2, "attn_norm"), (2, "mlp_norm")),
            (3, "final_norm"),
        ],
    ),
    "distilbert": (
        lambda: hf.DistilBertModel(
            hf.DistilBertConfig(vocab_size=65, dim=16, n_heads=2, hidden_dim=32, n_layers=2)
        ),
        [
            (0, "embeddings.LayerNorm"),
            *((b, name) for b in (1, 2) for name in ("sa_layer_norm", "output_layer_norm")),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_places_are_those_of_the_blocks(kind) -> None:
    make, expected = KINDS[kind]
    calls = seen_by(make().eval())
    assert [(place.block, place.name) for place, *_ in calls] == expected


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_shown_is_what_went_in_and_came_out(kind) -> None:
    """A norm of weight 1 and bias 0 leaves states of mean 0 and length sqrt(H)."""
    calls = seen_by(KINDS[kind][0]().eval())
    for _, before_BTH, after_BTH in calls:
        assert before_BTH.shape == after_BTH.shape == (1, 8, 16)
        plain_BTH = before_BTH - before_BTH.mean(dim=-1, keepdim=True)
        plain_BTH = plain_BTH / plain_BTH.norm(dim=-1, keepdim=True) * 4
        torch.testing.assert_close(after_BTH, plain_BTH, atol=0.2, rtol=0.02)


def test_a_norm_that_gives_back_what_it_is_given_changes_nothing() -> None:
    model: Any = hf.BertModel(hf.BertConfig(**SMALL)).eval()

    class EqualNorm(nn.Module):
        def forward(self, states):
            return states

    for block in model.encoder.layer:
        block.output.LayerNorm = EqualNorm()
    for place, before_BTH, after_BTH in seen_by(model):
        if place.name == "output.LayerNorm":
            assert torch.equal(before_BTH, after_BTH)


def test_norms_of_another_width_are_not_shown() -> None:
    assert seen_by(KINDS["bert"][0](), width=8) == []


def test_a_model_without_blocks_is_refused() -> None:
    with pytest.raises(ValueError, match="Linear has no list of blocks with normalisations"):
        Normalisations(nn.Linear(2, 2))
