"""Each text stands once in front, and what follows it is linked to it."""

import pytest

from hf_apt.data.graphs.linked_contexts import linked_contexts
from hf_apt.stats.graphs.graph import graph_of_links

TEXTS = ["a", "b", "c", "d"]
GRAPH = graph_of_links(4, [(0, 1), (0, 2)])


def test_a_text_is_followed_by_one_that_it_is_linked_to():
    seen = set()
    for seed in range(20):
        contexts = list(linked_contexts(TEXTS, GRAPH, separator=" [SEP] ", seed=seed))
        assert contexts[1:] == ["b [SEP] a", "c [SEP] a", "d"]
        assert contexts == list(linked_contexts(TEXTS, GRAPH, separator=" [SEP] ", seed=seed))
        seen.add(contexts[0])
    assert seen == {"a [SEP] b", "a [SEP] c"}


def test_another_number_of_texts_is_refused():
    with pytest.raises(ValueError, match="3 texts came with a graph of 4 nodes: give one for each"):
        list(linked_contexts(TEXTS[:3], GRAPH))
