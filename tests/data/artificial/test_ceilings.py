"""Expected counts: against single positions, and realised answers within their error of them."""

import hashlib
import runpy
from pathlib import Path

import numpy as np
import pytest

from hf_apt.data.artificial.ceilings import expected_counts, shipped_ceiling
from hf_apt.data.artificial.exact_answers import exact_answers
from hf_apt.data.artificial.paradigms import Paradigms
from hf_apt.data.artificial.registry import BENCHMARKS
from hf_apt.data.artificial.zipf import Zipf
from hf_apt.data.masking import Masking, mask

LANGUAGE = Paradigms(num_paradigms=3, num_topics=3, num_latents=3, seed=4)
MASKING = Masking(
    vocab_size=LANGUAGE.num_words + 5,
    mask_id=4,
    special_ids=(0, 1, 2, 3, 4),
    rate=0.3,
    masked_share=0.5,
    replaced_share=0.3,
)


def read(num: int):
    words_BT = LANGUAGE.documents(range(num), 30, 9)
    batch = mask(words_BT + 5, np.arange(num), MASKING, epoch=0)
    shown_BT = np.where(batch.input_ids_BT < 5, -1, batch.input_ids_BT - 5)
    return words_BT, batch, shown_BT, batch.input_ids_BT == MASKING.mask_id


def test_realised_counts_are_those_that_are_expected() -> None:
    """By treatment, within four standard errors of documents, hits and number asked alike."""
    words_BT, batch, shown_BT, masked_BT = read(600)
    asked_BT = batch.modified_BT
    right_BT = np.zeros(words_BT.shape)
    answers = exact_answers(LANGUAGE, shown_BT, asked_BT, MASKING)
    right_BT[asked_BT] = answers.best_N == words_BT[asked_BT]
    whole = expected_counts(LANGUAGE, shown_BT, asked_BT, MASKING, masked_BT)
    assert whole.asked_RV.sum() == pytest.approx(asked_BT.sum())
    assert whole.accuracy == pytest.approx(answers.accuracy, abs=1e-12)
    is_word_V = LANGUAGE.classes() >= 0
    for treatment in range(3):
        of_it_BT = asked_BT & (batch.treatments_BT == treatment)
        for realised_BT, expected_RV in (
            (of_it_BT, whole.asked_RV),
            (right_BT * of_it_BT, whole.right_RV),
        ):
            difference = (realised_BT * is_word_V[words_BT]).sum() - expected_RV[treatment][
                is_word_V
            ].sum()
            error = np.sqrt(len(words_BT)) * (realised_BT * is_word_V[words_BT]).sum(axis=1).std()
            assert abs(difference) < 4 * error
            assert expected_RV[treatment].sum() > 50


def test_counts_are_sums_over_single_positions() -> None:
    _, batch, shown_BT, masked_BT = read(4)
    asked_BT = batch.modified_BT
    whole = expected_counts(LANGUAGE, shown_BT, asked_BT, MASKING, masked_BT)
    answers = exact_answers(LANGUAGE, shown_BT, asked_BT, MASKING)
    asked_RV, right_RV = np.zeros((2, 3, LANGUAGE.num_words))
    by_chance, itself = 0.3 / MASKING.vocab_size, 0.2
    for number, (row, place) in enumerate(zip(*asked_BT.nonzero(), strict=True)):
        probs_V, best = answers.probabilities_NV[number], answers.best_N[number]
        for word, prob in enumerate(probs_V):
            shares = {0: prob} if masked_BT[row, place] else {1: prob}
            if word == shown_BT[row, place]:
                kept = prob * itself / (itself + by_chance)
                shares = {1: prob - kept, 2: kept}
            for treatment, share in shares.items():
                asked_RV[treatment, word] += share
                right_RV[treatment, word] += share * (word == best)
    np.testing.assert_allclose(whole.asked_RV, asked_RV, rtol=0, atol=1e-12)
    np.testing.assert_allclose(whole.right_RV, right_RV, rtol=0, atol=1e-12)
    twice = whole + whole
    np.testing.assert_allclose(twice.asked_RV, 2 * asked_RV, rtol=0, atol=1e-12)


def test_ceilings_of_independent_words_are_one_and_nothing() -> None:
    """Where nothing is shown the most frequent word is always answered."""
    language = Zipf(vocab_size=6)
    masking = Masking(vocab_size=11, mask_id=4, special_ids=(0, 1, 2, 3, 4), rate=1.0)
    hidden_BT = np.full((2, 5), -1)
    all_BT = np.ones((2, 5), bool)
    counts = expected_counts(language, hidden_BT, all_BT, masking, all_BT)
    np.testing.assert_allclose(counts.asked_RV[0], 10 * language.unigrams(5))
    np.testing.assert_array_equal(counts.accuracy_V, [1, 0, 0, 0, 0, 0])
    assert counts.mean_apt() == pytest.approx(1 / np.sum(10 * language.unigrams(5) >= 1))
    assert counts.mean_apt(least=0.1) == pytest.approx(1 / 6)
    assert np.isnan(counts.accuracy_RV[1:]).all()


def test_the_shipped_ceiling_is_one_of_the_benchmark() -> None:
    """As many positions as the masks of its 4,000 documents have, of words as frequent as said."""
    counts, language = shipped_ceiling(), Paradigms()
    assert BENCHMARKS["planted-8192"] == language
    assert counts.asked_RV.shape == (3, language.num_words)
    num_asked = counts.asked_RV.sum()
    assert num_asked == pytest.approx(4000 * 48 * 0.15, rel=4 / np.sqrt(28800))
    shares_R = counts.asked_RV.sum(axis=1) / num_asked
    np.testing.assert_allclose(shares_R, [0.8, 0.1, 0.1], atol=4 * np.sqrt(0.16 / num_asked))
    assert (counts.right_RV <= counts.asked_RV + 1e-6).all()
    shares_V = language.unigrams(48)
    for kind in range(language.num_paradigms + 2 * language.num_small):
        of_kind_V = language.classes() == kind
        expected = shares_V[of_kind_V].sum()
        share = counts.asked_RV[:, of_kind_V].sum() / num_asked
        assert abs(share - expected) < 4 * np.sqrt(expected / num_asked)
    digest = hashlib.sha256(counts.right_RV.astype("<f4").round(3).tobytes()).hexdigest()
    assert digest[:16] == "7dce89b5e4590e3f"


def test_no_other_ceiling_is_shipped() -> None:
    with pytest.raises(ValueError, match="no ceiling of 'planted' comes .*: there is planted-8192"):
        shipped_ceiling("planted")


@pytest.mark.slow
def test_the_shipped_ceiling_is_made_again() -> None:
    """Two minutes: its program gives the counts of the file."""
    path = Path(__file__).parents[3] / "examples" / "planted_ceiling.py"
    counts = runpy.run_path(str(path))["ceiling"]("planted-8192", 4000)
    np.testing.assert_allclose(counts.right_RV, shipped_ceiling().right_RV, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(counts.asked_RV, shipped_ceiling().asked_RV, rtol=1e-5, atol=1e-5)
