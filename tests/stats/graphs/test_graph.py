"""Laws of a graph: undirected, without loops, the same for links in any order, steps counted."""

import numpy as np
import pytest

from hf_apt.stats.graphs import graph as module
from hf_apt.stats.graphs.graph import graph_of_links

LINKS = [(0, 1), (1, 2), (2, 3), (5, 1)]


def sets(graph) -> list[set[int]]:
    return [set(graph.of(node).tolist()) for node in range(graph.num_nodes)]


def test_links_are_there_from_both_sides_once_and_never_of_a_node_with_itself():
    graph = graph_of_links(6, [*LINKS, (1, 0), (0, 1), (4, 4)])
    assert sets(graph) == [{1}, {0, 2, 5}, {1, 3}, {2}, set(), {1}]
    assert (graph.num_nodes, graph.num_links) == (6, 4)
    assert graph.degrees.tolist() == [1, 3, 2, 1, 0, 1]
    assert graph.links().tolist() == sorted([min(each), max(each)] for each in LINKS)
    assert all(graph.of(node).tolist() == sorted(graph.of(node)) for node in range(6))


def test_order_and_direction_of_links_change_nothing():
    graph = graph_of_links(6, LINKS)
    again = graph_of_links(6, [(second, first) for first, second in reversed(LINKS)])
    assert graph.fingerprint() == again.fingerprint()
    assert graph.fingerprint() != graph_of_links(6, LINKS[1:]).fingerprint()
    assert graph.fingerprint() != graph_of_links(7, LINKS).fingerprint()


def test_linked_is_a_look_up_of_pairs():
    generator = np.random.default_rng(0)
    links = generator.integers(0, 20, (40, 2))
    graph = graph_of_links(20, links)
    known = {frozenset(map(int, each)) for each in links if each[0] != each[1]}
    nodes = np.arange(20)
    expected = [[frozenset((a, b)) in known and a != b for b in range(20)] for a in range(20)]
    assert graph.linked(nodes[:, None], nodes[None]).tolist() == expected
    assert (graph.matrix().toarray() == np.array(expected)).all()
    assert not graph_of_links(3, []).linked(np.array([0]), np.array([1])).any()


@pytest.mark.parametrize("radius", [1, 2, 3, 4])
def test_steps_are_those_of_a_search_node_by_node(radius):
    graph = graph_of_links(12, np.random.default_rng(1).integers(0, 12, (12, 2)))
    known = sets(graph)
    for node in range(12):
        reached = {node}
        for _ in range(radius):
            reached |= {other for each in reached for other in known[each]}
        assert set(graph.within(radius).of(node).tolist()) == reached - {node}


def test_two_nodes_that_many_paths_join_are_reached():
    """Of 257 nodes, all linked, two are joined by 256 ways of at most two steps."""
    num = 257
    whole = graph_of_links(num, np.stack(np.triu_indices(num, 1), axis=1))
    assert whole.within(2).fingerprint() == whole.fingerprint()


def test_what_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="a link names node 6, and there are 6: count nodes from"):
        graph_of_links(6, [(0, 6)])
    with pytest.raises(ValueError, match="a link names node -1"):
        graph_of_links(6, [(0, -1)])
    with pytest.raises(ValueError, match=r"links of shape \(1, 3\) .* are no pairs of nodes"):
        graph_of_links(6, [(0, 1, 2)])
    with pytest.raises(ValueError, match="type float64 are no pairs"):
        graph_of_links(6, [(0.5, 1)])
    with pytest.raises(ValueError, match="a radius of 0 steps: give"):
        graph_of_links(6, LINKS).within(0)
    monkeypatch.setattr(module, "_MOST_LINKS", 3)
    with pytest.raises(ValueError, match="a graph of 4 links, and at most 3 are kept: take fewer"):
        graph_of_links(6, LINKS)
