"""Laws of regret: none for the exact predictor, never negative, as loops over positions say."""

import numpy as np
import pytest

from hf_apt.data.planted import bayes_predictions
from hf_apt.data.planted.parameters import LanguageBounds
from hf_apt.training.languages.regret import FIRST, AskedTexts, exact_words, regret

LANGUAGE = LanguageBounds().at(LanguageBounds().drawn(1, 1)).language()
TEXTS = AskedTexts(num_documents=40, num_words=24, seed=3)


def exactly(ids_BT, asked_BT):
    """The exact predictor as a model over token ids."""
    batch, law = TEXTS.read(LANGUAGE)
    np.testing.assert_array_equal(batch.input_ids_BT, ids_BT)
    np.testing.assert_array_equal(batch.modified_BT, asked_BT)
    with np.errstate(divide="ignore"):
        logs_NW = np.log(exact_words(LANGUAGE, batch, law))
    return np.concatenate([np.full((len(logs_NW), FIRST), -np.inf), logs_NW], axis=1)


def at_random(_, asked_BT, scale: float = 1.0):
    logits_NV = scale * np.random.default_rng(0).normal(
        size=(asked_BT.sum(), FIRST + LANGUAGE.num_words)
    )
    return logits_NV - np.log(np.exp(logits_NV).sum(axis=1, keepdims=True))


def test_the_exact_predictor_has_none() -> None:
    with np.errstate(invalid="ignore"):
        its_own = regret(exactly, LANGUAGE, TEXTS)
    assert its_own.nats == pytest.approx(0.0, abs=1e-12)
    assert its_own.accuracy_lost == 0.0
    assert its_own.num_asked > 100


def test_uniform_answers_lack_the_entropy_of_the_exact_ones() -> None:
    batch, law = TEXTS.read(LANGUAGE)
    found = regret(lambda i, a: at_random(i, a, scale=0.0), LANGUAGE, TEXTS)
    num_ids, terms = FIRST + LANGUAGE.num_words, []
    for probs_W in exact_words(LANGUAGE, batch, law):
        terms.append(sum(p * (np.log(p) + np.log(num_ids)) for p in probs_W if p > 0))
    assert found.nats == pytest.approx(np.mean(terms), abs=1e-12)


def test_realised_losses_differ_by_the_regret() -> None:
    """Of true words: the model's loss minus the exact one's, within four standard errors."""
    texts = AskedTexts(num_documents=300, num_words=24, seed=4)
    batch, law = texts.read(LANGUAGE)
    asked_BT = batch.modified_BT
    logs_NV = at_random(None, asked_BT)
    words_N = batch.labels_BT[asked_BT] - FIRST
    rows_N = np.arange(len(words_N))
    exact_NW = exact_words(LANGUAGE, batch, law)
    lost_N = np.log(exact_NW[rows_N, words_N]) - logs_NV[rows_N, words_N + FIRST]
    found = regret(lambda *_: logs_NV, LANGUAGE, texts)
    documents_N = asked_BT.nonzero()[0]
    difference_B = np.bincount(documents_N, lost_N - found.nats)
    error = np.sqrt((difference_B**2).sum()) / len(lost_N)
    assert abs(lost_N.mean() - found.nats) < 4 * error
    assert found.nats > 0
    assert found.accuracy_lost > 0
    right = exact_NW[rows_N, logs_NV[:, FIRST:].argmax(axis=1)].mean()
    assert found.accuracy == pytest.approx(right, abs=1e-12)


def test_all_languages_are_read_with_the_same_random_numbers() -> None:
    other = LanguageBounds().at(LanguageBounds().drawn(1, 2)).language()
    (one, _), (two, _) = TEXTS.read(LANGUAGE), TEXTS.read(other)
    np.testing.assert_array_equal(one.modified_BT, two.modified_BT)
    assert (one.input_ids_BT == two.input_ids_BT).mean() > 0.2
    later, _ = AskedTexts(num_documents=2, num_words=24, seed=3, start=5).read(LANGUAGE)
    np.testing.assert_array_equal(later.input_ids_BT, one.input_ids_BT[5:7])


def test_exact_answers_are_those_of_the_predictor_at_the_rate_of_the_texts() -> None:
    texts = AskedTexts(num_documents=10, num_words=24, masking_rate=0.4)
    batch, law = texts.read(LANGUAGE)
    num_ids = FIRST + LANGUAGE.num_words
    best = bayes_predictions(
        LANGUAGE,
        batch.input_ids_BT[:, 1:-1],
        batch.modified_BT[:, 1:-1],
        mask_id=4,
        vocab_size=num_ids,
        word_ids=np.arange(FIRST, num_ids),
        masking_rate=0.4,
    )
    exact_NW = exact_words(LANGUAGE, batch, law)
    np.testing.assert_array_equal(exact_NW.max(axis=1), best.probabilities)
    assert batch.modified_BT.sum() == pytest.approx(0.4 * 240, abs=4 * np.sqrt(240 * 0.24))
