"""Laws of the planted language and of its sampled documents."""

import re

import numpy as np
import pytest

from hf_apt.data.planted import (
    Paradigm,
    PlantedLanguage,
    document_text,
    expected_word_frequencies,
    planted_language,
    sample_documents,
)


@pytest.fixture(scope="module")
def language() -> PlantedLanguage:
    return planted_language()


def test_words_are_distinct_and_lower_case(language: PlantedLanguage) -> None:
    assert len(set(language.words)) == language.num_words
    assert all(word == word.lower() and word.split() == [word] for word in language.words)


def test_paradigms_partition_all_words_but_the_fixed_ones(language: PlantedLanguage) -> None:
    sizes = np.bincount(language.paradigms[language.paradigms >= 0])
    assert sizes.size == len(language.paradigm_names)
    assert sizes.min() >= 4
    assert language.paradigms[language.words.index(".")] == -1
    assert (language.paradigms == -1).sum() + sizes.sum() == language.num_words


def test_distributions_are_distributions(language: PlantedLanguage) -> None:
    for probs in (
        language.kind_words,
        language.label_probs,
        language.frame_steps,
        language.latent_steps,
        language.topic_probs,
        language.frame_start,
        language.latent_start,
    ):
        assert (probs >= 0).all()
        np.testing.assert_allclose(probs.sum(axis=-1), 1.0, atol=1e-12)


def test_slots_emit_their_own_paradigm_only(language: PlantedLanguage) -> None:
    for kind in range(len(language.paradigm_names)):
        emitted = language.kind_words[kind] > 0
        np.testing.assert_array_equal(emitted, emitted & (language.paradigms == kind))
        assert emitted[:, :, language.paradigms == kind].all()


def test_every_member_is_the_likeliest_somewhere(language: PlantedLanguage) -> None:
    for kind in range(len(language.paradigm_names)):
        likeliest = np.unique(language.kind_words[kind].argmax(axis=-1))
        np.testing.assert_array_equal(likeliest, np.flatnonzero(language.paradigms == kind))


def test_seed_decides_the_language() -> None:
    first, again, other = planted_language(), planted_language(seed=0), planted_language(seed=1)
    np.testing.assert_array_equal(first.kind_words, again.kind_words)
    np.testing.assert_array_equal(first.frame_steps, again.frame_steps)
    assert not np.array_equal(first.kind_words, other.kind_words)


@pytest.mark.parametrize(
    ("paradigms", "frames", "message"),
    [
        ([Paradigm("a", ("x", "y"), 1, 0)], ["the {b} ."], "names no paradigm"),
        ([Paradigm("a", ("x", "x"), 1, 0)], ["the {a} ."], "one paradigm only"),
        ([Paradigm("a", ("x", "y"), 1, 0)], ["x {a} ."], "one paradigm only"),
        ([Paradigm("a", ("x", "y", "z"), 1, 0)], ["the {a} ."], "preferred in no context"),
    ],
)
def test_faulty_grammars_are_refused(
    paradigms: list[Paradigm], frames: list[str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        planted_language(num_topics=2, num_latents=2, paradigms=paradigms, frames=frames)


def test_probabilities_outside_the_unit_interval_are_refused() -> None:
    with pytest.raises(ValueError, match="probabilities"):
        planted_language(preference=1.2)


def test_documents_do_not_depend_on_how_many_are_asked(language: PlantedLanguage) -> None:
    whole = sample_documents(language, 9, 25, seed=3)
    parts = [sample_documents(language, n, 25, seed=3, start=s) for n, s in ((4, 0), (5, 4))]
    np.testing.assert_array_equal(whole.words, np.concatenate([part.words for part in parts]))
    np.testing.assert_array_equal(whole.labels, np.concatenate([part.labels for part in parts]))
    assert not np.array_equal(whole.words, sample_documents(language, 9, 25, seed=4).words)


def test_chunks_join_across_the_internal_chunk_size(language: PlantedLanguage) -> None:
    many = sample_documents(language, 4100, 8, seed=3)
    late = sample_documents(language, 10, 8, seed=3, start=4090)
    np.testing.assert_array_equal(many.words[4090:], late.words)


def test_short_document_begins_the_long_one(language: PlantedLanguage) -> None:
    long, short = (sample_documents(language, 5, n, seed=0).words for n in (40, 17))
    np.testing.assert_array_equal(long[:, :17], short)


def test_no_documents_are_allowed(language: PlantedLanguage) -> None:
    none = sample_documents(language, 0, 12, seed=0)
    assert none.words.shape == (0, 12)
    assert none.labels.shape == (0,)


def test_word_counts_lie_within_bounds_of_the_exact_frequencies(
    language: PlantedLanguage,
) -> None:
    num_documents, num_words = 3000, 30
    words = sample_documents(language, num_documents, num_words, seed=5).words
    exact = expected_word_frequencies(language, num_words)
    # Documents are independent, words in one are not: take the spread between documents.
    shares = np.stack([np.bincount(row, minlength=language.num_words) for row in words]) / num_words
    error = shares.std(axis=0) / np.sqrt(num_documents)
    assert exact.sum() == pytest.approx(1.0)
    assert (np.abs(shares.mean(axis=0) - exact) <= 4.5 * error + 1e-12).all()


def test_word_frequencies_fall_over_two_decades(language: PlantedLanguage) -> None:
    exact = np.sort(expected_word_frequencies(language, 30))
    assert exact[-1] > 20 * exact[0] > 0


def test_labels_follow_topics(language: PlantedLanguage) -> None:
    documents = sample_documents(language, 500, 4, seed=0)
    np.testing.assert_array_equal(documents.labels, documents.topics % language.num_labels)
    noisy = sample_documents(planted_language(label_noise=0.5), 2000, 4, seed=0)
    share = np.mean(noisy.labels == noisy.topics % 2)
    assert share == pytest.approx(0.75, abs=4.5 * np.sqrt(0.75 * 0.25 / 2000))


def test_topics_have_their_exact_frequencies(language: PlantedLanguage) -> None:
    topics = sample_documents(language, 4000, 1, seed=8).topics
    shares = np.bincount(topics, minlength=language.num_topics) / topics.size
    error = np.sqrt(language.topic_probs * (1 - language.topic_probs) / topics.size)
    assert (np.abs(shares - language.topic_probs) <= 4.5 * error).all()


def test_text_gives_the_words_back(language: PlantedLanguage) -> None:
    for row in sample_documents(language, 50, 45, seed=2).words:
        text = document_text(language, row)
        assert re.findall(r"\w+|[^\w\s]", text.lower()) == [language.words[w] for w in row]


def test_text_has_capitals_and_tight_punctuation(language: PlantedLanguage) -> None:
    row = [language.words.index(word) for word in "one . the".split()]
    assert document_text(language, row) == "One. The"


def test_latents_follow_their_cycle_from_sentence_to_sentence() -> None:
    language = planted_language(
        num_topics=1,
        num_latents=3,
        preference=1.0,
        latent_follow=1.0,
        paradigms=[Paradigm("a", ("p", "q", "r"), 0, 1)],
        frames=["{a} ."],
    )
    members = sample_documents(language, 20, 12, seed=0).words[:, ::2]
    cycle = language.kind_words[0, 0].argmax(axis=1)
    latents = np.argmax(members[:, :, None] == cycle, axis=2)
    np.testing.assert_array_equal(latents[:, 1:], (latents[:, :-1] + 1) % 3)
    assert np.unique(latents[:, 0]).size == 3
