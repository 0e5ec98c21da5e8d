"""Which linked and unlinked texts an objective reads in which step.

Group number g of a training is a pure function of (seed, g), as in
`hf_apt.training.representation.text_groups`.
"""
# N nodes, M texts of a group.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from hf_apt.stats.graphs.graph import Graph
from hf_apt.training.representation.text_groups import GroupOrder


@dataclass(frozen=True)
class PairGroup:
    """Texts that are compared with each other."""

    nodes: Int[np.ndarray, " m"]
    """Their numbers: different ones, but for pairs of dropout, where each is there twice."""

    linked: Bool[np.ndarray, "m m"]
    """Which of them are linked, or are the same text."""

    unlinked: Bool[np.ndarray, "m m"]
    """Which of them are two texts that are not linked."""


class PairGroups:
    """Groups of texts: anchors, a text linked to each, and one that is not.

    An epoch holds each text that has a linked and an unlinked one as anchor once at most; what is
    left over after whole groups is left out, other texts in each. A text drawn twice for a group
    is read once, so that no two texts of a group are the same.

    Args:
        graph: which texts are linked.
        num_anchors: anchors of a group.
        seed: the training's seed.

    Raises:
        ValueError: for fewer texts that can be anchors than a group needs.
    """

    def __init__(self, graph: Graph, *, num_anchors: int, seed: int):
        self.graph = graph
        """Which texts are linked."""
        self.seed = seed
        """Seed of all draws."""
        degrees = graph.degrees
        self.anchors = np.flatnonzero((degrees > 0) & (degrees < graph.num_nodes - 1))
        """The texts that have linked and unlinked ones."""
        _require_enough(
            len(self.anchors), num_anchors, f"of {graph.num_nodes} texts with links and without"
        )
        self._order = GroupOrder(len(self.anchors), num_anchors, seed)

    def group(self, number: int) -> PairGroup:
        """The texts of a group and what links them, by the graph, whatever they were drawn as."""
        anchors = self.anchors[self._order.numbers(number)]
        generator = np.random.default_rng([self.seed, 1, number])
        nodes = np.concatenate([anchors, self._linked_to(anchors, generator)])
        nodes = np.concatenate([nodes, self._unlinked_to(anchors, generator)])
        _, first = np.unique(nodes, return_index=True)
        nodes = nodes[np.sort(first)]
        linked = self.graph.linked(nodes[:, None], nodes[None])
        return PairGroup(nodes, linked, ~linked & ~np.eye(len(nodes), dtype=bool))

    def _linked_to(self, anchors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        places = generator.integers(0, self.graph.degrees[anchors])
        return self.graph.neighbours[self.graph.starts[anchors] + places]

    def _unlinked_to(self, anchors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """One for each anchor, drawn among all that are neither linked to it nor itself.

        The k-th of them is k plus the nodes before it that are left out.
        """
        nodes: list[int] = []
        for anchor in anchors:
            left_out = np.sort(np.append(self.graph.of(anchor), anchor))
            place = int(generator.integers(self.graph.num_nodes - len(left_out)))
            nodes.append(
                place + int(np.searchsorted(left_out - np.arange(len(left_out)), place, "right"))
            )
        return np.array(nodes, np.int64)


class DropoutPairs:
    """Groups of texts that are there twice, to be told apart from others: pairs of dropout.

    Gao, Yao and Chen 2021, "SimCSE", arXiv 2104.08821: the control that needs no graph.

    Args:
        num_texts: how many texts there are.
        group_size: different texts of a group.
        seed: the training's seed.

    Raises:
        ValueError: for fewer texts than a group needs.
    """

    def __init__(self, num_texts: int, *, group_size: int, seed: int):
        _require_enough(num_texts, group_size, "texts")
        self._order = GroupOrder(num_texts, group_size, seed)

    def group(self, number: int) -> PairGroup:
        """The texts of a group, each twice, linked to itself and to no other."""
        texts = self._order.numbers(number)
        nodes = np.concatenate([texts, texts])
        same = nodes[:, None] == nodes[None]
        return PairGroup(nodes, same & ~np.eye(len(nodes), dtype=bool), ~same)


def _require_enough(num: int, wanted: int, what: str) -> None:
    if num < wanted:
        raise ValueError(
            f"there are {num} {what}, fewer than the {wanted} of a group: name more texts, or give "
            "fewer anchors (num_anchors)."
        )
