"""Nothing added changes nothing, in models of several families; and what is refused."""

from typing import Any

import pytest
import torch
import transformers
from torch import nn

from hf_apt.training.adversary.word_embeddings import (
    added_to,
    ids_and_mask,
    require_fine_numbers,
    width_of,
    word_embeddings,
)

SIZES: dict[str, Any] = {
    "vocab_size": 40,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "num_labels": 3,
    "pad_token_id": 1,
}
FAMILIES: dict[str, dict[str, Any]] = {
    "Bert": SIZES,
    "Roberta": SIZES,
    "Electra": SIZES | {"embedding_size": 8},
    "Albert": SIZES | {"embedding_size": 8},
    "DistilBert": {
        **{"vocab_size": 40, "dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 24},
        **{"num_labels": 3, "pad_token_id": 1},
    },
    "GPT2": {
        **{"vocab_size": 40, "n_embd": 16, "n_layer": 1, "n_head": 2, "num_labels": 3},
        **{"pad_token_id": 1},
    },
}
IDS = torch.tensor([[5, 6, 7, 8, 9], [5, 6, 7, 1, 1], [1, 1, 5, 6, 7], [5, 1, 6, 1, 7]])
MASK = (IDS != 1).long()


def classifier(family: str, **changed: Any) -> Any:
    config = getattr(transformers, f"{family}Config")(**FAMILIES[family] | changed)
    torch.manual_seed(0)
    return getattr(transformers, f"{family}ForSequenceClassification")(config).eval()


@pytest.mark.parametrize("family", FAMILIES)
def test_with_nothing_added_the_answers_are_the_models_own(family):
    """With padding on the right, on the left and between."""
    model = classifier(family)
    embeddings = word_embeddings(model)
    own = model(IDS, attention_mask=MASK).logits
    delta = torch.zeros(*IDS.shape, width_of(embeddings))
    with added_to(embeddings, delta):
        assert torch.equal(model(IDS, attention_mask=MASK).logits, own)
    delta[:, 2, 3] = 0.5
    with added_to(embeddings, delta):
        moved = model(IDS, attention_mask=MASK).logits
    assert float((moved - own).abs().amin()) > 0
    table = embeddings.weight
    with torch.no_grad():
        table[7] += delta[0, 2]
    torch.testing.assert_close(model(IDS[:1], attention_mask=MASK[:1]).logits, moved[:1])
    assert not embeddings._forward_hooks


def test_gradients_reach_what_is_added_and_the_table():
    model = classifier("Bert")
    embeddings = word_embeddings(model)
    delta = torch.zeros(*IDS.shape, 16, requires_grad=True)
    with added_to(embeddings, delta):
        model(IDS, attention_mask=MASK).logits[:, 0].sum().backward()
    assert delta.grad is not None
    by_token = torch.zeros(40, 16).index_add(0, IDS.flatten(), delta.grad.flatten(0, 1))
    by_token[1] = 0  # the table's own padding row has no gradient
    torch.testing.assert_close(embeddings.weight.grad, by_token)


def test_an_adapted_model_has_the_table_of_its_base():
    from hf_apt.models.lora import with_adapter

    model = classifier("Bert")
    assert word_embeddings(with_adapter(model, 2, seed=0)) is model.get_input_embeddings()


def test_ids_and_mask():
    ids, mask = ids_and_mask({"input_ids": IDS, "attention_mask": MASK})
    assert torch.equal(ids, IDS)
    assert torch.equal(mask, MASK.bool())
    _, mask = ids_and_mask({"input_ids": IDS})
    assert mask.all()
    ids, mask = ids_and_mask({"input_ids": torch.stack([IDS, IDS])})
    assert ids.shape == mask.shape == (8, 5)
    with pytest.raises(ValueError, match="the batch has no input_ids"):
        ids_and_mask({"inputs_embeds": torch.zeros(1, 2, 3)})


def test_what_has_no_word_embeddings_is_refused():
    with pytest.raises(ValueError, match="Linear has no table of word embeddings to perturb"):
        word_embeddings(nn.Linear(2, 2))
    config = transformers.ViTConfig(
        **{"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2},
        intermediate_size=16,
        image_size=8,
        patch_size=4,
    )
    with pytest.raises(ValueError, match="ViTModel has no table of word embeddings"):
        word_embeddings(transformers.ViTModel(config))
    two_parts = classifier("Bert")
    two_parts.config.is_encoder_decoder = True
    with pytest.raises(ValueError, match="is an encoder with a decoder"):
        word_embeddings(two_parts)


def test_a_table_that_is_not_read_once_is_refused():
    model = classifier("Bert")
    embeddings = word_embeddings(model)
    delta = torch.zeros(*IDS.shape, 16)
    with (
        pytest.raises(ValueError, match="has read its word embeddings 0 times"),
        added_to(embeddings, delta),
    ):
        model(inputs_embeds=torch.zeros(*IDS.shape, 16))
    with (
        pytest.raises(ValueError, match="has read its word embeddings 2 times"),
        added_to(embeddings, delta),
    ):
        _ = model(IDS), model(IDS)
    with (
        pytest.raises(ValueError, match=r"have the shape \(2, 5, 16\), and the perturbation"),
        added_to(embeddings, delta),
    ):
        model(IDS[:2])
    assert not embeddings._forward_hooks


def test_a_perturbation_that_vanishes_is_refused():
    embeddings = nn.Embedding(50, 8)
    nn.init.normal_(embeddings.weight, std=0.05)
    require_fine_numbers(embeddings, 1e-5, "x")
    for dtype, name in ((torch.bfloat16, "bfloat16"), (torch.float16, "float16")):
        with pytest.raises(ValueError, match=f"1e-05 vanishes in word embeddings of {name}.*: x."):
            require_fine_numbers(embeddings.to(dtype), 1e-5, "x")
    require_fine_numbers(embeddings.to(torch.bfloat16), 1.0, "x")
