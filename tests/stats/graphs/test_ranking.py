"""Ranks of neighbours against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.metrics import label_ranking_average_precision_score, roc_auc_score

from hf_apt.stats.graphs.builders import radius_graph
from hf_apt.stats.graphs.graph import graph_of_links
from hf_apt.stats.graphs.ranking import neighbour_ranks, ranks_of_node


@pytest.mark.parametrize("decimals", [8, 0])
def test_they_are_those_of_scikit_learn(decimals):
    """Also with many ties, where coordinates are whole numbers."""
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(40, 3)).round(decimals)
    graph = graph_of_links(40, generator.integers(0, 40, (90, 2)))
    distances = np.linalg.norm(vectors[:, None] - vectors[None], axis=-1)
    linked = graph.matrix().toarray().astype(bool)
    rows = [
        (-np.delete(distances[node], node), np.delete(linked[node], node))
        for node in range(40)
        if graph.degrees[node]
    ]
    scores, truth = (np.array(each) for each in zip(*rows, strict=True))
    found = neighbour_ranks(graph, vectors, hits_at=(1, 3))
    assert found.precision.value == pytest.approx(
        label_ranking_average_precision_score(truth, scores)
    )
    aucs = [roc_auc_score(is_linked, score) for score, is_linked in zip(scores, truth, strict=True)]
    assert found.link_auc.value == pytest.approx(np.mean(aucs))
    assert found.link_auc.num == len(rows)
    places = np.array(
        [
            min(int((score >= each).sum()) for each in score[is_linked])
            for score, is_linked in zip(scores, truth, strict=True)
        ]
    )
    assert found.reciprocal_rank.value == pytest.approx((1 / places).mean())
    for most, hits in found.hits.items():
        assert hits.value == pytest.approx((places <= most).mean())


def test_by_hand():
    """Neighbours at distances 2 and 4 among 1, 2, 3, 4."""
    auc, precision, place = ranks_of_node(
        np.array([1.0, 2, 3, 4]), np.array([False, True, False, True])
    )
    assert auc == 1 / 4
    assert precision == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert place == 2


def test_a_graph_of_the_vectors_themselves_is_found_and_equal_vectors_find_nothing():
    points = np.random.default_rng(0).random((60, 2))
    graph = radius_graph(points, 0.2)
    found = neighbour_ranks(graph, points)
    assert found.link_auc.value == found.precision.value == found.hits[1].value == 1.0
    nothing = neighbour_ranks(graph, np.zeros((60, 2)))
    assert nothing.link_auc.value == 0.5
    assert nothing.reciprocal_rank.value == pytest.approx(1 / 59)


def test_nodes_without_a_link_and_without_another_do_not_count():
    star = graph_of_links(4, [(0, 1), (0, 2), (0, 3)])
    assert neighbour_ranks(star, np.eye(4)).link_auc.num == 3
    with pytest.raises(ValueError, match=r"vectors of shape \(3, 3\) came with 4 nodes"):
        neighbour_ranks(star, np.eye(3))
