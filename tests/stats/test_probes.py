"""Probes: exactly chance where there is nothing to see, exactly 1 where classes lie apart."""

import math

import numpy as np
import pytest

from hf_apt.depths.feature_config import FeatureConfig
from hf_apt.depths.text_features import features
from hf_apt.models.encoders import load_encoder
from hf_apt.stats.estimates import over_seeds
from hf_apt.stats.probe_config import PROBES, ProbeConfig
from hf_apt.stats.probes import predicted, probe_accuracies, standardised

every_probe = pytest.mark.parametrize("probe", PROBES)


def blobs(num=60, num_classes=4, width=6, spread=1.0, seed=0):
    """Features (I, H) around class means, and labels: the same number of each class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(num) % num_classes
    means = np.random.default_rng(99).normal(size=(num_classes, width)) * 3
    return (means[labels] + spread * rng.normal(size=(num, width))).astype(np.float32), labels


@every_probe
def test_separable_classes_are_all_told_apart(probe):
    (train, labels), (test, test_labels) = blobs(spread=0.05), blobs(spread=0.05, seed=1)
    assert probe_accuracies(probe, train[None], labels, test[None], test_labels).tolist() == [1]


@every_probe
def test_the_first_state_at_depth_0_gives_exactly_chance(probe, checkpoint, documents):
    """Balanced classes, so that any answer that never changes is right in one of five."""
    encoder = load_encoder(str(checkpoint))
    by_pooling = features(encoder, documents[:100], FeatureConfig(sequence_length=24))
    labels = np.arange(100) % 5
    cut = slice(0, 60), slice(60, 100)
    (train, test), (train_labels, test_labels) = (
        [a[..., c, :] for c in cut] for a in (by_pooling["cls"], labels[:, None])
    )
    train_labels, test_labels = train_labels[:, 0], test_labels[:, 0]
    assert probe_accuracies(probe, train[:1], train_labels, test[:1], test_labels).tolist() == [
        1 / 5
    ]
    seen = predicted(probe, train[2], train_labels, test[2], ProbeConfig())
    assert len(set(seen.tolist())) > 1, "above, the probe had nothing to see"


@every_probe
@pytest.mark.parametrize("noise", [0.0, 1e-7])
def test_rounding_is_nothing_to_see(probe, noise):
    """A tiny difference between two classes, as another order of summation might leave."""
    labels = np.arange(40) % 2
    constant = np.array([3.0, -7.0, 0.5]) * (1 + noise * labels[:, None])
    constant = constant.astype(np.float32)[None]
    assert probe_accuracies(probe, constant, labels, constant, labels).tolist() == [0.5]


@every_probe
def test_units_of_features_change_nothing(probe):
    (train, labels), (test, _) = blobs(), blobs(seed=1)
    scale, shift = np.array([1, 10, 0.1, 100, 1, 3]), np.array([0, 5, -3, 1, 20, 0])
    one = predicted(probe, train, labels, test, ProbeConfig())
    other = predicted(probe, train * scale + shift, labels, test * scale + shift, ProbeConfig())
    assert (one == other).mean() > 0.98
    assert len(set(one.tolist())) == 4


@every_probe
def test_renamed_classes_are_renamed_answers(probe):
    (train, labels), (test, _) = blobs(spread=4), blobs(spread=4, seed=1)
    new = np.array([5, 2, 9, 7])
    one = predicted(probe, train, labels, test, ProbeConfig(num_neighbours=1))
    other = predicted(probe, train, new[labels], test, ProbeConfig(num_neighbours=1))
    assert (new[one] == other).mean() > 0.98


def test_prototypes_and_neighbours_are_those_of_loops():
    (train, labels), (test, _) = blobs(spread=4), blobs(num=30, spread=4, seed=1)
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    near, common = [], []
    for row in (test - mean) / deviation:
        others = (train - mean) / deviation
        centres = [others[labels == label].mean(axis=0) for label in range(4)]
        near.append(min(range(4), key=lambda label: math.dist(row, centres[label])))
        order = sorted(range(60), key=lambda place: math.dist(row, others[place]))[:7]
        votes = [sum(labels[place] == label for place in order) for label in range(4)]
        common.append(votes.index(max(votes)))
    alike = []
    for row in (test - mean) / deviation:
        centres = [((train - mean) / deviation)[labels == label].mean(axis=0) for label in range(4)]
        cosines = [row @ each / math.hypot(*each) for each in centres]
        alike.append(cosines.index(max(cosines)))
    config = ProbeConfig(num_neighbours=7)
    assert predicted("prototype_cosine", train, labels, test, config).tolist() == alike
    assert predicted("prototype", train, labels, test, config).tolist() == near
    assert predicted("neighbours", train, labels, test, config).tolist() == common


def test_the_linear_probe_minimises_its_penalised_loss():
    """Its answers are those at the penalised cross-entropy's minimum, sought by another method."""
    from scipy.optimize import minimize
    from scipy.special import log_softmax

    (train, labels), (test, _) = blobs(num=40, spread=4), blobs(num=200, spread=4, seed=1)
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    train_scaled, test_scaled = (train - mean) / deviation, (test - mean) / deviation

    def loss(flat):
        weights, bias = flat[:24].reshape(6, 4), flat[24:]
        logs = log_softmax(train_scaled @ weights + bias, axis=1)
        return -logs[np.arange(40), labels].sum() + (weights**2).sum() / (2 * 0.3)

    best = minimize(loss, np.zeros(28)).x
    expected = (test_scaled @ best[:24].reshape(6, 4) + best[24:]).argmax(axis=1)
    answers = predicted("linear", train, labels, test, ProbeConfig(inverse_penalty=0.3))
    assert (answers == expected).mean() > 0.985


def mixed(num, depth, num_classes=4, width=200):
    """Features whose directions differ a hundredfold in size, as those of real encoders do."""
    rng = np.random.default_rng(depth)
    centres = rng.normal(size=(num_classes, 16))
    mixing = rng.normal(size=(16, width)) * np.logspace(0, -2, 16)[:, None]
    labels = np.arange(num) % num_classes
    latent = centres[labels] + 2.5 * rng.normal(size=(num, 16))
    return (latent @ mixing + 0.02 * rng.normal(size=(num, width))).astype(np.float32), labels


def test_the_linear_probe_has_converged_at_every_depth():
    """It answers as scikit-learn does at a far smaller tolerance, but for one text of 400."""
    from sklearn.linear_model import LogisticRegression

    short_of_it = 0
    for depth in range(5):
        features, labels = mixed(800, depth)
        train, test = standardised(features[:400], features[400:])
        exact = LogisticRegression(tol=1e-8, max_iter=20_000).fit(
            train.astype(np.float64), labels[:400]
        )
        expected = exact.predict(test.astype(np.float64))
        split = features[:400], labels[:400], features[400:]
        answers = predicted("linear", *split, ProbeConfig())
        assert (answers != expected).sum() <= 1
        loose = LogisticRegression(tol=1e-3, max_iter=1000).fit(train, labels[:400])
        short_of_it = max(short_of_it, int((loose.predict(test) != expected).sum()))
    assert short_of_it > 1, "a looser tolerance would do as well"


def test_each_depth_is_its_own():
    (train, labels), (test, test_labels) = blobs(spread=2), blobs(spread=2, seed=1)
    stacked = [np.stack([0 * given, given, given * 2]) for given in (train, test)]
    accuracies = probe_accuracies("prototype", stacked[0], labels, stacked[1], test_labels)
    assert accuracies[0] == 0.25
    assert accuracies[1] == accuracies[2] > 0.5


def test_means_and_errors_over_seeds():
    estimates = over_seeds([np.array([0.2, 0.9]), np.array([0.4, 0.9]), np.array([0.6, 0.9])], 50)
    assert [one.value for one in estimates] == pytest.approx([0.4, 0.9])
    assert [one.standard_error for one in estimates] == pytest.approx([0.2 / math.sqrt(3), 0])
    (alone,) = over_seeds([np.array([0.8])], 100)
    assert (alone.value, alone.standard_error, alone.num) == (0.8, pytest.approx(0.04), 1)


def test_what_does_not_fit_is_told_in_a_sentence():
    train, labels = blobs()
    with pytest.raises(ValueError, match="no probe is called 'svm'"):
        probe_accuracies("svm", train[None], labels, train[None], labels)  # pyright: ignore
    with pytest.raises(ValueError, match="60 texts came with 59 labels"):
        probe_accuracies("linear", train[None], labels, train[None], labels[1:])
