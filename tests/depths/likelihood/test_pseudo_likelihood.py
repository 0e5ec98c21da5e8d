"""Laws of sentence scores: exact on a linear model, minicons' numbers, cut models, refusals."""

from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf
from linear_models import linear_model

from hf_apt.data.planted import (
    document_text,
    exact_log_probabilities,
    expected_word_frequencies,
    sample_documents,
)
from hf_apt.data.planted.corpus import PlantedCorpus
from hf_apt.data.tokenizer import SPECIAL_TOKENS, load_tokenizer, vocabulary_tokenizer
from hf_apt.depths.likelihood.pseudo_likelihood import log_likelihood, pseudo_log_likelihood
from hf_apt.depths.truncation import cut
from hf_apt.models.encoders import Encoder
from hf_apt.models.loading import load_masked_lm

SENTENCES = ["w1ab w2 w3a", "w4", "w2 w2 w5abba w1 w6"]
SMALL: dict[str, Any] = {
    "vocab_size": 65,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}


@pytest.fixture(scope="module")
def pieces() -> Any:
    """A tokenizer whose words are w0 to w57, each followed by any number of a and b."""
    return vocabulary_tokenizer([*SPECIAL_TOKENS, *(f"w{n}" for n in range(58)), "##a", "##b"])


@pytest.fixture(scope="module")
def bert() -> hf.BertForMaskedLM:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        config = hf.BertConfig(
            **SMALL, intermediate_size=32, max_position_embeddings=24, initializer_range=0.5
        )
        return hf.BertForMaskedLM(config).eval()


@pytest.fixture(scope="module")
def gpt() -> hf.GPT2LMHeadModel:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        config = hf.GPT2Config(
            vocab_size=65, n_embd=16, n_layer=2, n_head=2, n_positions=24, initializer_range=0.5
        )
        return hf.GPT2LMHeadModel(config).eval()


def one_by_one(model, tokenizer, text: str, kind: str) -> list[float]:
    """The log-probability of each token by the model's own logits, a pass for each, as in minicons:
    the token is masked, of `within_word_l2r` with all later tokens that have its word id."""
    encoded = tokenizer(text, return_tensors="pt")
    ids, words = encoded["input_ids"], encoded.word_ids()
    values = []
    for at in range(1, ids.shape[1] - 1):
        shown = ids.clone()
        shown[0, at] = tokenizer.mask_token_id
        if kind == "within_word_l2r":
            for later in range(at + 1, ids.shape[1] - 1):
                if words[later] == words[at]:
                    shown[0, later] = tokenizer.mask_token_id
        with torch.no_grad():
            logits_V = model(input_ids=shown).logits[0, at].double()
        values.append(float(logits_V.log_softmax(0)[ids[0, at]]))
    return values


@pytest.mark.parametrize("kind", ["original", "within_word_l2r"])
def test_how_likely_is_my_sentence(bert, pieces, kind) -> None:
    """At each depth as a model that is cut there says itself, whatever the batches."""
    scores = pseudo_log_likelihood(bert, pieces, SENTENCES, kind, batch_size=3)
    assert scores.num_depths == 3
    for depth in range(3):
        shallow = cut(Encoder(bert, pieces), depth).model
        for text, sentence in zip(SENTENCES, scores.sentences, strict=True):
            expected = one_by_one(shallow, pieces, text, kind)
            np.testing.assert_allclose(
                sentence.log_probabilities_DT[depth], expected, rtol=0, atol=1e-5
            )


def test_within_a_word_later_pieces_are_masked_too(bert, pieces) -> None:
    plain, l2r = (
        pseudo_log_likelihood(bert, pieces, ["w1ab w2"], kind).sentences[0]
        for kind in ("original", "within_word_l2r")
    )
    assert plain.tokens == ("w1", "##a", "##b", "w2")
    assert (plain.words, plain.word_of_T) == (("w1ab", "w2"), (0, 0, 0, 1))
    same_T = np.isclose(plain.log_probabilities_DT[-1], l2r.log_probabilities_DT[-1], atol=1e-6)
    assert same_T.tolist() == [False, False, True, True]


def test_a_linear_model_is_scored_exactly(pieces) -> None:
    """Without mixing a mask is the same everywhere: log p by the blocks' own matrices."""
    model = linear_model()
    hidden_H = model.trunk.embeddings.weight[pieces.mask_token_id]
    expected_DV = []
    for depth in range(4):
        expected_DV.append(model.decoder(hidden_H).log_softmax(0).detach().numpy())
        if depth < 3:
            hidden_H = model.trunk.layer[depth].own(hidden_H)
    scores = pseudo_log_likelihood(model, pieces, SENTENCES)
    for text, sentence in zip(SENTENCES, scores.sentences, strict=True):
        ids = pieces(text, add_special_tokens=False)["input_ids"]
        np.testing.assert_allclose(
            sentence.log_probabilities_DT, np.stack(expected_DV)[:, ids], rtol=1e-12
        )


def test_the_numbers_are_those_of_minicons() -> None:
    """Of version 0.3.39, for the shipped checkpoint."""
    name = "bert6-narrow-wikipedia"
    texts = [
        "the president of the united states lives in washington.",
        "an extraordinarily complicated hypothesis!",
        "he don't know",
        "a very short one",
    ]
    expected: dict[Any, list[float]] = {
        "original": [-25.8798623, -24.2670181, -10.7313075, -17.9747348],
        "within_word_l2r": [-25.8798623, -47.2897861, -10.7313075, -17.9747348],
    }
    model, tokenizer = load_masked_lm(name), load_tokenizer(name)
    for kind, values in expected.items():
        scores = pseudo_log_likelihood(model, tokenizer, texts, kind)
        assert scores.log_likelihood_DS[-1] == pytest.approx(values, rel=1e-5)
    assert scores.sentences[2].words == ("he", "don", "'", "t", "know")


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_a_causal_model_has_an_exact_log_likelihood(gpt, pieces, batch_size) -> None:
    scores = log_likelihood(gpt, pieces, SENTENCES, batch_size=batch_size)
    for text, sentence in zip(SENTENCES, scores.sentences, strict=True):
        ids = pieces(text, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            log_TV = gpt(input_ids=ids).logits[0].double().log_softmax(-1)
        expected = [float(log_TV[at - 1, ids[0, at]]) for at in range(1, ids.shape[1] - 1)]
        np.testing.assert_allclose(sentence.log_probabilities_DT[-1], expected, atol=1e-5)
        assert sentence.log_probabilities_DT.shape == (3, len(expected))
    with pytest.raises(ValueError, match=r"predicts the next token.*hf_apt.log_likelihood"):
        pseudo_log_likelihood(gpt, pieces, SENTENCES)


def test_a_first_token_that_nothing_stands_before_is_not_scored(gpt) -> None:
    """Of a tokenizer without special tokens around a text."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    plain = Tokenizer(models.WordLevel({f"w{n}": n for n in range(65)}, unk_token="w0"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = hf.PreTrainedTokenizerFast(tokenizer_object=plain)
    (sentence,) = log_likelihood(gpt, tokenizer, ["w1 w2 w3"]).sentences
    assert sentence.tokens == ("w2", "w3")
    with pytest.raises(ValueError, match="no token that can be scored"):
        log_likelihood(gpt, tokenizer, ["w1"])


def test_unknown_words_are_counted(bert, pieces) -> None:
    (sentence,) = pseudo_log_likelihood(bert, pieces, ["w1 wholly w2"]).sentences
    assert (sentence.tokens, sentence.num_unknown) == (("w1", "[UNK]", "w2"), 1)
    assert sentence.words == ("w1", "wholly", "w2")


def test_what_cannot_be_scored_is_refused_before_any_pass(bert, pieces, monkeypatch) -> None:
    monkeypatch.setattr("hf_apt.depths.likelihood.pseudo_likelihood._asked", None)
    wrong: list[tuple[Any, dict, str]] = [
        ("w1", {}, "not one string"),
        ([], {}, "no sentence to score"),
        (["w1", "  "], {}, "sentence 2 is empty"),
        (["w1", 7], {}, "sentence 2 is int"),
        (["w1 [MASK]"], {}, r"holds \[MASK\]"),
        (["w1 " * 30], {}, r"sentence 1 \('w1 w1.*has 32 tokens.* the model takes 24"),
        (["\ud800"], {}, "surrogate"),
        (["w1"], {"kind": "l2r"}, "kind is 'l2r'"),
        (["w1"], {"batch_size": 0}, "batch_size"),
    ]
    for sentences, options, words in wrong:
        with pytest.raises(ValueError, match=words):
            pseudo_log_likelihood(bert, pieces, sentences, **options)
    with pytest.raises(ValueError, match="has no log-likelihood|have no log-likelihood"):
        log_likelihood(bert, pieces, ["w1"])


def test_weights_that_are_not_finite_are_refused(bert, pieces) -> None:
    broken: Any = hf.BertForMaskedLM(bert.config).eval()
    with torch.no_grad():
        broken.bert.encoder.layer[1].output.dense.bias.fill_(float("nan"))
    with pytest.raises(ValueError, match="'w1' of sentence 1 has no finite.*depth 2"):
        pseudo_log_likelihood(broken, pieces, ["w1 w2"])


def test_how_likely_is_a_planted_sentence_and_how_likely_could_it_be() -> None:
    """Frequencies alone give the sum of their logarithms; knowing the language gives more."""
    corpus = PlantedCorpus(num_documents=400)
    language, words_BT = (
        corpus.language(),
        sample_documents(corpus.language(), 40, 20, seed=7).words,
    )
    frequencies = expected_word_frequencies(language, 20)
    ids, size = len(SPECIAL_TOKENS), len(SPECIAL_TOKENS) + language.num_words
    config = hf.BertConfig(
        **{**SMALL, "vocab_size": size}, intermediate_size=32, max_position_embeddings=24
    )
    model = hf.BertForMaskedLM(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        model.cls.predictions.bias.fill_(-50.0)
        model.cls.predictions.bias[ids:] = torch.tensor(np.log(frequencies))
    texts = [document_text(language, row) for row in words_BT]
    scores = pseudo_log_likelihood(model, corpus.tokenizer(), texts)
    exact_BT = exact_log_probabilities(language, words_BT)
    for row, sentence in zip(words_BT, scores.sentences, strict=True):
        for of_depth in sentence.log_probabilities_DT:
            np.testing.assert_allclose(of_depth, np.log(frequencies)[row], rtol=0, atol=1e-5)
    by_frequency = np.log(frequencies)[words_BT].sum(axis=1)
    gain_B = exact_BT.sum(axis=1) - by_frequency
    assert gain_B.mean() > 5 * gain_B.std(ddof=1) / np.sqrt(len(gain_B)) > 0
