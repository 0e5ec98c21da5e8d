"""The exact Bayes predictor against enumeration, and against other predictors."""

import itertools

import numpy as np
import pytest
from planted_enumeration import document_probability, miniature

from hf_apt.data.planted import (
    BayesPredictions,
    Paradigm,
    PlantedLanguage,
    bayes_predictions,
    exact_log_probabilities,
    planted_language,
    sample_documents,
)

OFFSET = 4
MASK = 2


def _corrupt(
    words: np.ndarray, vocab_size: int, seed: int, word_ids: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    selected, fate = rng.random(words.shape) < 0.15, rng.random(words.shape)
    foreign = rng.integers(vocab_size, size=words.shape)
    observed = np.where(selected & (fate < 0.8), MASK, word_ids[words])
    return np.where(selected & (fate >= 0.9), foreign, observed), selected


def _enumerate(
    language: PlantedLanguage,
    observed: np.ndarray,
    asked: int,
    vocab_size: int,
    word_ids: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Sum over every topic, frame, latent and word sequence: (V,) words and (C,) labels."""

    def seen(word: int, position: int, selected: float) -> float:
        token = observed[position]
        changed = 0.8 * (token == MASK) + 0.1 * (token == word_ids[word]) + 0.1 / vocab_size
        return (1 - selected) * (token == word_ids[word]) + selected * changed

    num_words = observed.size
    vocabulary = range(language.num_words)
    every = np.array([[seen(w, t, 0.15) for w in vocabulary] for t in range(num_words)])
    chosen = np.array([seen(w, asked, 1.0) for w in vocabulary])
    joint_w = np.zeros(language.num_words)
    joint_c = np.zeros(language.num_labels)
    sentence_choices = list(
        itertools.product(range(len(language.frames)), range(language.num_latents))
    )
    # Every frame has two slots at least, so this many sentences always fill the document.
    for topic, path in itertools.product(
        range(language.num_topics),
        itertools.product(sentence_choices, repeat=(num_words + 1) // 2),
    ):
        weight = language.topic_probs[topic]
        kinds, latents, before = [], [], None
        for frame, latent in path:
            if before is None:
                weight *= language.frame_start[frame] * language.latent_start[latent]
            elif len(kinds) < num_words:
                weight *= language.frame_steps[before[0], frame]
                weight *= language.latent_steps[before[1], latent]
            elif (frame, latent) != (0, 0):
                weight = 0.0  # count a path once, whatever follows the last word
            kinds += language.frames[frame]
            latents += [latent] * len(language.frames[frame])
            before = (frame, latent)
        table = [language.kind_words[kinds[t], topic, latents[t]] for t in range(num_words)]
        masses = [float(table[t] @ every[t]) for t in range(num_words)]
        others = np.prod([mass for t, mass in enumerate(masses) if t != asked])
        joint_w += weight * others * table[asked] * chosen
        joint_c += weight * np.prod(masses) * language.label_probs[topic]
    return joint_w / joint_w.sum(), joint_c / joint_c.sum()


@pytest.mark.parametrize("seed", range(3))
def test_posteriors_equal_enumeration(seed: int) -> None:
    language = miniature(seed)
    word_ids = np.random.default_rng(seed).permutation(language.num_words) + OFFSET
    vocab_size = language.num_words + OFFSET + 3
    words = sample_documents(language, 8, 5, seed=seed).words
    observed, _ = _corrupt(words, vocab_size, seed, word_ids)
    observed[0] = word_ids[words[0]]
    observed[1, 2] = vocab_size - 1  # an id of no word
    observed[2, :] = MASK
    for asked in range(5):
        modified = np.zeros(observed.shape, dtype=bool)
        modified[:, asked] = True
        predictions = bayes_predictions(
            language, observed, modified, mask_id=MASK, vocab_size=vocab_size, word_ids=word_ids
        )
        exact = [_enumerate(language, row, asked, vocab_size, word_ids) for row in observed]
        exact_words = np.stack([pair[0] for pair in exact])
        np.testing.assert_allclose(predictions.probabilities, exact_words.max(axis=1), rtol=1e-10)
        np.testing.assert_allclose(
            predictions.label_posteriors, np.stack([pair[1] for pair in exact]), rtol=1e-10
        )
        best = np.argmax(predictions.token_ids[:, None] == word_ids, axis=1)
        np.testing.assert_allclose(
            exact_words[np.arange(8), best], exact_words.max(axis=1), rtol=1e-10
        )
        confusion = np.zeros((language.num_words, language.num_words))
        for row, column in zip(exact_words, best, strict=True):
            confusion[:, column] += row
        np.testing.assert_allclose(predictions.confusion, confusion, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("seed", range(2))
def test_pseudo_log_likelihoods_equal_enumeration(seed: int) -> None:
    language = miniature(seed)
    words = sample_documents(language, 6, 5, seed=seed).words
    exact = exact_log_probabilities(language, words)
    for row, logs in zip(words, exact, strict=True):
        for place in range(5):
            others = np.repeat(row[None], language.num_words, axis=0)
            others[:, place] = np.arange(language.num_words)
            chances = np.array([document_probability(language, each) for each in others])
            assert logs[place] == pytest.approx(np.log(chances[row[place]] / chances.sum()))


def test_what_the_language_cannot_say_is_refused() -> None:
    language = miniature()
    words = sample_documents(language, 3, 5, seed=0).words
    words[1] = language.words.index("the")  # "the" follows no "the"
    with pytest.raises(ValueError, match="document 1 is no text of the planted language"):
        exact_log_probabilities(language, words)


def test_ties_go_to_the_lowest_id() -> None:
    language = planted_language(
        num_topics=2,
        num_latents=1,
        preference=0.5,
        member_exponent=0.0,
        topic_exponent=0.0,
        paradigms=[Paradigm("a", ("p", "q"), 1, 0)],
        frames=["{a} ."],
    )
    for word_ids in (np.array([4, 5, 6]), np.array([5, 4, 6])):
        predictions = bayes_predictions(
            language,
            np.full((1, 2), MASK),
            np.array([[True, False]]),
            mask_id=MASK,
            vocab_size=7,
            word_ids=word_ids,
        )
        assert predictions.token_ids.tolist() == [4]
        assert predictions.probabilities[0] == pytest.approx(0.5)


def test_predictions_do_not_depend_on_the_other_documents() -> None:
    language = planted_language()
    words = sample_documents(language, 40, 30, seed=1).words
    whole, selected = _predict(language, words)
    shuffled = np.random.default_rng(0).permutation(40)
    observed = _observe(language, words)[0]
    again = bayes_predictions(language, observed[shuffled], selected[shuffled], **_ids(language))
    back = np.empty(selected.shape)
    back[selected] = whole.probabilities
    np.testing.assert_allclose(again.probabilities, back[shuffled][selected[shuffled]])


def test_shapes_must_agree() -> None:
    language = miniature()
    with pytest.raises(ValueError, match="shapes differ"):
        bayes_predictions(language, np.zeros((2, 3), int), np.zeros((2, 4), bool), **_ids(language))


def test_nothing_asked_is_nothing_answered() -> None:
    language = miniature()
    words = sample_documents(language, 3, 4, seed=1).words
    predictions = bayes_predictions(
        language, words + OFFSET, np.zeros(words.shape, bool), **_ids(language)
    )
    assert predictions.token_ids.size == 0
    assert predictions.confusion.sum() == 0
    assert np.isnan(predictions.expected_apt).all()


def _ids(language: PlantedLanguage) -> dict:
    word_ids = np.arange(language.num_words) + OFFSET
    return {"mask_id": MASK, "vocab_size": language.num_words + OFFSET, "word_ids": word_ids}


def _observe(language: PlantedLanguage, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ids = _ids(language)
    return _corrupt(words, ids["vocab_size"], 7, ids["word_ids"])


def _predict(language: PlantedLanguage, words: np.ndarray) -> tuple[BayesPredictions, np.ndarray]:
    observed, selected = _observe(language, words)
    return bayes_predictions(language, observed, selected, **_ids(language)), selected


@pytest.fixture(scope="module")
def sample() -> tuple[PlantedLanguage, np.ndarray, np.ndarray, BayesPredictions, np.ndarray]:
    language = planted_language()
    documents = sample_documents(language, 1200, 30, seed=6)
    predictions, selected = _predict(language, documents.words)
    return language, documents.words, selected, predictions, documents.labels


def test_measured_accuracy_is_the_expected_one(sample) -> None:
    _, words, selected, predictions, _ = sample
    right = predictions.token_ids == words[selected] + OFFSET
    assert right.size > 5000
    error = (
        np.sqrt((predictions.probabilities * (1 - predictions.probabilities)).sum()) / right.size
    )
    assert right.mean() == pytest.approx(predictions.expected_accuracy, abs=4 * error)
    # Calibration holds within every band of confidence too, not just on average.
    for low, high in ((0.0, 0.5), (0.5, 0.8), (0.8, 1.01)):
        band = (predictions.probabilities >= low) & (predictions.probabilities < high)
        p = predictions.probabilities[band]
        error = np.sqrt((p * (1 - p)).sum()) / p.size
        assert right[band].mean() == pytest.approx(p.mean(), abs=4 * error)


def test_expected_counts_are_the_realised_ones(sample) -> None:
    language, words, selected, predictions, _ = sample
    realised = np.bincount(words[selected], minlength=language.num_words)
    expected = predictions.confusion.sum(axis=1)
    assert expected.sum() == pytest.approx(selected.sum())
    assert (np.abs(realised - expected) <= 5 * np.sqrt(expected + 1)).all()
    np.testing.assert_allclose(
        predictions.confusion.sum(axis=0),
        np.bincount(predictions.token_ids - OFFSET, minlength=language.num_words),
    )
    assert predictions.expected_accuracy == pytest.approx(
        np.trace(predictions.confusion) / selected.sum()
    )


def test_no_other_predictor_is_better(sample) -> None:
    language, words, selected, predictions, _ = sample
    truth = words[selected]
    observed, _ = _observe(language, words)
    # The same predictor, made to believe that topics (or latents) do not matter.
    averaged = language.kind_words.mean(axis=1, keepdims=True)
    ignorant = {"kind_words": np.broadcast_to(averaged, language.kind_words.shape)}
    blurred = language.kind_words.mean(axis=2, keepdims=True)
    forgetful = {"kind_words": np.broadcast_to(blurred, language.kind_words.shape)}
    best = np.mean(predictions.token_ids - OFFSET == truth)
    unigram = np.mean(truth == np.bincount(words.ravel()).argmax())
    assert best > unigram + 0.3
    for change in (ignorant, forgetful):
        poorer = bayes_predictions(_changed(language, change), observed, selected, **_ids(language))
        assert best > np.mean(poorer.token_ids - OFFSET == truth) + 0.02


def _changed(language: PlantedLanguage, change: dict) -> PlantedLanguage:
    fields = {name: getattr(language, name) for name in PlantedLanguage.__dataclass_fields__}
    return PlantedLanguage(**(fields | change))


def test_label_posteriors_are_calibrated(sample) -> None:
    _, _, _, predictions, labels = sample
    np.testing.assert_allclose(predictions.label_posteriors.sum(axis=1), 1.0)
    best = predictions.label_posteriors.max(axis=1)
    right = predictions.label_posteriors.argmax(axis=1) == labels
    error = np.sqrt((best * (1 - best)).sum()) / best.size
    assert right.mean() == pytest.approx(best.mean(), abs=4 * error)


def test_best_predictor_keeps_every_word_and_errs_inside_paradigms(sample) -> None:
    language, _, _, predictions, _ = sample
    diagonal = predictions.confusion.diagonal()
    assert (diagonal >= predictions.confusion.max(axis=1)).all()
    same = language.paradigms[:, None] == language.paradigms
    same &= language.paradigms >= 0
    np.fill_diagonal(same, True)
    assert predictions.confusion[~same].sum() < 0.05 * predictions.confusion.sum()
