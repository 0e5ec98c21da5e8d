"""The rows read off models of several kinds, and off one that was trained without some tokens."""

from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    AlbertConfig,
    AlbertForMaskedLM,
    BertConfig,
    BertForMaskedLM,
    EsmConfig,
    EsmForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
)

from hf_apt.models.bert6 import Bert6Config, Bert6ForMaskedLM
from hf_apt.models.token_rows import token_rows
from hf_apt.stats.token_rows.row_figures import row_figures

VOCAB = 64
SMALL: dict[str, Any] = {
    "vocab_size": VOCAB,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}


def with_random_biases(model):
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.shape == (VOCAB,):
                parameter.normal_(generator=torch.Generator().manual_seed(0))
    return model


@pytest.mark.parametrize(
    "model",
    [
        lambda: BertForMaskedLM(BertConfig(**SMALL)),
        lambda: Bert6ForMaskedLM(Bert6Config(**SMALL)),
        lambda: AlbertForMaskedLM(AlbertConfig(**SMALL, embedding_size=8)),
        lambda: EsmForMaskedLM(EsmConfig(**SMALL, pad_token_id=1)),
    ],
)
def test_rows_are_those_of_the_parameters(model) -> None:
    """ESM adds a bias of its own to what its output embedding, without one, gives."""
    model = with_random_biases(model())
    rows = token_rows(model)
    assert rows is not None
    assert rows.biases_V is not None
    weight = model.get_input_embeddings().weight.detach().numpy().astype(float)
    expected = [sum(value * value for value in row) ** 0.5 for row in weight.tolist()]
    assert rows.norms_V.tolist() == pytest.approx(expected, rel=1e-6)
    (own,) = (p for p in model.parameters() if p.shape == (VOCAB,))
    assert rows.biases_V.tolist() == own.tolist()


def test_a_model_without_output_bias_has_norms_alone() -> None:
    """Its blocks have biases that are as many as its tokens by chance: 4 x 16."""
    model = GPT2LMHeadModel(GPT2Config(vocab_size=VOCAB, n_embd=16, n_layer=1, n_head=2))
    rows = token_rows(model)
    assert rows is not None
    assert rows.biases_V is None
    assert rows.vocab_size == VOCAB


def test_half_precision_is_measured_in_full() -> None:
    model = BertForMaskedLM(BertConfig(**SMALL)).half()
    with torch.no_grad():
        model.get_input_embeddings().weight.fill_(300.0)  # whose square float16 does not hold
    rows = token_rows(model)
    assert rows is not None
    assert rows.norms_V.tolist() == [1200.0] * VOCAB


def test_weights_that_are_not_finite_have_no_rows() -> None:
    model = BertForMaskedLM(BertConfig(**SMALL))
    with torch.no_grad():
        model.get_input_embeddings().weight[3, 3] = float("nan")
    assert token_rows(model) is None


UNUSED, UNTRAINED, RARE = range(1, 11), range(11, 19), range(19, 25)
"""Ids that no text holds, tokens that training never saw, tokens that it seldom saw."""


def trained_without_some_tokens() -> BertForMaskedLM:
    """A small model trained to copy, by a text in which id 0 stands for each untrained token."""
    torch.manual_seed(0)
    model = BertForMaskedLM(BertConfig(**SMALL, max_position_embeddings=16))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    seen = torch.tensor([0, *range(RARE.start, VOCAB)])
    weight = torch.where((seen >= RARE.start) & (seen < RARE.stop), 0.2, 1.0)
    for _ in range(150):
        ids = seen[torch.multinomial(weight, 8 * 16, replacement=True)].view(8, 16)
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return model.eval()


def test_tokens_that_training_never_saw_are_told_from_those_that_it_did() -> None:
    """Precision and recall are 1 among the tokens that are never right, the rare ones included."""
    rows = token_rows(trained_without_some_tokens())
    assert rows is not None
    vocabulary = [f"[unused{i}]" if i in UNUSED else f"w{i}" for i in range(VOCAB)]
    support_V = np.array([0 if i in UNUSED else 50 + i for i in range(VOCAB)])
    never = {*UNTRAINED, *RARE}
    hits_V = np.array([0 if i in never else support_V[i] // 2 for i in range(VOCAB)])
    figures = row_figures(rows, hits_V, support_V, vocabulary=vocabulary, frequency_V=support_V)
    assert figures["is_reliable"]
    assert figures["unused_are"] == "named"
    assert figures["num_tokens"] == len(never)
    assert figures["look_untrained"] is not None
    told = {t for t, so in zip(figures["tokens"], figures["look_untrained"], strict=True) if so}
    assert told == set(UNTRAINED)
    assert figures["num_untrained"] == len(UNTRAINED)
    assert figures["unused"] is not None
    assert figures["unused"]["share_alike"] == 1.0
    assert figures["right"] is not None
    assert figures["right"]["share_alike"] == 0.0
