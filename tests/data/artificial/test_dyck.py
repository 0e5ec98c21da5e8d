"""Laws of nested pairs: balanced, equally likely, determined by the partner; Catalan's numbers."""

from math import comb, log

import numpy as np
import pytest

from hf_apt.data.artificial.dyck import Dyck
from hf_apt.data.artificial.exact_answers import exact_answers
from hf_apt.data.masking import Masking

LANGUAGE = Dyck(kinds=5, exponent=1.0)
ONLY_MASKS = Masking(vocab_size=20, mask_id=0, special_ids=(), masked_share=1.0, replaced_share=0.0)


def catalan(pairs: int) -> int:
    return comb(2 * pairs, pairs) // (pairs + 1)


def test_every_document_is_balanced() -> None:
    for row in LANGUAGE.documents(range(200), 40, seed=1).tolist():
        text = " ".join(LANGUAGE.words[word] for word in row)
        shortened = ""
        while shortened != text:  # take away innermost pairs until none is left
            shortened = text
            for kind in range(5):
                text = text.replace(f"o0{kind} c0{kind}", "")
            text = " ".join(text.split())
        assert text == ""


def test_the_first_pair_has_the_distance_law_of_arrangements() -> None:
    """What it encloses and what follows are arrangements of their own: C_j C_(n-1-j) / C_n."""
    words = LANGUAGE.documents(range(6000), 16, seed=2)
    enclosed = (LANGUAGE.partners(words)[:, 0] - 1) // 2
    law = np.array([catalan(j) * catalan(7 - j) / catalan(8) for j in range(8)])
    assert law.sum() == pytest.approx(1.0)
    shares = np.bincount(enclosed, minlength=8) / 6000
    assert (np.abs(shares - law) < 4 * np.sqrt(law * (1 - law) / 6000)).all()


def test_partners_find_each_other_and_are_of_one_kind() -> None:
    words = LANGUAGE.documents(range(50), 30, seed=3)
    partners = LANGUAGE.partners(words)
    rows = np.arange(50)[:, None]
    np.testing.assert_array_equal(partners[rows, partners], np.tile(np.arange(30), (50, 1)))
    assert ((words + words[rows, partners]) % 5 == 2 * (words % 5) % 5).all()
    assert ((words < 5) != (words[rows, partners] < 5)).all()


def test_a_word_alone_is_determined_by_the_others() -> None:
    words = LANGUAGE.documents(range(20), 12, seed=4)
    for place in range(12):
        asked = np.zeros(words.shape, bool)
        asked[:, place] = True
        answers = exact_answers(LANGUAGE, np.where(asked, -1, words), asked, ONLY_MASKS)
        np.testing.assert_allclose(answers.probabilities_NV.max(axis=1), 1.0)
        np.testing.assert_array_equal(answers.best_N, words[:, place])


def test_a_pair_of_masks_hides_its_kind_alone() -> None:
    words = LANGUAGE.documents(range(20), 12, seed=5)
    asked = np.zeros(words.shape, bool)
    rows = np.arange(20)
    asked[rows, 0] = asked[rows, LANGUAGE.partners(words)[:, 0]] = True
    answers = exact_answers(LANGUAGE, np.where(asked, -1, words), asked, ONLY_MASKS)
    opening = answers.probabilities_NV[::2]
    # Where it opens a pair and the next mask closes one, each of the kinds is as likely as ever.
    np.testing.assert_allclose(opening[:, :5], np.tile(LANGUAGE.kinds_K, (20, 1)), atol=1e-9)


def test_the_entropy_counts_arrangements_and_kinds() -> None:
    assert Dyck(kinds=1).entropy(20) == pytest.approx(log(catalan(10)))
    assert Dyck(kinds=8).entropy(20) == pytest.approx(log(catalan(10)) + 10 * log(8))


def test_long_documents_stay_within_floating_point() -> None:
    language = Dyck(kinds=1000)
    words = language.documents(range(2), 126, seed=0)
    asked = np.random.default_rng(0).random(words.shape) < 0.5
    answers = exact_answers(language, np.where(asked, -1, words), asked, ONLY_MASKS)
    np.testing.assert_allclose(answers.probabilities_NV.sum(axis=1), 1.0)


def test_odd_lengths_and_no_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="an even number of words, and 7 are asked for"):
        LANGUAGE.documents(range(1), 7, seed=0)
    with pytest.raises(ValueError, match="kinds must be a whole number of at least 1, got 0"):
        Dyck(kinds=0)
