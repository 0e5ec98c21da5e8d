"""Laws of the planted language as a corpus: one word, one token; the ceiling is a ceiling."""

import re

import numpy as np
import pytest

from hf_apt.data.measure_config import MeasureConfig
from hf_apt.data.measurement_batches import MaskedBatches
from hf_apt.data.planted.corpus import PlantedCorpus
from hf_apt.data.tokenizer import SPECIAL_TOKENS, vocabulary
from hf_apt.data.tokens import write_tokens
from hf_apt.stats.counts import DepthCounts

SMALL = PlantedCorpus(num_documents=60, num_validation_documents=150, seed=0)
NUM_WORDS = 22
CONFIG = MeasureConfig(num_realisations=2, batch_size=64, seed=5)


@pytest.fixture(scope="module")
def planted_tokens(tmp_path_factory):
    """150 held-out documents of 22 words."""
    return write_tokens(
        tmp_path_factory.mktemp("planted") / "tokens",
        SMALL.corpus(NUM_WORDS).validation,
        SMALL.tokenizer(),
        sequence_length=NUM_WORDS + 2,
        layout="first",
    )


@pytest.fixture(scope="module")
def bayes(planted_tokens) -> DepthCounts:
    return SMALL.bayes_counts(planted_tokens, CONFIG)


def test_every_word_is_one_token() -> None:
    tokenizer, words = SMALL.tokenizer(), SMALL.language().words
    ids = tokenizer(list(words), add_special_tokens=False)["input_ids"]
    assert ids == [[5 + number] for number in range(len(words))]
    assert vocabulary(tokenizer) == [*SPECIAL_TOKENS, *words]


def test_documents_have_the_asked_number_of_tokens_none_unknown(planted_tokens) -> None:
    ids_BT = planted_tokens.padded(np.arange(len(planted_tokens)))
    assert ids_BT.shape == (150, NUM_WORDS + 2)
    assert (ids_BT[:, 0] == 2).all()
    assert (ids_BT[:, -1] == 3).all()
    assert (ids_BT[:, 1:-1] >= 5).all()


def test_text_gives_its_words_back(planted_tokens) -> None:
    words = SMALL.language().words
    texts = list(SMALL.corpus(NUM_WORDS).validation)
    assert len(texts) == 150
    for index, text in enumerate(texts):
        split = re.findall(r"\w+|[^\w\s]", text.lower())
        row_T = planted_tokens.padded(np.array([index]))[0, 1:-1]
        assert split == [words[token - 5] for token in row_T]


def test_the_corpus_says_how_much_there_is_and_is_the_same_each_time() -> None:
    one, other = SMALL.corpus(NUM_WORDS), SMALL.corpus(NUM_WORDS)
    train, validation = list(one.train), list(one.validation)
    assert (len(train), len(validation)) == (60, 150)
    assert one.stream.num_documents == 210
    assert (train, validation) == (list(other.train), list(other.validation))
    assert not {*train} & {*validation}
    assert {*PlantedCorpus(num_documents=60, seed=1).corpus(NUM_WORDS).train} != {*train}


def test_more_documents_begin_with_fewer() -> None:
    """Generation works in parts of 1,000, which must not be seen."""
    few, many = (
        list(PlantedCorpus(num_documents=number).corpus(12).train) for number in (999, 1001)
    )
    assert (len(few), len(many)) == (999, 1001)
    assert many[:999] == few
    assert many[1000] != many[0], "the second part begins as the first one does"
    assert len(set(many)) > 500


def test_classes_are_the_languages_paradigms_by_token_id() -> None:
    language, classes_V = SMALL.language(), SMALL.classes()
    tokens = vocabulary(SMALL.tokenizer())
    assert len(classes_V) == len(tokens)
    assert (classes_V[:5] == -1).all()
    class_of = dict(zip(tokens, classes_V.tolist(), strict=True))
    assert [class_of[word] for word in language.words] == language.paradigms.tolist()
    assert set(language.paradigms) == {-1, *range(len(language.paradigm_names))}


def asked(tokens) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, shown ids and treatments at all modified positions, in the order of `measure`."""
    parts = [
        (
            batch.labels_BT[batch.modified_BT],
            batch.input_ids_BT[batch.modified_BT],
            batch.treatments_BT[batch.modified_BT],
        )
        for _, batch in MaskedBatches(tokens, CONFIG).part()
    ]
    return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))


def test_the_ceiling_is_asked_what_measure_asks(bayes, planted_tokens) -> None:
    labels_N, _, treatments_N = asked(planted_tokens)
    assert len(labels_N) > 900
    for treatment, name in enumerate(("masked", "replaced", "unchanged")):
        expected_V = np.bincount(labels_N[treatments_N == treatment], minlength=bayes.vocab_size)
        assert np.array_equal(bayes.at(0, name).support(), expected_V)
    assert bayes.num_depths == 1


def test_no_simple_predictor_is_right_more_often(bayes, planted_tokens) -> None:
    """A margin of three standard deviations: the best is so in expectation only."""
    labels_N, shown_N, _ = asked(planted_tokens)
    commonest = np.bincount(labels_N).argmax()
    accuracy = bayes.at(0).hits().sum() / len(labels_N)
    others = {
        "commonest": (labels_N == commonest).mean(),
        "copy": (shown_N == labels_N).mean(),
        "copy or commonest": (np.where(shown_N == 4, commonest, shown_N) == labels_N).mean(),
    }
    assert others["copy"] == pytest.approx(0.1, abs=0.03)
    assert max(others.values()) < 0.4
    assert accuracy > max(others.values()) + 3 * (0.25 / len(labels_N)) ** 0.5
    assert accuracy < 1


def test_the_ceiling_does_not_depend_on_the_batches(bayes, planted_tokens) -> None:
    other = SMALL.bayes_counts(
        planted_tokens, MeasureConfig(num_realisations=2, batch_size=7, seed=5)
    )
    assert np.array_equal(other.at(0).hits(), bayes.at(0).hits())
    assert np.array_equal(other.at(0).support(), bayes.at(0).support())


def test_the_ceiling_of_each_word_is_what_the_best_predictor_has(planted_tokens) -> None:
    """Expected and realised accuracy differ by chance alone; special tokens have none."""
    ceiling_V = SMALL.ceiling(planted_tokens, rate=0.3)
    config = MeasureConfig(masking_rate=0.3, num_sequences=1000)
    pairs = SMALL.bayes_counts(planted_tokens, config).at(0)
    hits_V, support_V = pairs.hits(), pairs.support()
    assert np.isnan(ceiling_V[:5]).all()
    assert ((ceiling_V[5:] >= 0) & (ceiling_V[5:] <= 1)).all()
    asked_V = support_V > 0
    expected = ceiling_V[asked_V] @ support_V[asked_V]
    spread = np.sqrt((ceiling_V * (1 - ceiling_V))[asked_V] @ support_V[asked_V])
    assert abs(expected - hits_V.sum()) < 4 * spread
