"""An undirected graph of numbered nodes."""
# N nodes, L links.

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Int

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_MOST_LINKS = 100_000_000
"""More would take gigabytes; it is almost always a graph of all pairs."""


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes 0 to N - 1 and undirected links between different ones; made by `graph_of_links`.

    The neighbours of node i are `neighbours[starts[i] : starts[i + 1]]`, in ascending order. Each
    link is there from both sides.
    """

    starts: Int[np.ndarray, " nodes_and_one"] = field(repr=False)
    """Where the neighbours of each node start in `neighbours`, and where the last one's end."""

    neighbours: Int[np.ndarray, " two_links"] = field(repr=False)
    """The neighbours of all nodes, one node after the other."""

    @property
    def num_nodes(self) -> int:
        """Number of nodes, with those that have no link."""
        return len(self.starts) - 1

    @property
    def num_links(self) -> int:
        """Number of links, each counted once."""
        return len(self.neighbours) // 2

    @property
    def degrees(self) -> Int[np.ndarray, " n"]:
        """How many neighbours each node has."""
        return np.diff(self.starts)

    def of(self, node: int) -> Int[np.ndarray, " neighbours"]:
        """The neighbours of one node.

        Args:
            node: its number.

        Returns:
            Their numbers, in ascending order.
        """
        return self.neighbours[self.starts[node] : self.starts[node + 1]]

    def links(self) -> Int[np.ndarray, "links 2"]:
        """All links.

        Returns:
            Each once, as (smaller, larger) node, in ascending order (L, 2).
        """
        nodes_L = np.repeat(np.arange(self.num_nodes), self.degrees)
        is_first_L = nodes_L < self.neighbours
        return np.stack([nodes_L[is_first_L], self.neighbours[is_first_L]], axis=1)

    def linked(
        self, first: Int[np.ndarray, "*shape"], second: Int[np.ndarray, "*shape"]
    ) -> Bool[np.ndarray, "*shape"]:
        """Whether nodes are linked, for pairs of them.

        Args:
            first: node numbers.
            second: other node numbers; the shapes are broadcast.

        Returns:
            A truth value for each pair; no node is linked to itself.
        """
        wanted = np.asarray(first) * self.num_nodes + np.asarray(second)
        if not len(self._keys):
            return np.zeros(np.shape(wanted), bool)
        places = np.searchsorted(self._keys, wanted).clip(max=len(self._keys) - 1)
        return self._keys[places] == wanted

    def within(self, radius: int) -> Graph:
        """The graph that links all nodes of which one is reached from the other in some steps.

        Args:
            radius: the most steps.

        Returns:
            A graph of the same nodes; with a radius of 1 this one again.

        Raises:
            ValueError: for a radius below 1, and for more than 100 million links.
        """
        if radius < 1:
            raise ValueError(f"a radius of {radius} steps: give a whole number of at least 1.")
        reached = step = self.matrix().astype(np.int64)  # of which 256 paths are not none
        for _ in range(radius - 1):
            reached = reached @ step + reached
            reached.data[:] = 1
            require_size(reached.nnz // 2)
        links = np.stack(reached.nonzero(), axis=1)
        return graph_of_links(self.num_nodes, links[links[:, 0] < links[:, 1]])

    def matrix(self) -> csr_array:
        """The adjacency matrix.

        Returns:
            A sparse matrix (N, N) that is 1 where nodes are linked.
        """
        from scipy.sparse import csr_array

        ones = np.ones(len(self.neighbours), np.int8)
        return csr_array((ones, self.neighbours, self.starts), shape=(self.num_nodes,) * 2)

    def fingerprint(self) -> str:
        """What tells graphs apart.

        Returns:
            A string of 64 characters, another one for another graph.
        """
        digest = hashlib.sha256(self.starts.tobytes())
        digest.update(self.neighbours.tobytes())
        return digest.hexdigest()

    @cached_property
    def _keys(self) -> np.ndarray:
        nodes_L = np.repeat(np.arange(self.num_nodes), self.degrees)
        return nodes_L * self.num_nodes + self.neighbours


def graph_of_links(num_nodes: int, links: Any) -> Graph:
    """The graph of `links`, pairs of nodes in any order and any number of times.

    Args:
        num_nodes: how many nodes there are.
        links: pairs of node numbers (L, 2), from 0. A pair of a node with itself is left out.

    Returns:
        The graph, the same for links in another order, direction and number.

    Raises:
        ValueError: for what are no pairs of whole numbers, and for a node that there is not.
    """
    links_L2 = np.asarray(links)
    if not links_L2.size:
        links_L2 = np.zeros((0, 2), np.int64)
    if links_L2.ndim != 2 or links_L2.shape[1] != 2 or links_L2.dtype.kind not in "iu":
        raise ValueError(
            f"links of shape {links_L2.shape} and type {links_L2.dtype} are no pairs of nodes: "
            "give rows of two whole numbers."
        )
    links_L2 = links_L2.astype(np.int64)
    outside = links_L2[(links_L2 < 0) | (links_L2 >= num_nodes)]
    if outside.size:
        raise ValueError(
            f"a link names node {outside[0]}, and there are {num_nodes}: count nodes from 0 to "
            f"{num_nodes - 1}."
        )
    links_L2 = links_L2[links_L2[:, 0] != links_L2[:, 1]]
    require_size(len(links_L2))
    both = np.concatenate([links_L2, links_L2[:, ::-1]])
    keys = np.unique(both[:, 0] * num_nodes + both[:, 1])
    nodes, neighbours = np.divmod(keys, max(num_nodes, 1))
    starts = np.searchsorted(nodes, np.arange(num_nodes + 1))
    return Graph(starts.astype(np.int64), neighbours)


def require_size(num_links: int) -> None:
    """Raise ValueError for more links than are kept."""
    if num_links > _MOST_LINKS:
        raise ValueError(
            f"a graph of {num_links:,} links, and at most {_MOST_LINKS:,} are kept: take fewer "
            "texts, a smaller radius, or fewer neighbours of each."
        )
