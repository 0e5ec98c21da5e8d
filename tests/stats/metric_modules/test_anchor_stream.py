"""Laws of the stream of states and logits: any split gives the fit of all, mistakes are named."""

import numpy as np
import pytest

from hf_apt.stats.anchors.word_vectors import anchor_fit
from hf_apt.stats.metric_modules.anchor_scores import anchor_scores
from hf_apt.stats.metric_modules.anchor_stream import AnchorStream


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """States, word vectors and biases."""
    draw = np.random.default_rng(0)
    return draw.normal(size=(160, 4)), draw.normal(size=(12, 4)), draw.normal(size=12)


def test_scores_are_those_of_the_function_of_arrays(data) -> None:
    states_NE, vectors_VE, biases_V = data
    documents = [number // 8 for number in range(160)]  # as many documents as groups
    fit = anchor_fit(states_NE, vectors_VE, biases_V, documents=documents, num_components=0)
    stream = AnchorStream().update(states_NE, states_NE @ vectors_VE.T + biases_V, documents)
    scores = anchor_scores(stream)
    assert len(stream) == scores["num_states"] == 160
    assert fit.r_squared is not None
    assert scores["r_squared"] == pytest.approx(fit.r_squared["affine"].value)
    error = fit.r_squared["affine"].standard_error
    assert scores["r_squared_standard_error"] == pytest.approx(error)
    assert scores["mean_word_error"] == pytest.approx(fit.errors["mean_word"].value)
    assert scores["anchor"] == pytest.approx(fit.anchor_E.tolist())


@pytest.mark.parametrize("with_documents", [False, True])
def test_any_split_gives_the_same_numbers(data, with_documents) -> None:
    states_NE, vectors_VE, _ = data
    logits_NV = states_NE @ vectors_VE.T
    documents = [f"d{number // 7}" for number in range(160)] if with_documents else None
    expected = anchor_scores(AnchorStream().update(states_NE, logits_NV, documents))
    stream, start = AnchorStream(), 0
    for end in (1, 1, 50, 53, 160):
        part = slice(start, end)
        stream.update(states_NE[part], logits_NV[part], documents and documents[part])
        start = end
    scores = anchor_scores(AnchorStream().merge(stream))
    assert scores.keys() == expected.keys()
    for name, value in scores.items():
        assert value == pytest.approx(expected[name]), name


def test_two_streams_are_put_together(data) -> None:
    states_NE, vectors_VE, _ = data
    logits_NV, documents = states_NE @ vectors_VE.T, [number // 8 for number in range(160)]
    one = AnchorStream().update(states_NE[:80], logits_NV[:80], documents[:80])
    other = AnchorStream().update(states_NE[80:], logits_NV[80:], documents[80:])
    assert len(one.merge(other)) == 160
    assert anchor_scores(one)["variance"] == pytest.approx(
        anchor_scores(AnchorStream().update(states_NE, logits_NV))["variance"]
    )
    with pytest.raises(ValueError, match="document 0 is in both streams"):
        AnchorStream().update(states_NE[:2], logits_NV[:2], [5, 0]).merge(one)


GOOD = (np.eye(3), np.ones((3, 5)), [0, 1, 2])
REFUSED = [
    ((None, *GOOD[1:]), "predictions are missing"),
    ((np.ones(3), *GOOD[1:]), r"predictions of shape \(3,\) .* are no rows of numbers"),
    ((GOOD[0], np.ones((2, 5)), GOOD[2]), "3 rows of predictions came with 2 of references"),
    ((GOOD[0], np.full((3, 5), np.inf), GOOD[2]), "references hold inf: give .* finite"),
    ((np.eye(3, 2), *GOOD[1:]), "predictions are 2 wide, and those before 3"),
    ((*GOOD[:2], [0, 1]), "2 documents came with 3 states"),
    ((*GOOD[:2], None), "some batches came with documents and some without"),
]


@pytest.mark.parametrize(("wrong", "said"), REFUSED, ids=[said[:20] for _, said in REFUSED])
def test_bad_input_is_named_in_a_sentence_and_not_kept(wrong, said) -> None:
    stream = AnchorStream().update(*GOOD)
    before = anchor_scores(stream)
    with pytest.raises(ValueError, match=said):
        stream.update(*wrong)
    assert len(stream) == 3
    assert str(anchor_scores(stream)) == str(before)


def test_states_of_one_document_are_too_few() -> None:
    with pytest.raises(ValueError, match="states of 1 document"):
        anchor_scores(AnchorStream().update(np.eye(3), np.ones((3, 5)), [4, 4, 4]))
    with pytest.raises(ValueError, match="no state yet: give predictions"):
        anchor_scores(AnchorStream())
