"""Probes on flattened states: those of the features themselves, read in parts."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from hf_apt.stats import flattened_probes as flat_probes
from hf_apt.stats.flattened_probes import coordinates, flat_accuracies
from hf_apt.stats.probe_config import PROBES, ProbeConfig
from hf_apt.stats.probes import predicted, predicted_as_scaled, standardised

WIDTH = 4


def texts(num=24, places=10, seed=0):
    """States (I, places * H) of texts of 1 to `places` tokens, two classes, and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(num) % 2
    states = rng.normal(size=(num, places, WIDTH)) + 0.7 * labels[:, None, None]
    lengths = rng.integers(1, places + 1, num)
    states[np.arange(places) >= lengths[:, None]] = 0
    return states.reshape(num, -1).astype(np.float32), labels


def scaled(train, test):
    """The scaled features, feature by feature."""
    features = [np.zeros(given.shape) for given in (train, test)]
    for unit in range(WIDTH):
        columns = [c for c in range(unit, train.shape[1], WIDTH) if train[:, c].std() > 0]
        size = np.sqrt(np.mean([train[:, c].astype(float).var() for c in columns]))
        for column in columns:
            mean = train[:, column].astype(float).mean()
            for given, out in zip((train, test), features, strict=True):
                out[:, column] = (given[:, column] - mean) / size
    return features


def test_coordinates_have_the_products_of_the_scaled_features():
    (train, _), (test, _) = texts(), texts(num=9, seed=1)
    own_train, own_test = coordinates(train, test, hidden_size=WIDTH)
    wide_train, wide_test = scaled(train, test)
    assert own_train.shape[1] <= 24 < train.shape[1]
    np.testing.assert_allclose(own_train @ own_train.T, wide_train @ wide_train.T, atol=2e-4)
    np.testing.assert_allclose(own_test @ own_train.T, wide_test @ wide_train.T, atol=2e-4)


@pytest.mark.parametrize("probe", PROBES)
def test_probes_answer_as_on_the_scaled_features_themselves(probe):
    (train, labels), (test, _) = texts(), texts(num=200, seed=1)
    config = ProbeConfig(num_neighbours=3)
    both = coordinates(train, test, hidden_size=WIDTH)
    answers = predicted_as_scaled(probe, *both, labels, config)
    expected = predicted_as_scaled(probe, *scaled(train, test), labels, config)
    assert (answers == expected).mean() > 0.985
    assert 0.2 < answers.mean() < 0.8


def test_the_linear_probe_has_the_probabilities_of_the_wide_logistic_regression():
    (train, labels), (test, _) = texts(), texts(num=50, seed=1)
    probabilities = [
        LogisticRegression(C=0.5, tol=1e-8, max_iter=10_000).fit(a, labels).predict_proba(b)
        for a, b in (coordinates(train, test, hidden_size=WIDTH), scaled(train, test))
    ]
    np.testing.assert_allclose(*probabilities, atol=1e-3)


@pytest.mark.parametrize("probe", PROBES)
def test_of_one_token_it_is_the_probe_on_its_state(probe):
    (train, labels), (test, test_labels) = texts(places=1), texts(num=300, places=1, seed=1)
    both = coordinates(train, test, hidden_size=WIDTH)
    config = ProbeConfig(num_neighbours=5)
    expected = predicted(probe, train, labels, test, config)
    assert (predicted_as_scaled(probe, *both, labels, config) == expected).mean() > 0.985
    assert standardised(train, test)[0].shape == (24, WIDTH)
    accuracies = flat_accuracies(
        [probe], train[None], labels, test[None], test_labels, hidden_size=WIDTH, config=config
    )
    assert accuracies[probe] == pytest.approx((expected == test_labels).mean(), abs=0.01)


def test_places_that_no_text_reaches_and_parts_change_nothing(monkeypatch):
    (train, _), (test, _) = texts(), texts(num=9, seed=1)
    wider = [np.pad(given, ((0, 0), (0, 5 * WIDTH))) for given in (train, test)]

    def products(train, test):
        own_train, own_test = coordinates(train, test, hidden_size=WIDTH)
        return np.concatenate([own_train, own_test]) @ own_train.T

    expected = products(train, test)
    for chunk in (1, 8 * 33 * WIDTH * 3, 1 << 28):
        monkeypatch.setattr(flat_probes, "_CHUNK_BYTES", chunk)
        np.testing.assert_allclose(products(train, test), expected, atol=1e-4)
        np.testing.assert_allclose(products(*wider), expected, atol=1e-4)


def test_order_tells_classes_apart_where_the_mean_cannot():
    """The same two states, in one order or the other."""
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    pair = rng.normal(size=(2, WIDTH))
    states = np.stack([pair if label else pair[::-1] for label in labels])
    states = (states + 0.01 * rng.normal(size=states.shape)).astype(np.float32)
    flat, mean = states.reshape(1, 40, -1), states.mean(axis=1)
    halves = slice(0, 20), slice(20, 40)
    accuracies = flat_accuracies(
        PROBES, flat[:, halves[0]], labels[:20], flat[:, halves[1]], labels[20:], hidden_size=WIDTH
    )
    assert {name: values.tolist() for name, values in accuracies.items()} == {
        name: [1.0] for name in PROBES
    }
    config = ProbeConfig()
    blind = predicted("linear", mean[:20], labels[:20], mean[20:], config) == labels[20:]
    assert blind.mean() < 0.9


@pytest.mark.parametrize("probe", PROBES)
def test_what_is_constant_but_for_rounding_is_exactly_chance(probe):
    labels = np.arange(40) % 2
    constant = np.array([3.0, -7.0, 0.5, 1.0]) * (1 + 1e-7 * labels[:, None])
    constant = np.pad(constant, ((0, 0), (0, 8))).astype(np.float32)[None]
    accuracies = flat_accuracies([probe], constant, labels, constant, labels, hidden_size=WIDTH)
    assert accuracies[probe].tolist() == [0.5]


def test_what_does_not_fit_is_told_in_a_sentence(monkeypatch):
    train, labels = texts()
    given = (train[None], labels, train[None])
    with pytest.raises(ValueError, match="no probe is called 'svm'"):
        flat_accuracies(["svm"], *given, labels, hidden_size=WIDTH)  # pyright: ignore
    with pytest.raises(ValueError, match="24 texts came with 23 labels"):
        flat_accuracies(PROBES, *given, labels[1:], hidden_size=WIDTH)
    monkeypatch.setattr(flat_probes, "MAX_TEXTS", 23)
    with pytest.raises(ValueError, match="24 are too many, choose 23 or fewer"):
        flat_accuracies(PROBES, *given, labels, hidden_size=WIDTH)
