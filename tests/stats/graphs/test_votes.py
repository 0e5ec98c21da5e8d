"""Votes on a graph and in space: known answers, slow loops, and that they are one where they must.

Where the radius graph of vectors is the graph, both votes are the same, node by node.
"""

from collections import Counter

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from hf_apt.stats.graphs.builders import label_graph, radius_graph
from hf_apt.stats.graphs.graph import graph_of_links
from hf_apt.stats.graphs.votes import (
    NO_VOTE,
    graph_votes,
    local_consistency,
    nearest_votes,
    radius_votes,
    share_right,
)


@pytest.fixture
def plane():
    """Points, their labels, and the graph of those nearer than 0.15."""
    generator = np.random.default_rng(0)
    points = generator.random((120, 2))
    labels = (points[:, 0] * 3).astype(int) + (generator.random(120) < 0.2)
    return points, labels, radius_graph(points, 0.15)


def test_complete_graphs_of_classes_are_consistent_and_bipartite_ones_are_not():
    labels = np.repeat([0, 1, 2], 4)
    assert local_consistency(label_graph(labels), labels).value == 1.0
    sides = np.repeat([0, 1], 3)
    bipartite = graph_of_links(6, [(a, b) for a in range(3) for b in range(3, 6)])
    assert local_consistency(bipartite, sides).value == 0.0
    assert local_consistency(bipartite, sides, radius=2).value == pytest.approx(2 / 5)
    assert share_right(graph_votes(bipartite, sides), sides).value == 0.0


@pytest.mark.parametrize("radius", [1, 2])
def test_consistency_and_votes_are_those_of_a_loop(plane, radius):
    _, labels, graph = plane
    shares, votes = [], []
    for node in range(120):
        near = set(graph.of(node).tolist())
        if radius == 2:
            near |= {far for each in near for far in graph.of(each).tolist()}
        near -= {node}
        if near:
            shares.append(np.mean([labels[each] == labels[node] for each in near]))
        counts = Counter(int(labels[each]) for each in near)
        most = max(counts.values(), default=0)
        votes.append(min((c for c in counts if counts[c] == most), default=NO_VOTE))
    found = local_consistency(graph, labels, radius=radius)
    assert found.value == pytest.approx(np.mean(shares))
    assert found.standard_error == pytest.approx(np.std(shares, ddof=1) / len(shares) ** 0.5)
    assert found.num == len(shares)
    reached = graph if radius == 1 else graph.within(2)
    assert graph_votes(reached, labels).tolist() == votes


def test_vectors_that_reproduce_the_graph_vote_as_the_graph_does(plane):
    """The points themselves, and any turn and shift of them in more directions."""
    points, labels, graph = plane
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(5, 5)))[0][:2]
    vectors = 7 * points @ turn + 3
    assert radius_graph(vectors, 7 * 0.15).fingerprint() == graph.fingerprint()
    votes = radius_votes(vectors, labels, 7 * 0.15)
    assert votes.tolist() == graph_votes(graph, labels).tolist()
    assert len(set(votes.tolist())) > 2


def test_a_node_without_neighbours_has_no_vote_and_is_not_right():
    graph = graph_of_links(3, [(0, 1)])
    assert graph_votes(graph, [1, 0, 0]).tolist() == [0, 1, NO_VOTE]
    assert share_right(graph_votes(graph, [1, 1, 0]), [1, 1, 0]).value == pytest.approx(2 / 3)
    nothing = local_consistency(graph_of_links(3, []), [0, 0, 0])
    assert np.isnan(nothing.value)
    assert nothing.num == 0


@pytest.mark.parametrize("num_neighbours", [1, 3, 5])
def test_the_nearest_vote_as_scikit_learn_has_it(plane, num_neighbours):
    points, labels, _ = plane
    fitted = KNeighborsClassifier(num_neighbours, weights="distance")
    asked = np.random.default_rng(1).random((50, 2))
    expected = fitted.fit(points, labels).predict(asked)
    assert nearest_votes(points, labels, num_neighbours, asked=asked).tolist() == expected.tolist()
    for node, vote in enumerate(nearest_votes(points, labels, num_neighbours)[:30]):
        others = np.arange(120) != node
        fitted.fit(points[others], labels[others])
        assert vote == fitted.predict(points[node : node + 1])[0], "its own vote does not count"


def test_a_vector_at_the_same_place_outvotes_all_others():
    vectors = np.array([[0.0], [0.0], [0.1], [0.1]])
    assert nearest_votes(vectors, [0, 1, 0, 0], 3).tolist() == [1, 0, 0, 0]


def test_what_is_refused():
    graph = graph_of_links(3, [(0, 1)])
    with pytest.raises(ValueError, match=r"labels of shape \(2,\) came with 3 nodes"):
        graph_votes(graph, [0, 1])
    with pytest.raises(ValueError, match="from -1: give whole numbers from 0"):
        local_consistency(graph, [0, -1, 1])
    with pytest.raises(ValueError, match="labels of type float64"):
        local_consistency(graph, [0, 0.5, 1])
    with pytest.raises(ValueError, match="3 nearest of 3 vectors: give a whole number from 1 to 2"):
        nearest_votes(np.eye(3), [0, 1, 2], 3)
