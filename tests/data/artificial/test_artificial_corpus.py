"""Laws of artificial languages as corpora: one word, one token; exact answers where they stand."""

import numpy as np
import pytest

from hf_apt.data.artificial.artificial_corpus import ArtificialCorpus
from hf_apt.data.artificial.bigram import Bigram
from hf_apt.data.artificial.dyck import Dyck
from hf_apt.data.artificial.planted_words import PlantedWords
from hf_apt.data.artificial.shuffle import Shuffle
from hf_apt.data.artificial.zipf import Zipf
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.measurement_batches import MaskedBatches
from hf_apt.data.tokens import Tokens, write_tokens
from tests.support import enumerated

CHAIN = Bigram(vocab_size=3, num_followers=2)
LENGTH = 6
CONFIG = MeasureConfig(num_realisations=1, batch_size=16, masking_rate=0.4, seed=5)


def small(language, num=50) -> ArtificialCorpus:
    return ArtificialCorpus(language=language, num_documents=10, num_validation_documents=num)


@pytest.fixture(scope="module")
def tokens(tmp_path_factory) -> Tokens:
    corpus = small(CHAIN)
    return write_tokens(
        tmp_path_factory.mktemp("chain") / "tokens",
        corpus.corpus(LENGTH).validation,
        corpus.tokenizer(),
        sequence_length=LENGTH + 2,
        layout="first",
    )


def test_tokens_are_the_words_of_the_documents(tokens) -> None:
    ids_BT = tokens.padded(np.arange(len(tokens)))
    words_BT = CHAIN.documents(range(50), LENGTH, seed=2)
    np.testing.assert_array_equal(ids_BT[:, 1:-1], words_BT + 5)
    assert (ids_BT[:, 0] == 2).all()
    assert (ids_BT[:, -1] == 3).all()
    assert tokens.description.vocab_size == small(CHAIN).vocab_size == 8


def test_both_sides_are_documents_of_seeds_of_their_own() -> None:
    corpus = small(CHAIN).corpus(30)
    train, validation = list(corpus.train), list(corpus.validation)
    assert (len(train), len(validation)) == (10, 50)
    assert not set(train) & set(validation)
    assert corpus.name == "bigram:vocab_size=3,num_followers=2"


def test_another_language_is_another_text() -> None:
    keys = {
        small(language).corpus(length).key
        for language in (CHAIN, Bigram(vocab_size=4), Zipf())
        for length in (10, 12)
    }
    assert len(keys) == 6


def test_exact_answers_are_those_of_enumeration(tokens) -> None:
    """Position by position, through the masks that a model is measured with."""
    readout = small(CHAIN).exact_readout(tokens, CONFIG)
    assert readout is not None
    every = enumerated.chained(CHAIN.stationary_V, CHAIN.transitions(), LENGTH)
    batches = MaskedBatches(tokens, CONFIG)
    support, hits, losses, num = np.zeros(8), np.zeros(8), 0.0, 0
    for true_BT, batch in batches.part():
        for row, place in zip(*batch.modified_BT.nonzero(), strict=True):
            ids = batch.input_ids_BT[row, 1:-1] - 5
            chances = enumerated.posterior(
                every, np.where(ids < 0, -1, ids), place - 1, 3, batches.masking
            )
            true = true_BT[row, place]
            support[true] += 1
            hits[true] += chances.argmax() + 5 == true
            losses -= np.log(chances[true - 5])
            num += 1
    np.testing.assert_array_equal(readout.counts.support(), support)
    np.testing.assert_array_equal(readout.counts.hits()[0], hits)
    figures = readout.figures()[0]["cross_entropy"]
    assert figures.value == pytest.approx(losses / num)
    assert figures.num == num > 50


def test_where_nothing_exact_is_known_nothing_is_said(tokens) -> None:
    assert small(Shuffle(of=CHAIN)).exact_readout(tokens, CONFIG) is None
    assert small(PlantedWords()).exact_readout(tokens, CONFIG) is None


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ((50, "packed", None), "a document of dyck is a sequence"),
        ((50, "first", "bert"), "leave out --tokenizer bert"),
        ((51, "first", None), "an even number of words, and 49 are asked for"),
    ],
)
def test_other_forms_are_refused(form, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        small(Dyck()).require_fits(*form)
    small(Dyck()).require_fits(50, "first", None)


def test_no_document_is_refused() -> None:
    with pytest.raises(ValueError, match="num_documents must be a whole number of at least 1"):
        ArtificialCorpus(language=CHAIN, num_documents=0)
