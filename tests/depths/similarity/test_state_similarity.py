"""Laws of similarity between states: those of the model's own outputs, laws of two models."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf

from hf_apt.data.tokenizer import SPECIAL_TOKENS, vocabulary_tokenizer
from hf_apt.depths.similarity.state_similarity import state_similarity
from hf_apt.stats.similarity.cka import linear_cka
from hf_apt.stats.similarity.cka_error import linear_cka_estimate

SMALL: dict[str, Any] = {
    "vocab_size": 65,
    "hidden_size": 16,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}


def made(num_blocks: int, seed: int) -> hf.BertForMaskedLM:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        config = hf.BertConfig(
            **SMALL,
            num_hidden_layers=num_blocks,
            max_position_embeddings=24,
            initializer_range=0.5,
        )
        return hf.BertForMaskedLM(config).eval()


@pytest.fixture(scope="module")
def bert() -> hf.BertForMaskedLM:
    return made(2, seed=1)


@pytest.fixture(scope="module")
def texts(documents) -> list[str]:
    return [" ".join(text.split()[:20]) for text in documents[:12]]


def states_of(model, tokenizer, texts, *, means: bool = False) -> np.ndarray:
    """The states (D, N, H), text by text, by the model's own outputs."""
    parts = []
    for text in texts:
        with torch.no_grad():
            outputs = model(**tokenizer(text, return_tensors="pt"), output_hidden_states=True)
        part_DNH = torch.stack(outputs.hidden_states)[:, 0, 1:-1].double().numpy()
        parts.append(part_DNH.mean(axis=1, keepdims=True) if means else part_DNH)
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize("things", ["tokens", "texts"])
@pytest.mark.parametrize("batch_size", [5, 32])
def test_how_alike_are_two_blocks(bert, tokenizer, texts, things, batch_size) -> None:
    similarity = state_similarity(bert, tokenizer, texts, things=things, batch_size=batch_size)
    states_DNH = states_of(bert, tokenizer, texts, means=things == "texts")
    assert similarity.num == states_DNH.shape[1]
    for depth, other in np.ndindex(3, 3):
        value = linear_cka(states_DNH[depth], states_DNH[other])
        assert similarity.cka_DE[depth, other] == pytest.approx(value, abs=1e-5)


@pytest.mark.parametrize("batch_size", [1, 32])
def test_errors_are_those_over_texts(bert, tokenizer, documents, batch_size) -> None:
    texts = [" ".join(text.split()[:20]) for text in documents[:25]]
    similarity = state_similarity(bert, tokenizer, texts, batch_size=batch_size)
    states_DNH = states_of(bert, tokenizer, texts)
    numbers = [number for number, text in enumerate(texts) for _ in text.split()]
    assert similarity.errors_DE is not None
    for depth, other in np.ndindex(3, 3):
        alone = linear_cka_estimate(states_DNH[depth], states_DNH[other], numbers)
        assert similarity.cka_DE[depth, other] == pytest.approx(alone.value, abs=1e-5)
        error = similarity.errors_DE[depth, other]
        assert error == pytest.approx(alone.standard_error, abs=1e-5)


def test_without_room_for_errors_there_are_none_with_a_warning(
    bert, tokenizer, texts, monkeypatch
) -> None:
    from hf_apt.depths.similarity import state_similarity as module

    whole = state_similarity(bert, tokenizer, texts)
    free = module.psutil.virtual_memory().available
    monkeypatch.setattr(module, "sums_bytes", lambda *_: free // 5)
    with pytest.warns(UserWarning, match="standard errors are left out: they take"):
        similarity = state_similarity(bert, tokenizer, texts)
    assert similarity.errors_DE is None
    np.testing.assert_allclose(similarity.cka_DE, whole.cka_DE, atol=1e-7)


def test_how_alike_are_two_checkpoints(bert, tokenizer, texts) -> None:
    other = made(3, seed=2)
    similarity = state_similarity(bert, tokenizer, texts, other)
    one, two = states_of(bert, tokenizer, texts), states_of(other, tokenizer, texts)
    for depth, deeper in np.ndindex(3, 4):
        value = linear_cka(one[depth], two[deeper])
        assert similarity.cka_DE[depth, deeper] == pytest.approx(value, abs=1e-5)
    same = state_similarity(bert, tokenizer, texts, copy.deepcopy(bert)).cka_DE
    np.testing.assert_allclose(same, state_similarity(bert, tokenizer, texts).cka_DE, atol=1e-9)


def test_long_texts_are_cut(bert, tokenizer) -> None:
    texts = [f"w{n} w{n + 1} w{n + 2} w3 w4" for n in range(8)]
    assert state_similarity(bert, tokenizer, texts, sequence_length=5).num == 3 * 8
    assert state_similarity(bert, tokenizer, ["w1 " * 60]).num == 22


def test_other_tokens_are_compared_by_text_only(bert, tokenizer, texts) -> None:
    reordered = vocabulary_tokenizer([*SPECIAL_TOKENS, *(f"w{n}" for n in reversed(range(60)))])
    with pytest.raises(ValueError, match="different tokens.*things='texts'"):
        state_similarity(bert, tokenizer, texts, made(1, seed=3), reordered)
    similarity = state_similarity(
        bert, tokenizer, texts, made(1, seed=3), reordered, things="texts"
    )
    assert similarity.cka_DE.shape == (3, 2)


def test_what_cannot_be_compared_is_refused_before_any_pass(bert, tokenizer, monkeypatch) -> None:
    monkeypatch.setattr("hf_apt.depths.similarity.state_similarity._summed", None)
    texts = [f"w{n} w1" for n in range(8)]
    wrong: list[tuple[Any, dict[str, Any], str]] = [
        ("w1 w2 w3 w4", {}, "not one string"),
        ([], {}, "no text to compare"),
        (["w1", ""], {}, "text 2 is empty"),
        (["w1 w2"], {}, "there are 2 tokens, and CKA needs 4"),
        (texts[:3], {"things": "texts"}, "there are 3 texts"),
        (texts, {"things": "words"}, "things is 'words'"),
        (texts, {"batch_size": 0}, "batch_size"),
        (texts, {"sequence_length": 2}, "sequence_length"),
    ]
    for given, options, words in wrong:
        with pytest.raises(ValueError, match=words):
            state_similarity(bert, tokenizer, given, **options)
    monkeypatch.setattr("hf_apt.depths.similarity.state_similarity.sums_bytes", lambda *_: 10**18)
    with pytest.raises(ValueError, match="takes 1e\\+09 GB of memory"):
        state_similarity(bert, tokenizer, texts)
