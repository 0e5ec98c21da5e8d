"""The texts and the graph of an objective on links, by their names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hf_apt.data.graphs.link_table import LinkedTexts, linked_texts
from hf_apt.data.tasks.task import open_task
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.stats.graphs.builders import label_graph, text_graph
from hf_apt.stats.graphs.graph import graph_of_links
from hf_apt.stats.graphs.rewiring import rewired
from hf_apt.training.representation.text_source import TASK, own_texts

GraphKind = Literal["links", "labels", "nearest", "dropout"]
"""What links two texts."""


@dataclass(frozen=True, kw_only=True)
class GraphSource:
    """Which texts are linked by what."""

    kind: GraphKind
    """A table, equal labels, nearness by rare words; or nothing but two draws of dropout."""

    texts: str
    """The texts: a table beside `links`, `task:NAME`, or a corpus; empty where `links` has them."""

    links: str
    """A table of links; empty for other kinds."""

    column: str
    """The column of the texts."""

    num_neighbours: int
    """How many of the nearest each text is linked to."""

    is_rewired: bool
    """Whether links are exchanged at random."""

    seed: int
    """Of the exchange."""

    def read(self) -> LinkedTexts:
        """The texts and their graph, which has no link where dropout alone makes the pairs.

        Raises ValueError for what cannot be read, and for a graph that cannot be made.
        """
        found = self._as_it_is()
        if self.is_rewired:
            return LinkedTexts(found.texts, rewired(found.graph, seed=self.seed))
        return found

    def _as_it_is(self) -> LinkedTexts:
        if self.kind == "links":
            return linked_texts(self.links, self.texts or None, text_column=self.column or "text")
        if self.kind == "labels":
            config = TaskConfig(name=self.texts.removeprefix(TASK), text_column=self.column or None)
            examples = open_task(config).train
            return LinkedTexts(list(examples.texts), label_graph(examples.labels))
        texts = own_texts(self.texts, column=self.column or None)
        if self.kind == "nearest":
            return LinkedTexts(texts, text_graph(texts, self.num_neighbours))
        return LinkedTexts(texts, graph_of_links(len(texts), []))
