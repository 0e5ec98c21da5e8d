"""The texts and the graph of an objective on links, by their names."""

from __future__ import annotations

from typing import Any

from hf_apt.data.graphs.link_table import LinkedTexts, linked_texts
from hf_apt.data.tasks.named_task import named_task
from hf_apt.data.tasks.task import open_task
from hf_apt.stats.graphs.builders import label_graph, text_graph
from hf_apt.stats.graphs.graph import graph_of_links
from hf_apt.stats.graphs.rewiring import rewired
from hf_apt.training.representation.text_source import own_texts


def linked_texts_of(config: Any, *, seed: int) -> LinkedTexts:
    """The texts of `GraphPairs` and their graph, without links where dropout makes the pairs.

    Args:
        config: the settings of `GraphPairs`.
        seed: seed of the exchange of links at random.

    Returns:
        The texts, and which of them are linked.

    Raises:
        ValueError: for what cannot be read, and for a graph that cannot be made.
    """
    found = _as_it_is(config)
    if config.rewire:
        return LinkedTexts(found.texts, rewired(found.graph, seed=seed))
    return found


def _as_it_is(config: Any) -> LinkedTexts:
    if config.graph == "links":
        return linked_texts(config.links, config.texts or None, text_column=config.column or "text")
    if config.graph == "labels":
        examples = open_task(named_task(config.texts, column=config.column or None)).train
        return LinkedTexts(list(examples.texts), label_graph(examples.labels))
    texts = own_texts(config.texts, column=config.column or None)
    if config.graph == "nearest":
        return LinkedTexts(texts, text_graph(texts, config.num_neighbours))
    return LinkedTexts(texts, graph_of_links(len(texts), []))
