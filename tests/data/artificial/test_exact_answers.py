"""Exact answers to masked words against enumeration of every document, for every language."""

import numpy as np
import pytest

from hf_apt.data.artificial.automaton import Automaton
from hf_apt.data.artificial.bigram import Bigram
from hf_apt.data.artificial.dyck import Dyck
from hf_apt.data.artificial.exact_answers import exact_answers
from hf_apt.data.artificial.flat_pairs import FlatPairs
from hf_apt.data.artificial.noise import Noise
from hf_apt.data.artificial.planted_words import PlantedWords
from hf_apt.data.artificial.shuffle import Shuffle
from hf_apt.data.artificial.zipf import Zipf
from hf_apt.data.masking import Masking
from tests.support import enumerated

CHAIN = Bigram(vocab_size=4, num_followers=2, follow=0.7)
FLAT = FlatPairs(kinds=2, max_distance=3, exponent=0.5, kind_exponent=0.4)
NESTED = Dyck(kinds=2, exponent=0.8)
CELLS = Automaton(rule=(110, 30), width=4, cells=2, density=0.3)
WORDS = Zipf(vocab_size=4, exponent=1.2)

CASES = {
    "zipf": (WORDS, 5, lambda: enumerated.independent(WORDS.unigrams(5), 5)),
    "bigram": (
        CHAIN,
        5,
        lambda: enumerated.chained(CHAIN.stationary_V, CHAIN.transitions(), 5),
    ),
    "nested": (NESTED, 6, lambda: enumerated.nested(NESTED.kinds_K, 6)),
    "flat": (FLAT, 5, lambda: enumerated.flat(FLAT.kinds_K, FLAT.distances_D, 5)),
    "flat, whole blocks": (FLAT, 6, lambda: enumerated.flat(FLAT.kinds_K, FLAT.distances_D, 6)),
    "automaton": (CELLS, 5, lambda: enumerated.automata((110, 30), 4, 2, 0.3, 5)),
    "noise": (
        Noise(of=CHAIN),
        4,
        lambda: enumerated.independent(CHAIN.stationary_V, 4),
    ),
    "shuffled": (
        Shuffle(of=WORDS, window=3),
        4,
        lambda: enumerated.independent(WORDS.unigrams(4), 4),
    ),
}

MASKED = Masking(vocab_size=9, mask_id=0, special_ids=(), masked_share=1.0, replaced_share=0.0)
BERT = Masking(vocab_size=9, mask_id=0, special_ids=(), rate=0.3)
UNCHANGED = Masking(
    vocab_size=9, mask_id=0, special_ids=(), rate=0.4, masked_share=0.5, replaced_share=0.0
)


def corrupted(documents, masking, seed):
    """Words as they are shown and which are modified."""
    rng = np.random.default_rng(seed)
    modified = rng.random(documents.shape) < 0.4
    kind = rng.random(documents.shape)
    shown = np.where(modified & (kind < masking.masked_share), -1, documents)
    is_replaced = modified & (kind >= masking.masked_share)
    is_replaced &= kind < masking.masked_share + masking.replaced_share
    replaced = rng.integers(0, documents.max() + 1, documents.shape)
    return np.where(is_replaced, replaced, shown), modified


@pytest.mark.parametrize("masking", [MASKED, BERT, UNCHANGED], ids=["masks", "bert", "unchanged"])
@pytest.mark.parametrize("name", CASES)
def test_answers_equal_enumeration(name: str, masking: Masking) -> None:
    language, length, enumeration = CASES[name]
    every = enumeration()
    words = language.documents(range(6), length, seed=3)
    shown, modified = corrupted(words, masking, seed=4)
    shown[0], modified[0] = -1, True  # nothing is shown
    answers = exact_answers(language, shown, modified, masking)
    expected = [
        enumerated.posterior(every, shown[row], place, language.num_words, masking)
        for row, place in zip(*modified.nonzero(), strict=True)
    ]
    np.testing.assert_allclose(answers.probabilities_NV, expected, rtol=1e-9, atol=1e-13)
    best = np.max(expected, axis=1)
    assert answers.accuracy == pytest.approx(best.mean())
    losses = [-sum(p * np.log(p) for p in each if p > 1e-200) for each in expected]
    assert answers.loss == pytest.approx(np.mean(losses))


@pytest.mark.parametrize("name", CASES)
def test_unigrams_and_entropy_equal_enumeration(name: str) -> None:
    language, length, enumeration = CASES[name]
    every = enumeration()
    assert sum(every.values()) == pytest.approx(1.0)
    shares = enumerated.frequencies(every, language.num_words)
    np.testing.assert_allclose(language.unigrams(length), shares, rtol=1e-10, atol=1e-15)
    assert language.entropy(length) == pytest.approx(enumerated.entropy(every))


@pytest.mark.parametrize("name", CASES)
def test_documents_have_their_law(name: str) -> None:
    """Total variation of 4,000 documents from the law, by its bound for samples.

    The expected distance is at most half the sum of sqrt(p / n); 1.5 times it is far in the tail.
    """
    language, length, enumeration = CASES[name]
    every = enumeration()
    documents = language.documents(range(4000), length, seed=11)
    assert documents.dtype == np.int64
    counts: dict[tuple[int, ...], int] = {}
    for row in documents.tolist():
        counts[tuple(row)] = counts.get(tuple(row), 0) + 1
    assert set(counts) <= {words for words, chance in every.items() if chance > 0}
    distance = sum(abs(counts.get(words, 0) / 4000 - chance) for words, chance in every.items())
    bound = sum((chance / 4000) ** 0.5 for chance in every.values()) / 2
    assert distance / 2 < 1.5 * bound + 0.01


@pytest.mark.parametrize("name", CASES)
def test_any_part_can_be_made_alone(name: str) -> None:
    language, length, _ = CASES[name]
    whole = language.documents(range(20), length, seed=5)
    np.testing.assert_array_equal(language.documents(range(7, 12), length, seed=5), whole[7:12])
    other = language.documents(range(20), length, seed=6)
    assert (other != whole).any()


@pytest.mark.parametrize("name", CASES)
def test_each_word_is_one_token(name: str) -> None:
    from hf_apt.data.tokenizer import SPECIAL_TOKENS, vocabulary_tokenizer

    language = CASES[name][0]
    tokenizer = vocabulary_tokenizer((*SPECIAL_TOKENS, *language.words))
    ids = tokenizer(" ".join(language.words), add_special_tokens=False)["input_ids"]
    assert ids == list(range(5, 5 + language.num_words))


def test_no_answer_is_told_where_none_is_known() -> None:
    for language in (Shuffle(of=CHAIN), PlantedWords(), Shuffle(of=PlantedWords())):
        assert not language.is_exact
        assert language.entropy(4) is None
        with pytest.raises(NotImplementedError, match="no exact answer"):
            exact_answers(language, np.zeros((1, 4), int), np.ones((1, 4), bool), BERT)


def test_the_exact_answer_is_right_as_often_as_it_says() -> None:
    """On 400 documents of 24 words of each language, within four standard errors."""
    for language in (
        Bigram(vocab_size=40),
        Dyck(kinds=8),
        FlatPairs(kinds=8),
        Automaton(width=8),
    ):
        words = language.documents(range(400), 24, seed=8)
        rng = np.random.default_rng(9)
        modified = rng.random(words.shape) < MASKED.rate
        answers = exact_answers(language, np.where(modified, -1, words), modified, MASKED)
        true = words[modified]
        right = (answers.best_N == true).mean()
        error = (answers.accuracy * (1 - answers.accuracy) / len(true)) ** 0.5
        assert abs(right - answers.accuracy) < 4 * error + 1e-9
        losses = -np.log(answers.probabilities_NV[np.arange(len(true)), true])
        assert abs(losses.mean() - answers.loss) < 4 * losses.std() / len(true) ** 0.5 + 1e-9
