"""Laws of the anchor vector with known answers: closed forms, and NumPy's own least squares."""

import numpy as np
import pytest

from hf_apt.stats.anchors.bulk import AnchorBulk
from hf_apt.stats.anchors.word_vectors import anchor_fit

MEAN_OF_LOG_2COSH, VARIANCE_OF_LOG_2COSH = 1.0677143881, 0.1897674492
"""Of log 2 cosh x for a standard normal x, by quadrature."""


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def share(fit, arm: str) -> float:
    assert fit.r_squared is not None
    return fit.r_squared[arm].value


def test_equal_words_are_an_anchor() -> None:
    """M words of one vector u: the slope is u, the constant log M, the error 0."""
    word_E = normal(6, seed=1)
    fit = anchor_fit(normal(200, 6), np.tile(word_E, (32, 1)))
    np.testing.assert_allclose(fit.anchor_E, word_E, atol=1e-10)
    assert fit.intercept == pytest.approx(np.log(32))
    assert fit.errors["affine"].value == pytest.approx(0, abs=1e-10)
    assert share(fit, "affine") == pytest.approx(1)
    assert share(fit, "mean_word") == pytest.approx(1)
    assert fit.cosine_to_mean_word == pytest.approx(1)
    assert fit.rank == 6
    assert not fit.is_rank_deficient


def test_opposite_words_have_no_anchor() -> None:
    """Words 1 and -1 give log 2 cosh x, which no line explains, and a square does."""
    fit = anchor_fit(normal(200_000, 1), [[1.0], [-1.0]], num_components=1)
    assert fit.mean == pytest.approx(MEAN_OF_LOG_2COSH, abs=0.004)
    assert fit.variance.value == pytest.approx(VARIANCE_OF_LOG_2COSH, abs=0.004)
    assert fit.anchor_E[0] == pytest.approx(0, abs=0.005)
    assert share(fit, "affine") == pytest.approx(0, abs=1e-3)
    assert share(fit, "mean_word") == pytest.approx(0, abs=1e-3)
    assert fit.errors["constant"].value == pytest.approx(fit.variance.value, rel=1e-3)
    assert fit.quadratic_gain is not None
    assert fit.quadratic_gain.value > 0.9
    assert fit.cosine_to_mean_word is None, "the mean word vector is 0"


def test_words_of_zero_leave_the_share_undefined() -> None:
    fit = anchor_fit(normal(60, 4), np.zeros((7, 4)))
    assert fit.mean == pytest.approx(np.log(7))
    assert fit.r_squared is None
    assert fit.quadratic_gain is None
    assert fit.errors["affine"].value == pytest.approx(0, abs=1e-12)


RULES = [AnchorBulk(), AnchorBulk(rule="minus_topk", top_k=3), AnchorBulk(rule="tail_mass"),
         AnchorBulk(rule="minus_words", words=(1, 4))]  # fmt: skip


@pytest.mark.parametrize("bulk", RULES, ids=lambda bulk: bulk.rule)
def test_biases_move_the_constant_alone(bulk) -> None:
    states_NE, vectors_VE, biases_V = normal(300, 5), normal(20, 5, seed=1), normal(20, seed=2)
    fit = anchor_fit(states_NE, vectors_VE, biases_V, bulk=bulk)
    moved = anchor_fit(states_NE, vectors_VE, biases_V + 2.5, bulk=bulk)
    np.testing.assert_allclose(moved.anchor_E, fit.anchor_E, atol=1e-10)
    assert moved.intercept - fit.intercept == pytest.approx(2.5)
    assert moved.errors["affine"].value == pytest.approx(fit.errors["affine"].value)


@pytest.mark.parametrize("bulk", RULES, ids=lambda bulk: bulk.rule)
def test_a_vector_that_is_added_to_all_words_is_added_to_the_anchor(bulk) -> None:
    """It changes no probability: the anchor is what the softmax does not see."""
    states_NE, vectors_VE, added_E = normal(300, 5), normal(20, 5, seed=1), normal(5, seed=3)
    fit = anchor_fit(states_NE, vectors_VE, bulk=bulk)
    moved = anchor_fit(states_NE, vectors_VE + added_E, bulk=bulk)
    np.testing.assert_allclose(moved.anchor_E, fit.anchor_E + added_E, atol=1e-10)
    assert moved.errors["affine"].value == pytest.approx(fit.errors["affine"].value)


def test_a_rotation_changes_no_error() -> None:
    states_NE, vectors_VE = normal(300, 5) * [1, 2, 3, 4, 5], normal(20, 5, seed=1)
    turn_EE = np.linalg.qr(normal(5, 5, seed=4))[0]
    fit = anchor_fit(states_NE, vectors_VE)
    turned = anchor_fit(states_NE @ turn_EE, vectors_VE @ turn_EE)
    assert fit.errors.keys() == turned.errors.keys() >= {"linear", "affine", "quadratic"}
    for arm, error in fit.errors.items():
        assert turned.errors[arm].value == pytest.approx(error.value, rel=1e-8)
        assert turned.errors[arm].standard_error == pytest.approx(error.standard_error, rel=1e-6)


def slow_errors(states_NE, log_z_N, documents) -> tuple[float, float, float]:
    """Errors of a line, a vector and a mean on each document, by NumPy's fits on the others."""
    squares = [[], [], []]
    ones_N1 = np.ones((len(states_NE), 1))
    for document in set(documents):
        own_N = np.array(documents) == document
        for at, columns_NX in enumerate((np.c_[states_NE, ones_N1], states_NE, ones_N1)):
            best_X = np.linalg.lstsq(columns_NX[~own_N], log_z_N[~own_N], rcond=None)[0]
            squares[at].extend((log_z_N[own_N] - columns_NX[own_N] @ best_X) ** 2)
    affine, linear, constant = (float(np.mean(each)) for each in squares)
    return affine, linear, constant


@pytest.mark.parametrize("is_deficient", [False, True])
def test_errors_are_those_of_least_squares_on_the_other_documents(is_deficient) -> None:
    states_NE, vectors_VE = normal(240, 6), normal(15, 6, seed=1)
    if is_deficient:  # as behind a LayerNorm without weights
        states_NE -= states_NE.mean(axis=1, keepdims=True)
    documents = [f"document {number // 20}" for number in range(240)]
    log_z_N = np.log(np.exp(states_NE @ vectors_VE.T).sum(axis=1))
    affine, linear, constant = slow_errors(states_NE, log_z_N, documents)
    fit = anchor_fit(states_NE, vectors_VE, documents=documents)
    assert fit.num_groups == 12
    assert fit.num == 240
    assert fit.errors["affine"].value == pytest.approx(affine, rel=1e-9)
    assert fit.errors["linear"].value == pytest.approx(linear, rel=1e-9)
    assert fit.errors["constant"].value == pytest.approx(constant, rel=1e-9)
    assert fit.variance.value == pytest.approx(log_z_N.var())
    assert share(fit, "affine") == pytest.approx(1 - affine / log_z_N.var())
    assert fit.is_rank_deficient == is_deficient
    assert fit.rank == 6 - is_deficient
    best_X = np.linalg.lstsq(np.c_[states_NE, np.ones(240)], log_z_N, rcond=None)[0]
    if is_deficient:
        best_X[:6] -= best_X[:6].mean()
    np.testing.assert_allclose(fit.anchor_E, best_X[:6], atol=1e-9)


def test_a_direction_of_one_document_alone_gets_no_weight_from_the_others() -> None:
    """Rounding of float32 in a direction that never varies elsewhere must not be fitted."""
    states_NE, vectors_VE = normal(200, 4), normal(9, 4, seed=1)
    states_NE[:, 3] = 1e-7 * normal(200, seed=2)
    states_NE[40:50, 3] = 1.0
    fit = anchor_fit(states_NE, vectors_VE, documents=[number // 10 for number in range(200)])
    assert fit.rank == 4
    assert fit.errors["affine"].value < 4 * fit.errors["constant"].value


def test_fewer_states_than_directions_are_deficient() -> None:
    fit = anchor_fit(normal(8, 12), normal(5, 12, seed=1), num_components=0)
    assert fit.is_rank_deficient
    assert fit.rank == 7


def test_the_error_covers_other_documents() -> None:
    """R² of many draws of documents lies about as far from its mean as its errors say."""
    vectors_VE = normal(30, 3, seed=1)
    fits = [
        anchor_fit(normal(400, 3, seed=seed), vectors_VE, num_components=0) for seed in range(60)
    ]
    shares = np.array([share(fit, "affine") for fit in fits])
    errors = np.array([(fit.r_squared or {})["affine"].standard_error for fit in fits])
    assert 0.7 < errors.mean() / shares.std(ddof=1) < 1.4


def test_a_ridge_shortens_the_anchor() -> None:
    states_NE, vectors_VE = normal(100, 4), normal(9, 4, seed=1)
    lengths = [
        np.linalg.norm(anchor_fit(states_NE, vectors_VE, ridge=ridge).anchor_E)
        for ridge in (0.0, 10.0, 1e9)
    ]
    assert lengths[0] > lengths[1] > lengths[2] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"states_NE": np.zeros(3)}, r"states of shape \(3,\) are none"),
        ({"vectors_VE": normal(5, 3)}, "states are 2 wide and word vectors 3"),
        ({"biases_V": [0.0]}, r"biases of shape \(1,\) came with 5 word vectors"),
        ({"states_NE": np.full((40, 2), np.nan)}, "states hold values that are not finite"),
        ({"documents": [1, 2]}, "there are 2 labels of documents and 40 states"),
        ({"documents": [1] * 40}, "states of 1 document"),
        ({"num_components": -1}, "num_components must be a whole number of at least 0"),
        ({"ridge": -1.0}, "ridge must be at least 0"),
        ({"bulk": AnchorBulk(rule="minus_topk", top_k=5)}, "the vocabulary has 5 words"),
    ],
)
def test_bad_input_is_one_sentence(changed, said) -> None:
    given = {"states_NE": normal(40, 2), "vectors_VE": normal(5, 2)} | changed
    with pytest.raises(ValueError, match=said):
        anchor_fit(**given)
