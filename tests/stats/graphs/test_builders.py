"""Graphs of labels, vectors, texts and points against loops over all pairs."""

import itertools
import math

import numpy as np
import pytest
from scipy.sparse import csr_array

from hf_apt.stats.graphs import graph as module
from hf_apt.stats.graphs.builders import (
    distances,
    label_graph,
    nearest_graph,
    radius_graph,
    text_graph,
)


def pairs(graph) -> set[tuple[int, int]]:
    return {(int(first), int(second)) for first, second in graph.links()}


def test_labels_link_what_has_the_same():
    labels = ["a", "b", "a", "c", "b", "a"]
    expected = {
        (first, second)
        for first, second in itertools.combinations(range(6), 2)
        if labels[first] == labels[second]
    }
    assert pairs(label_graph(labels)) == expected
    assert label_graph(labels).num_nodes == 6


def test_the_nearest_are_those_of_a_loop_from_either_side():
    vectors = np.random.default_rng(0).normal(size=(30, 4))
    expected = set()
    for node, row in enumerate(vectors):
        cosines = {
            other: sum(a * b for a, b in zip(row, each, strict=True)) / math.hypot(*each)
            for other, each in enumerate(vectors)
            if other != node
        }
        best = sorted(cosines, key=lambda other: (-cosines[other], other))[:3]
        near = [other for other in best if cosines[other] > 0]
        expected |= {(min(node, other), max(node, other)) for other in near}
    assert pairs(nearest_graph(vectors, 3)) == expected
    assert pairs(nearest_graph(csr_array(vectors), 3)) == expected
    assert pairs(nearest_graph(5 * vectors, 3)) == expected, "by cosine"


def test_a_vector_of_zeros_is_near_to_none():
    graph = nearest_graph(np.array([[1.0, 0], [1, 0.1], [0, 0], [1, 0.2]]), 2)
    assert graph.of(2).tolist() == []
    assert graph.of(0).tolist() == [1, 3]


def test_texts_are_linked_by_rare_words():
    texts = ["the cat sat", "the dog ran", "a cat lay the", "the dog barked", "the a sat on the"]
    graph = text_graph(texts, 1)
    assert graph.linked(np.array([1]), np.array([3]))
    assert not graph.linked(np.array([0, 1]), np.array([3, 2])).any()


def test_points_nearer_than_the_radius_are_linked():
    points = np.random.default_rng(0).random((40, 2))
    expected = {
        (first, second)
        for first, second in itertools.combinations(range(40), 2)
        if math.dist(points[first], points[second]) < 0.2
    }
    assert expected
    assert pairs(radius_graph(points, 0.2)) == expected
    assert distances(points, points)[3, 5] == pytest.approx(math.dist(points[3], points[5]))


def test_what_is_refused(monkeypatch):
    for num in (0, 4):
        with pytest.raises(ValueError, match=f"{num} nearest of 4 nodes: give .* from 1 to 3"):
            nearest_graph(np.eye(4), num)
    with pytest.raises(ValueError, match="the texts hold no word"):
        text_graph(["...", "!"], 1)
    monkeypatch.setattr(module, "_MOST_LINKS", 3)
    with pytest.raises(ValueError, match="a graph of 6 links"):
        label_graph([1, 1, 1, 1])
    with pytest.raises(ValueError, match="a graph of 6 links"):
        radius_graph(np.zeros((4, 2)), 1.0)
