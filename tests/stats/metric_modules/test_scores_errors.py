"""Every mean and every share of a metric has its standard error."""

import numpy as np
import pytest

from hf_apt.stats.metric_modules.scores import token_clusters_scores
from hf_apt.stats.metric_modules.streams import PairStream


def stream(references, predictions) -> PairStream:
    return PairStream().update(np.array(predictions), np.array(references))


def test_means_and_shares_of_clusters_have_their_errors():
    # 1 and 2 are taken for one another, 3 has noise, 4 neither.
    references = [1] * 4 + [2] * 4 + [3] * 4 + [4] * 2
    predictions = [1, 1, 1, 2] + [2, 2, 2, 1] + [3, 3, 3, 9] + [4, 4]
    scores = token_clusters_scores(stream(references, predictions), threshold=0.3)
    assert scores["share_with_strong_match"] == 0.5
    assert scores["share_with_strong_match_standard_error"] == pytest.approx(0.25)
    noise = [0, 0, 0, 0] if scores["noise_mass"] == 0 else [0, 0, 0.25, 0]
    assert scores["noise_mass_standard_error"] == pytest.approx(np.std(noise, ddof=1) / 2)
    assert scores["mean_size_standard_error"] is None  # one cluster
