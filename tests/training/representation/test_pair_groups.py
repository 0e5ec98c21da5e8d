"""Groups of linked texts: by the graph, distinct, a function of seed and number alone."""

import numpy as np
import pytest

from hf_apt.stats.graphs.builders import radius_graph
from hf_apt.stats.graphs.graph import graph_of_links
from hf_apt.training.representation.pair_groups import DropoutPairs, PairGroups


@pytest.fixture
def graph():
    return radius_graph(np.random.default_rng(0).random((50, 2)), 0.2)


def test_links_are_those_of_the_graph_and_a_text_is_there_once(graph):
    groups = PairGroups(graph, num_anchors=7, seed=3)
    known = graph.matrix().toarray().astype(bool)
    for number in range(20):
        group = groups.group(number)
        assert len(set(group.nodes.tolist())) == len(group.nodes) <= 21
        assert (group.linked == known[np.ix_(group.nodes, group.nodes)]).all()
        others = ~group.linked & ~np.eye(len(group.nodes), dtype=bool)
        assert (group.unlinked == others).all()
        assert group.linked[:7].any(axis=1).all(), "each anchor has one that it is linked to"
        assert group.unlinked[:7].any(axis=1).all()


def test_an_epoch_holds_each_anchor_once_at_most(graph):
    groups = PairGroups(graph, num_anchors=7, seed=3)
    per_epoch = len(groups.anchors) // 7
    epochs = [
        np.concatenate([groups.group(epoch * per_epoch + at).nodes[:7] for at in range(per_epoch)])
        for epoch in range(5)
    ]
    assert all(len(set(each.tolist())) == 7 * per_epoch for each in epochs)
    assert len({tuple(each) for each in epochs}) == 5
    assert set(np.concatenate(epochs).tolist()) == set(np.flatnonzero(graph.degrees).tolist())


def test_a_group_is_a_function_of_seed_and_number_alone(graph):
    def nodes(groups, number: int) -> list[int]:
        return groups.group(number).nodes.tolist()

    first, again = (PairGroups(graph, num_anchors=7, seed=3) for _ in range(2))
    later = [nodes(first, number) for number in range(20)]
    assert all(nodes(again, number) == later[number] for number in (19, 0, 7, 3))
    other = PairGroups(graph, num_anchors=7, seed=4)
    assert [nodes(other, number) for number in range(20)] != later
    other._order = first._order  # of the same anchors, other partners
    assert [nodes(other, number)[:7] for number in range(20)] == [each[:7] for each in later]
    assert [nodes(other, number) for number in range(20)] != later


def test_partners_are_drawn_alike_among_all_that_can_be():
    """Node 0 is linked to 1 and 4 of seven."""
    graph = graph_of_links(7, [(0, 1), (0, 4)])
    groups = PairGroups(graph, num_anchors=1, seed=0)
    generator = np.random.default_rng(0)
    anchors = np.zeros(6000, np.int64)
    linked = np.bincount(groups._linked_to(anchors, generator), minlength=7)
    unlinked = np.bincount(groups._unlinked_to(anchors, generator), minlength=7)
    assert set(np.flatnonzero(linked).tolist()) == {1, 4}
    assert set(np.flatnonzero(unlinked).tolist()) == {2, 3, 5, 6}
    assert abs(linked[[1, 4]] - 3000).max() < 200
    assert abs(unlinked[[2, 3, 5, 6]] - 1500).max() < 200


def test_a_text_linked_to_all_others_or_none_is_no_anchor():
    star = graph_of_links(5, [(0, 1), (0, 2), (0, 3), (1, 2)])
    assert PairGroups(star, num_anchors=1, seed=0).anchors.tolist() == [0, 1, 2, 3]
    star = graph_of_links(4, [(0, 1), (0, 2), (0, 3)])
    assert PairGroups(star, num_anchors=1, seed=0).anchors.tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match="there are 3 of 4 texts with links and without"):
        PairGroups(star, num_anchors=4, seed=0)


def test_pairs_of_dropout_are_a_text_twice_and_no_other():
    groups = DropoutPairs(10, group_size=4, seed=0)
    seen = set()
    for number in range(6):
        group = groups.group(number)
        first, second = group.nodes.reshape(2, 4).tolist()
        assert first == second
        assert len(set(first)) == 4
        seen.add(tuple(first))
        for row in range(8):
            assert np.flatnonzero(group.linked[row]).tolist() == [(row + 4) % 8]
            assert not group.unlinked[row][[row, (row + 4) % 8]].any()
            assert group.unlinked[row].sum() == 6
    assert len(seen) == 6
    with pytest.raises(
        ValueError, match="there are 10 texts, fewer than the 11 of a group: name m"
    ):
        DropoutPairs(10, group_size=11, seed=0)
