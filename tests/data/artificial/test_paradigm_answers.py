"""Exact answers of many paradigms: against all paths one by one, and against dense tables."""

import itertools

import numpy as np
import pytest

from hf_apt.data.artificial import paradigm_answers
from hf_apt.data.artificial.evidence import Evidence, evidence_of
from hf_apt.data.artificial.exact_answers import exact_answers
from hf_apt.data.artificial.paradigm_answers import paradigm_posteriors
from hf_apt.data.artificial.paradigm_law import ParadigmLaw
from hf_apt.data.artificial.paradigms import Paradigms
from hf_apt.data.masking import Masking
from hf_apt.data.planted import bayes_predictions, planted_language, sample_documents

TINY = Paradigms(num_paradigms=2, num_topics=2, num_latents=2, seed=1)
LENGTH = 12


def masking_of(num_words: int) -> Masking:
    return Masking(vocab_size=num_words + 5, mask_id=4, special_ids=(0, 1, 2, 3, 4), rate=0.4)


def corrupted(words_BT: np.ndarray, num_words: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Words shown, -1 for a mask and now and then for a token that is no word; what is asked."""
    rng = np.random.default_rng(seed)
    asked_BT = rng.random(words_BT.shape) < 0.4
    fate_BT = rng.random(words_BT.shape)
    random_BT = rng.integers(-1, num_words, words_BT.shape)
    shown_BT = np.where(asked_BT & (fate_BT < 0.6), -1, words_BT)
    return np.where(asked_BT & (fate_BT > 0.8), random_BT, shown_BT), asked_BT


def said_by(law: ParadigmLaw, kind: int, context: int) -> np.ndarray:
    """(V,) the words of a kind in a context."""
    words_V = np.where(law.kind_V == kind, (1 - law.preference) * law.rest_V, 0.0)
    words_V[law.preferred_KC[kind, context]] += law.preference
    return words_V


def by_all_paths(law: ParadigmLaw, evidence: Evidence, row: int, place: int) -> np.ndarray:
    """(V,) the posterior of one word: topic, frames and latents of all sentences one by one."""
    length = evidence.shown_BT.shape[1]
    num_topics, num_latents = law.context_probs_UL.shape
    most = -(-length // min(map(len, law.frames)))
    total_V = np.zeros(law.num_words)
    for topic in range(num_topics):
        for frames in itertools.product(range(len(law.frames)), repeat=most):
            for latents in itertools.product(range(num_latents), repeat=most):
                weight = law.context_probs_UL[topic].sum() * law.frame_start_F[frames[0]]
                for before, after in itertools.pairwise(frames):
                    weight *= law.frame_steps_FF[before, after]
                slots = []
                for frame, latent in zip(frames, latents, strict=True):
                    given_topic_L = law.context_probs_UL[topic] / law.context_probs_UL[topic].sum()
                    weight *= given_topic_L[latent]
                    slots += [(kind, topic * num_latents + latent) for kind in law.frames[frame]]
                for position, (kind, context) in enumerate(slots[:length]):
                    if position != place:
                        shown = evidence.shown_BT[row, position]
                        other = evidence.other_BT[row, position]
                        like_V = np.full(law.num_words, other)
                        if shown >= 0:
                            like_V[shown] = 1.0
                        weight *= said_by(law, kind, context) @ like_V
                total_V += weight * said_by(law, *slots[place])
    return total_V / total_V.sum()


def test_posteriors_are_sums_over_all_paths() -> None:
    law = TINY.law
    shown_BT, asked_BT = corrupted(TINY.documents(range(2), LENGTH, 3), TINY.num_words)
    evidence = evidence_of(shown_BT, masking_of(TINY.num_words))
    posterior_NV = paradigm_posteriors(law, evidence, asked_BT)
    asked = list(zip(*asked_BT.nonzero(), strict=True))
    assert len(asked) > 6
    for number in (0, 2, len(asked) - 1):
        slow_V = by_all_paths(law, evidence, *asked[number])
        np.testing.assert_allclose(posterior_NV[number], slow_V, rtol=0, atol=1e-12)


def test_the_default_language_has_the_answers_of_its_table() -> None:
    """The dense predictor of the planted language, which has a law of this form."""
    language = planted_language()
    law = law_of(language)
    documents = sample_documents(language, 12, 48, seed=5).words
    shown_BT, asked_BT = corrupted(documents, language.num_words, seed=1)
    masking = masking_of(language.num_words)
    dense = bayes_predictions(
        language,
        np.where(shown_BT < 0, 4, shown_BT + 5),
        asked_BT,
        mask_id=4,
        vocab_size=masking.vocab_size,
        word_ids=np.arange(5, 5 + language.num_words),
        masking_rate=0.4,
    )

    class Same(Paradigms):
        law = law_of(language)  # pyright: ignore
        words = language.words  # pyright: ignore

    sparse = exact_answers(Same(), shown_BT, asked_BT, masking)
    np.testing.assert_array_equal(sparse.best_N + 5, dense.token_ids)
    best_N = sparse.probabilities_NV.max(axis=1)
    np.testing.assert_allclose(best_N, dense.probabilities, rtol=0, atol=1e-12)
    assert law.num_words == language.num_words


def law_of(language) -> ParadigmLaw:
    """The default planted language as a law of paradigms, words in their order."""
    kinds_UL = language.kind_words.reshape(len(language.kind_words), -1, language.num_words)
    preferred_KC = kinds_UL.argmax(axis=2)
    is_certain_K = kinds_UL.max(axis=(1, 2)) == 1
    rest_KV = np.where(is_certain_K[:, None], kinds_UL[:, 0], kinds_UL.min(axis=1) / 0.2)
    return ParadigmLaw(
        frames=language.frames,
        frame_start_F=language.frame_start,
        frame_steps_FF=language.frame_steps,
        context_probs_UL=np.outer(language.topic_probs, language.latent_start),
        kind_V=kinds_UL.any(axis=1).argmax(axis=0),
        rest_V=rest_KV.sum(axis=0),
        preferred_KC=preferred_KC,
        preference=0.8,
    )


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    shown_BT, asked_BT = corrupted(TINY.documents(range(7), LENGTH, 3), TINY.num_words)
    evidence = evidence_of(shown_BT, masking_of(TINY.num_words))
    whole_NV = paradigm_posteriors(TINY.law, evidence, asked_BT)
    monkeypatch.setattr(paradigm_answers, "BYTES_PER_BATCH", 1)
    single_NV = paradigm_posteriors(TINY.law, evidence, asked_BT)
    np.testing.assert_allclose(single_NV, whole_NV, rtol=0, atol=1e-14)
    none_BT = np.zeros_like(asked_BT)
    assert paradigm_posteriors(TINY.law, evidence, none_BT).shape == (0, TINY.num_words)
