"""Laws of the language of many paradigms: Zipf's law, pure documents, and the benchmark's sums."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from hf_apt.data.artificial.artificial_corpus import ArtificialCorpus
from hf_apt.data.artificial.paradigms import Paradigms
from hf_apt.data.artificial.registry import BENCHMARKS
from hf_apt.data.planted.language import zipf

SMALL = Paradigms(num_paradigms=3, num_topics=3, num_latents=4, exponent=1.5, seed=2)
LENGTH = 20


def test_words_of_a_paradigm_follow_zipfs_law_exactly() -> None:
    for language in (SMALL, replace(SMALL, preference=0.1), replace(SMALL, exponent=0.0)):
        shares_V = language.unigrams(LENGTH)
        assert shares_V.sum() == pytest.approx(1.0, abs=1e-12)
        for kind in range(language.num_paradigms):
            members = shares_V[language.law.kind_V == kind]
            np.testing.assert_allclose(
                members / members.sum(), zipf(12, language.exponent), rtol=0, atol=1e-12
            )


def test_sampled_words_have_their_expected_shares() -> None:
    """Documents are independent: errors of each word's share are those of documents."""
    words_BT = SMALL.documents(range(3000), LENGTH, 7)
    shares_BV = np.stack([(words_BT == word).mean(axis=1) for word in range(SMALL.num_words)], 1)
    error_V = shares_BV.std(axis=0, ddof=1) / np.sqrt(len(words_BT))
    difference_V = np.abs(shares_BV.mean(axis=0) - SMALL.unigrams(LENGTH))
    assert (difference_V < 4 * error_V + 1e-12).all()  # each document has two ends of sentences
    assert (error_V > 0).sum() > SMALL.num_words - 2


def test_the_preferred_word_is_taken_as_often_as_said() -> None:
    """Every topic word of a document that is preferred is the same one."""
    alike = replace(SMALL, preference=1.0)
    words_BT = alike.documents(range(40), LENGTH, 7)
    topical = alike.num_paradigms
    for words_T in words_BT:
        assert len({word for word in words_T if alike.law.kind_V[word] == topical}) <= 1
    shares_V = alike.unigrams(LENGTH)
    assert shares_V.sum() == pytest.approx(1.0, abs=1e-12)


def test_documents_are_pure_functions_of_their_numbers() -> None:
    whole = SMALL.documents(range(10), LENGTH, 5)
    np.testing.assert_array_equal(SMALL.documents(range(4, 7), 9, 5), whole[4:7, :9])
    assert (SMALL.documents(range(10), LENGTH, 6) != whole).any()
    assert (replace(SMALL, seed=3).documents(range(10), LENGTH, 5) != whole).any()


def test_every_paradigm_is_said_and_has_its_class() -> None:
    assert (SMALL.unigrams(LENGTH) > 0).all()
    classes_V = SMALL.classes()
    assert classes_V.shape == (SMALL.num_words,)
    assert [(classes_V == kind).sum() for kind in range(5)] == [12, 12, 12, 3, 4]
    assert (classes_V == -1).sum() == SMALL.num_fixed
    ids_V = ArtificialCorpus(language=SMALL).classes()
    assert ids_V is not None
    np.testing.assert_array_equal(ids_V, np.concatenate([[-1] * 5, classes_V]))


def test_the_benchmark_is_what_it_was() -> None:
    """Its words, its law and its documents: figures of other times stay comparable."""
    language = BENCHMARKS["planted-8192"]
    assert language == Paradigms()
    assert language.num_words == 8334
    assert len(set(language.words)) == 8334
    shares_V = language.unigrams(48)
    assert np.sort(shares_V)[[0, -100, -1]] == pytest.approx([4.039e-6, 1.2718e-3, 0.100039], 1e-3)
    said = " ".join(language.words[word] for word in language.documents(range(64), 48, 2).ravel())
    assert hashlib.sha256(said.encode()).hexdigest()[:16] == "9c1b675cb3660769"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"num_topics": 0}, "num_topics must be a whole number of at least 1, got 0"),
        ({"preference": 1.5}, r"preference must lie in \[0, 1\], got 1.5"),
        ({"exponent": -1.0}, "exponent must"),
        ({"num_topics": 65, "num_latents": 64}, "65 topics and 64 latents make 4,160 contexts"),
    ],
)
def test_what_makes_no_language_is_refused(change, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        Paradigms(**change)
