"""The shrunken H-score: numbers of TransformerRanker, where it is installed and as they were."""

import numpy as np
import pytest

from hf_apt.stats.transfer.shrunken_h_score import shrunken_h_score
from hf_apt.stats.transfer_scores import h_score, logme
from tests.support.wave_features import waves

# HScore and LogME of transformer-ranker 0.2.0 on the same features, in double precision.
NUMBERS = {
    (1, 60, 6, 2): (0.5074878452772745, -0.759299644477431),
    (1, 60, 6, 3): (0.3528208822082223, -0.6817783216463704),
    (3, 60, 6, 5): (0.9281829042578129, -0.4814040843149433),
    (1, 20, 40, 3): (1.5812713042287252, None),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_both_numbers_are_those_of_transformer_ranker(case):
    features, labels = waves(*case)
    theirs, their_logme = NUMBERS[case]
    # They add up square roots of counts in single precision.
    assert shrunken_h_score(features, labels) == pytest.approx(theirs, rel=3e-7)
    if their_logme is not None:  # their iteration stops a little below the largest evidence
        assert their_logme - 1e-7 <= logme(features, labels) <= their_logme + 1e-6


def test_both_numbers_are_those_of_the_package_that_is_installed():
    ranker = pytest.importorskip("transformer_ranker.estimators")
    import torch

    features, labels = waves(1, num=90, width=12, num_classes=5)
    pair = torch.from_numpy(features), torch.from_numpy(labels)
    assert shrunken_h_score(features, labels) == pytest.approx(ranker.HScore().fit(*pair), rel=1e-6)
    assert logme(features, labels) == pytest.approx(ranker.LogME().fit(*pair), abs=1e-5)


def test_more_features_than_texts_do_not_make_it_the_number_of_classes():
    rng = np.random.default_rng(0)
    noise, labels = rng.normal(size=(20, 60)), np.arange(20) % 4
    apart = noise + 2 * rng.normal(size=(4, 60))[labels]
    assert h_score(noise, labels) == pytest.approx(3)
    assert h_score(apart, labels) == pytest.approx(3)
    assert shrunken_h_score(noise, labels) < 1 < 2 < shrunken_h_score(apart, labels)


def test_scale_and_rotation_say_nothing():
    features, labels = waves(1)
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(6, 6)))[0]
    same = shrunken_h_score(7 * features @ turn, labels)
    assert same == pytest.approx(shrunken_h_score(features, labels), rel=1e-9)
