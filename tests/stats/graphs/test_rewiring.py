"""A rewired graph has the degrees of the graph and little else of it."""

import itertools

import numpy as np
import pytest

from hf_apt.stats.graphs.builders import label_graph, radius_graph
from hf_apt.stats.graphs.graph import graph_of_links
from hf_apt.stats.graphs.rewiring import rewired
from hf_apt.stats.graphs.votes import local_consistency


def test_degrees_stay_and_links_go():
    graph = radius_graph(np.random.default_rng(0).random((150, 2)), 0.15)
    other = rewired(graph, seed=1)
    assert other.degrees.tolist() == graph.degrees.tolist()
    kept = {tuple(each) for each in graph.links().tolist()}
    left = [each for each in other.links().tolist() if tuple(each) in kept]
    assert len(left) < 0.15 * graph.num_links
    assert all(first != second for first, second in other.links())


def test_what_links_said_is_gone():
    """By chance, neighbours of the four classes agree as often as any two nodes do."""
    labels = np.repeat(np.arange(4), 25)
    graph = label_graph(labels)
    assert local_consistency(graph, labels).value == 1.0
    assert local_consistency(rewired(graph), labels).value == pytest.approx(24 / 99, abs=0.05)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5])
def test_a_share_of_the_links_is_exchanged(share):
    """Of 100 nodes in classes of 25 the kept links join a class, of the others 24 in 99 do."""
    labels = np.repeat(np.arange(4), 25)
    graph = label_graph(labels)
    other = rewired(graph, share=share)
    assert other.degrees.tolist() == graph.degrees.tolist()
    expected = 1 - share + share * 24 / 99
    assert local_consistency(other, labels).value == pytest.approx(expected, abs=0.05)
    with pytest.raises(ValueError, match=r"a share of 1.5 of the links cannot be exchanged"):
        rewired(graph, share=1.5)
    with pytest.raises(ValueError, match="swaps_per_link is 0, and nothing would be exchanged"):
        rewired(graph, swaps_per_link=0)


def test_all_graphs_of_these_degrees_come_about_equally_often():
    """A ring of five has twelve forms, and a chain of exchanges visits each alike."""
    ring = graph_of_links(5, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0)])
    rings = {
        frozenset(frozenset((order[at], order[(at + 1) % 5])) for at in range(5))
        for order in itertools.permutations(range(5))
    }
    assert len(rings) == 12
    counts = dict.fromkeys(rings, 0)
    for seed in range(600):
        links = rewired(ring, seed=seed).links().tolist()
        counts[frozenset(frozenset(each) for each in links)] += 1
    assert min(counts.values()) > 20  # 50 on average, with a standard deviation of 7
    assert max(counts.values()) < 90


def test_the_seed_decides():
    graph = radius_graph(np.random.default_rng(0).random((60, 2)), 0.2)
    assert rewired(graph, seed=3).fingerprint() == rewired(graph, seed=3).fingerprint()
    assert rewired(graph, seed=3).fingerprint() != rewired(graph, seed=4).fingerprint()


@pytest.mark.parametrize("links", [[], [(0, 1)], [(0, 1), (1, 2), (0, 2)]])
def test_a_graph_without_another_of_its_degrees_is_refused(links):
    with pytest.raises(ValueError, match="links can be exchanged: a random graph of these degrees"):
        rewired(graph_of_links(3, links))


@pytest.mark.parametrize(("share", "num"), [(0.0005, 0), (0.02, 1)])
def test_a_share_too_small_for_an_exchange_is_named_and_nothing_said_of_the_graph(share, num):
    """A ring has many others of its degrees, which a larger share finds."""
    ring = graph_of_links(50, [(at, (at + 1) % 50) for at in range(50)])
    with pytest.raises(ValueError, match="a larger share") as refused:
        rewired(ring, share=share)
    assert f"a share of {share} is {num} of the graph's 50 links" in str(refused.value)
    assert "the graph itself" not in str(refused.value)
    assert rewired(ring, share=0.2).fingerprint() != ring.fingerprint()
