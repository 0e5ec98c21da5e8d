"""Nearest class means: by hand, turned, and as linear discriminant analysis has them."""

import numpy as np
import pytest
from scipy.stats import ortho_group

from hf_apt.stats.classes.prototypes import nearest_prototype, nearness, prototypes


def blobs(seed: int, num: int = 60, spread: float = 4.0):
    rng = np.random.default_rng(seed)
    labels = np.arange(num) % 4
    means = np.random.default_rng(99).normal(size=(4, 6)) * 3
    return means[labels] + spread * rng.normal(size=(num, 6)), labels


def test_two_points_a_class_by_hand():
    train = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 4.0], [0.0, 6.0]])
    labels = np.array([7, 7, 3, 3])
    classes, means = prototypes(train, labels)
    assert classes.tolist() == [3, 7]
    assert means.tolist() == [[0.0, 5.0], [1.0, 0.0]]
    test = np.array([[3.0, 3.0], [1.0, 2.0]])
    # Distances 13 and 13; 10 and 4: of equally near ones the first.
    assert nearness(test, means, "euclidean").tolist() == [[2.5, 2.5], [-2.5, 0.5]]
    assert nearest_prototype(train, labels, test).tolist() == [3, 7]
    # By the angle the second text, far from it, is of the class straight up.
    cosines = nearness(test, means, "cosine")
    assert cosines == pytest.approx(
        np.array([[1, 1], [2 / 5**0.5 * 2**0.5, 2**0.5 / 5**0.5]]) / 2**0.5
    )
    assert nearest_prototype(train, labels, test[1:], "cosine").tolist() == [3]


@pytest.mark.parametrize("kind", ["euclidean", "cosine"])
def test_a_rotation_changes_nothing(kind):
    (train, labels), (test, _) = blobs(0), blobs(1)
    turn = ortho_group.rvs(6, random_state=0)
    answers = nearest_prototype(train, labels, test, kind)
    assert (nearest_prototype(train @ turn, labels, test @ turn, kind) == answers).all()
    scale = np.array([1, 10, 1, 1, 0.1, 1])
    assert (nearest_prototype(train * scale, labels, test * scale, kind) != answers).any()


def test_distances_are_linear_discriminant_analysis_with_the_identity():
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.neighbors import NearestCentroid

    class Identity:
        def fit(self, features):
            self.covariance_ = np.eye(features.shape[1])

    (train, labels), (test, _) = blobs(0, num=61), blobs(1)
    analysis = LinearDiscriminantAnalysis(
        solver="lsqr", covariance_estimator=Identity(), priors=[0.25] * 4
    )
    answers = nearest_prototype(train, labels, test)
    assert (answers == analysis.fit(train, labels).predict(test)).all()
    assert (answers == NearestCentroid().fit(train, labels).predict(test)).all()


def test_cosines_are_scikit_learns_and_know_no_length():
    from sklearn.metrics.pairwise import cosine_similarity

    train, labels = blobs(0)
    _, means = prototypes(train, labels)
    assert nearness(train, means, "cosine") == pytest.approx(cosine_similarity(train, means))
    assert nearness(100 * train, 3 * means, "cosine") == pytest.approx(
        nearness(train, means, "cosine")
    )
    nothing = nearness(np.zeros((1, 6)), means, "cosine")
    assert nothing.tolist() == [[0, 0, 0, 0]]


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="no nearness is called 'angle': choose one of euclidean"):
        nearness(np.ones((1, 2)), np.ones((1, 2)), "angle")  # pyright: ignore[reportArgumentType]
