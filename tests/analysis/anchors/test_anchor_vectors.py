"""Laws of anchor vectors of models: those of the model's own states and word vectors."""

from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf

from hf_apt.analysis.anchors.anchor_config import AnchorConfig
from hf_apt.analysis.anchors.anchor_vectors import anchor_vectors
from hf_apt.stats.anchors.bulk import AnchorBulk
from hf_apt.stats.anchors.word_vectors import anchor_fit

SMALL: dict[str, Any] = {"vocab_size": 65}


def made(kind: str, seed: int = 1) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        if kind == "bert":
            config = hf.BertConfig(
                **SMALL,
                hidden_size=8,
                num_attention_heads=2,
                intermediate_size=16,
                num_hidden_layers=2,
                max_position_embeddings=48,
                initializer_range=0.5,
            )
            return hf.BertForMaskedLM(config).eval()
        config = hf.GPT2Config(
            **SMALL,
            n_embd=8,
            n_head=2,
            n_layer=2,
            n_positions=48,
            initializer_range=0.5,
            bos_token_id=2,
            eos_token_id=3,
        )
        return hf.GPT2LMHeadModel(config).eval()


@pytest.fixture(scope="module")
def texts(documents) -> list[str]:
    return [text for text in documents if len(text.split()) > 5][:15]


def features(model, tokenizer, text: str) -> tuple[np.ndarray, np.ndarray]:
    """The states (D, T, E) that the output layer would be given, and the logits (D, T, V)."""
    with torch.no_grad():
        ids_BT = tokenizer(text, return_tensors="pt")["input_ids"]
        outputs = model(input_ids=ids_BT, output_hidden_states=True)
        *below, last = outputs.hidden_states
        if hasattr(model, "transformer"):
            given = [*map(model.transformer.ln_f, below), last]
            logits = [model.lm_head(each) for each in given]
        else:
            given = [model.cls.predictions.transform(each) for each in (*below, last)]
            logits = [model.cls.predictions.decoder(each) for each in given]
    assert torch.allclose(logits[-1], outputs.logits, atol=1e-5)
    return (
        torch.stack(given)[:, 0].double().numpy(),
        torch.stack(logits)[:, 0].double().numpy(),
    )


@pytest.mark.parametrize("kind", ["bert", "gpt2"])
@pytest.mark.parametrize("batch_size", [4, 32])
def test_fits_are_those_of_the_states_that_the_model_shows(
    kind, batch_size, tokenizer, texts
) -> None:
    model = made(kind)
    config = AnchorConfig(positions="all", batch_size=batch_size, num_components=2, num_twins=0)
    vectors = anchor_vectors(model, tokenizer, texts, config)
    parts, documents = [], []
    for number, text in enumerate(texts):
        states_DTE, _ = features(model, tokenizer, text)
        own = slice(0, -2) if kind == "gpt2" else slice(1, -1)  # before each next word, or at it
        parts.append(states_DTE[:, own])
        documents += [number] * parts[-1].shape[1]
    states_DNE = np.concatenate(parts, axis=1)
    decoder = model.get_output_embeddings()
    bias_V = None if decoder.bias is None else decoder.bias.detach()
    assert vectors.is_causal == (kind == "gpt2")
    assert len(vectors.fits_D) == 3
    for fit, states_NE in zip(vectors.fits_D, states_DNE, strict=True):
        expected = anchor_fit(
            states_NE, decoder.weight, bias_V, documents=documents, num_components=2
        )
        assert (fit.num, fit.num_groups, fit.rank) == (len(states_NE), 15, expected.rank)
        for arm, error in expected.errors.items():
            # The quadratic arm takes its components of some of the states alone.
            tolerance = 0.2 if arm == "quadratic" else 1e-3
            assert fit.errors[arm].value == pytest.approx(error.value, rel=tolerance)
        np.testing.assert_allclose(fit.anchor_E, expected.anchor_E, atol=1e-3)
        assert fit.cosine_to_mean_word == pytest.approx(expected.cosine_to_mean_word, abs=1e-3)


@pytest.mark.parametrize("bulk", ["minus_topk", "minus_words", "tail_mass"])
def test_every_rule_reaches_the_words(bulk, tokenizer, texts) -> None:
    model = made("bert")
    words = ("w1", "w30") if bulk == "minus_words" else ()
    config = AnchorConfig(
        positions="all", bulk=bulk, words=words, num_components=0, num_twins=0, top_k=5
    )
    vectors = anchor_vectors(model, tokenizer, texts, config)
    states = [features(model, tokenizer, text)[0][-1, 1:-1] for text in texts]
    documents = [number for number, each in enumerate(states) for _ in each]
    decoder = model.get_output_embeddings()
    ids = tuple(tokenizer.convert_tokens_to_ids(list(words)))
    expected = anchor_fit(
        np.concatenate(states),
        decoder.weight,
        decoder.bias,
        bulk=AnchorBulk(rule=bulk, top_k=5, words=ids),
        documents=documents,
        num_components=0,
    )
    assert vectors.fits_D[-1].mean == pytest.approx(expected.mean, abs=1e-4)
    assert vectors.fits_D[-1].errors["affine"].value == pytest.approx(
        expected.errors["affine"].value, rel=1e-2
    )


def test_equal_words_have_an_anchor_at_every_depth(tokenizer, texts) -> None:
    model = made("bert")
    decoder = model.get_output_embeddings()
    with torch.no_grad():
        decoder.weight.copy_(torch.linspace(-1, 1, 8).expand(65, 8))
    vectors = anchor_vectors(model, tokenizer, texts, AnchorConfig(positions="all"))
    for fit in vectors.fits_D:
        assert fit.r_squared is not None
        assert fit.r_squared["affine"].value == pytest.approx(1, abs=1e-4)
        assert fit.r_squared["mean_word"].value == pytest.approx(1, abs=1e-4)


def test_masks_are_a_share_of_each_text_and_always_the_same(tokenizer, texts) -> None:
    model, config = made("bert"), AnchorConfig(masking_rate=0.3, num_twins=2)
    vectors = anchor_vectors(model, tokenizer, texts, config)
    lengths = [min(len(text.split()), 126) for text in texts]
    assert vectors.fits_D[0].num == sum(max(1, round(0.3 * length)) for length in lengths)
    assert vectors.positions == "at the 30% of the tokens that show the mask token"
    again = anchor_vectors(model, tokenizer, texts, AnchorConfig(masking_rate=0.3, batch_size=2))
    assert again.fits_D[-1].mean == pytest.approx(vectors.fits_D[-1].mean, abs=1e-5)
    means = [twin[-1].mean for twin in vectors.twins]
    assert again.twins[0][-1].mean == pytest.approx(means[0], abs=1e-5)
    assert len({*means, vectors.fits_D[-1].mean}) == 3, "two twins, of other weights"


def test_the_masks_are_shown_to_the_model(tokenizer, texts) -> None:
    """At the embeddings a model without positions shows one state: that of the mask."""
    model = made("bert")
    with torch.no_grad():
        model.bert.embeddings.position_embeddings.weight.zero_()
    vectors = anchor_vectors(model, tokenizer, texts, AnchorConfig(num_twins=0))
    assert vectors.fits_D[0].r_squared is None
    assert vectors.fits_D[0].variance.value == pytest.approx(0, abs=1e-10)
    assert vectors.fits_D[-1].r_squared is not None


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"positions": "some"}, "positions is 'some'"),
        ({"bulk": "most"}, "bulk is 'most'"),
        ({"words": ("w1",)}, "words and the rule minus_words go together"),
        ({"bulk": "minus_words"}, "words and the rule minus_words go together"),
        ({"num_twins": -1}, "num_twins must be a whole number of at least 0"),
        ({"ridge": -1.0}, "ridge must be a finite number of at least 0"),
    ],
)
def test_a_config_that_is_none_is_refused(asked, said) -> None:
    with pytest.raises(ValueError, match=said):
        AnchorConfig(**asked)


@pytest.mark.parametrize(
    ("texts", "asked", "said"),
    [
        ([], {}, "there is no text"),
        (["w1 w2"], {}, "there is 1 document"),
        (["w1", " "], {}, "text 2 is empty"),
        (["w1", "w2"], {"bulk": "minus_words", "words": ("house",)}, "'house' is not one token"),
        (["w1", "w2"], {"bulk": "minus_topk", "top_k": 65}, "the vocabulary has 65 words"),
    ],
)
def test_bad_input_is_one_sentence(texts, asked, said, tokenizer) -> None:
    with pytest.raises(ValueError, match=said):
        anchor_vectors(made("bert"), tokenizer, texts, AnchorConfig(num_twins=0, **asked))


def test_a_head_without_word_vectors_is_refused(tokenizer, texts) -> None:
    model = made("bert")
    plain = model.cls.predictions.forward
    model.cls.predictions.forward = lambda states: 2 * plain(states)
    with pytest.raises(ValueError, match="no linear map of a state"):
        anchor_vectors(model, tokenizer, texts)


def test_states_that_are_not_finite_are_named(tokenizer, texts) -> None:
    model = made("bert")
    with torch.no_grad():
        model.cls.predictions.bias[3] = float("nan")
    with pytest.raises(ValueError, match="not finite"):
        anchor_vectors(model, tokenizer, texts, AnchorConfig(num_twins=0))
