"""SFDA against scikit-learn's discriminant, and against numbers of the authors' code."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from hf_apt.stats.transfer.sfda import sfda
from tests.support.wave_features import waves


@pytest.mark.parametrize(
    ("scale", "num_classes", "score", "allowed"),
    [
        # SFDA_Score of TencentARC/SFDA, metrics.py at eb1eee0, on the same features. With a large
        # variance both shrinkages are the smallest one; else the power method tells them apart.
        (3, 2, 0.6926095542916196, 1e-9),
        (3, 3, 0.5508700527165203, 1e-9),
        (3, 5, 0.5290593824409479, 1e-9),
        (0.2, 3, 0.5587845032389576, 1e-3),
        (0.5, 5, 0.4911126513899171, 5e-3),
    ],
)
def test_it_is_the_number_of_the_authors_code(scale, num_classes, score, allowed):
    assert sfda(*waves(scale, num_classes=num_classes)) == pytest.approx(score, abs=allowed)


def slow_sfda(features, labels):
    """Two discriminants of scikit-learn with texts moved in between, text by text."""
    classes = sorted(set(labels.tolist()))
    means = {label: features[labels == label].mean(axis=0) for label in classes}
    within = sum(
        np.outer(row - means[label], row - means[label])
        for row, label in zip(features, labels.tolist(), strict=True)
    ) / len(labels)
    shrinkage = np.exp(-5 * np.linalg.eigvalsh(within).max())
    discriminant = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage)
    moved = []
    first = discriminant.fit(features, labels).predict_proba(features)
    for row, label, chances in zip(features, labels.tolist(), first, strict=True):
        chance = np.exp(chances[classes.index(label)]) / np.exp(chances).sum()
        others = np.mean([means[other] for other in classes if other != label], axis=0)
        moved.append(chance * row + (1 - chance) * others)
    second = discriminant.fit(np.array(moved), labels).predict_proba(np.array(moved))
    return np.mean([row[classes.index(label)] for row, label in zip(second, labels, strict=True)])


@pytest.mark.parametrize("num_classes", [3, 4])
@pytest.mark.parametrize("num", [60, 59])
def test_it_is_its_definition(num, num_classes):
    features, labels = waves(0.3, num=num, num_classes=num_classes)
    assert sfda(features, labels) == pytest.approx(slow_sfda(features, labels), rel=1e-7)


def test_points_are_certain_and_one_point_is_chance():
    labels = np.arange(20) % 4
    assert sfda(np.eye(4)[labels], labels) == pytest.approx(1)
    assert sfda(np.ones((20, 3)), labels) == pytest.approx(0.25)
