"""A stream of vectors is what was given, in any batches, and its figures are those of the parts."""

import numpy as np
import pytest

from hf_apt.stats.graphs.builders import radius_graph
from hf_apt.stats.graphs.ranking import neighbour_ranks
from hf_apt.stats.graphs.votes import graph_votes, local_consistency, nearest_votes
from hf_apt.stats.metric_modules.graph_scores import graph_scores
from hf_apt.stats.metric_modules.vector_stream import VectorStream


@pytest.fixture
def plane():
    points = np.random.default_rng(0).random((50, 2))
    return points, (points[:, 0] * 3).astype(int)


def test_batches_and_single_vectors_are_one_stream(plane):
    points, labels = plane
    whole = VectorStream().update(points, labels)
    parts = VectorStream().update(points[:20], labels[:20]).update(points[20], labels[20])
    parts.merge(VectorStream().update(points[21:], labels[21:]))
    assert len(parts) == len(whole) == 50
    for one, other in zip(parts.columns(), whole.columns(), strict=True):
        assert np.array_equal(one, other)
    with pytest.raises(
        ValueError, match="predictions are 3 wide, and those before 2: give vectors"
    ):
        whole.update(np.ones((1, 3)), [0])
    assert len(whole) == 50


def test_the_figures_are_those_of_the_functions(plane):
    points, labels = plane
    graph = radius_graph(points, 0.2)
    scores = graph_scores(VectorStream().update(points, labels), links=graph.links().tolist())
    assert scores["knn_accuracy"] == np.mean(nearest_votes(points, labels) == labels)
    assert scores["graph_vote_accuracy"] == np.mean(graph_votes(graph, labels) == labels)
    assert scores["local_consistency"] == local_consistency(graph, labels).value
    ranks = neighbour_ranks(graph, points)
    assert scores["link_auc"] == ranks.link_auc.value == 1.0
    assert scores["reciprocal_rank"] == ranks.reciprocal_rank.value
    assert scores["hits_at_10_standard_error"] == ranks.hits[10].standard_error
    alone = graph_scores(VectorStream().update(points, labels), num_neighbours=5)
    assert set(alone) == {"num_texts", "knn_accuracy", "knn_accuracy_standard_error"}


def test_local_consistency_is_that_within_the_radius():
    """On the path 0-1-2-3 of labels 0, 0, 1, 0, by hand.

    Neighbours: (1/1 + 1/2 + 0/2 + 0/1) / 4. Within two links: (1/2 + 2/3 + 0/3 + 1/2) / 4. Within
    three all others: three times 2/3, and 0.
    """
    stream = VectorStream().update(np.eye(4), [0, 0, 1, 0])
    links = [(0, 1), (1, 2), (2, 3)]
    by_radius = [graph_scores(stream, links=links, radius=radius) for radius in (1, 2, 3)]
    found = [scores["local_consistency"] for scores in by_radius]
    assert found == pytest.approx([3 / 8, 5 / 12, 1 / 2])
    assert graph_scores(stream, links=links) == by_radius[0]
    others = [
        {name: value for name, value in scores.items() if "consistency" not in name}
        for scores in by_radius
    ]
    assert others[0] == others[1] == others[2]
    with pytest.raises(ValueError, match="radius must be .* at least 1, got 0"):
        graph_scores(stream, links=links, radius=0)
