"""Whether linked nodes lie near each other: the area under the curve, and ranks of neighbours."""
# N nodes, E numbers of a vector.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from hf_apt.stats.estimates import Estimate, mean_estimate
from hf_apt.stats.graphs.builders import distances
from hf_apt.stats.graphs.graph import Graph


@dataclass(frozen=True)
class NeighbourRanks:
    """How near to each node its neighbours lie, means over the nodes that have some and not all."""

    link_auc: Estimate
    """Probability that a neighbour of a node lies nearer to it than a node that is none, ties half:
    1 where all links are told by distance, 0.5 by chance."""

    precision: Estimate
    """Label-ranking average precision (Schapire and Singer 2000): for each neighbour, the share of
    neighbours among all that lie as near or nearer, in (0, 1]."""

    reciprocal_rank: Estimate
    """1 / the place of the nearest neighbour among all others, in (0, 1]."""

    hits: dict[int, Estimate]
    """Whether a neighbour is among that many nearest."""


def neighbour_ranks(
    graph: Graph, vectors: Float[np.ndarray, "n e"], *, hits_at: tuple[int, ...] = (1, 10)
) -> NeighbourRanks:
    """How near to each node its neighbours lie.

    Args:
        graph: the graph.
        vectors: a row of numbers for each node (N, E); Euclidean distances are taken.
        hits_at: numbers of nearest among which a neighbour may be.

    Returns:
        The figures, each with its standard error over nodes. A node that ties with neighbours
        stands before them, so that nothing is gained where all vectors are the same.

    Raises:
        ValueError: unless there is a vector for each node.
    """
    vectors_NE = np.asarray(vectors, np.float64)
    if vectors_NE.ndim != 2 or len(vectors_NE) != graph.num_nodes:
        raise ValueError(
            f"vectors of shape {vectors_NE.shape} came with {graph.num_nodes} nodes: give a row "
            "for each."
        )
    figures: list[tuple[float, float, float]] = []
    places: list[int] = []
    for node in np.flatnonzero(graph.degrees).tolist():
        if graph.degrees[node] == graph.num_nodes - 1:
            continue
        others = np.arange(graph.num_nodes) != node
        distances_N = distances(vectors_NE[node : node + 1], vectors_NE)[0][others]
        linked_N = np.zeros(graph.num_nodes, bool)
        linked_N[graph.of(node)] = True
        auc, precision, place = ranks_of_node(distances_N, linked_N[others])
        figures.append((auc, precision, 1 / place))
        places.append(place)
    columns = np.array(figures).reshape(-1, 3)
    return NeighbourRanks(
        link_auc=mean_estimate(columns[:, 0]),
        precision=mean_estimate(columns[:, 1]),
        reciprocal_rank=mean_estimate(columns[:, 2]),
        hits={
            most: mean_estimate((np.array(places) <= most).astype(np.float64)) for most in hits_at
        },
    )


def ranks_of_node(
    distances_N: Float[np.ndarray, " n"], linked_N: Bool[np.ndarray, " n"]
) -> tuple[float, float, int]:
    """Area under the curve, average precision, and place of the nearest of those that are linked.

    Ties take the last place of all that tie.
    """
    in_order = np.sort(distances_N)
    linked = np.sort(distances_N[linked_N])
    unlinked = np.sort(distances_N[~linked_N])
    below, up_to = (np.searchsorted(unlinked, linked, side) for side in ("left", "right"))
    auc = 1 - float((below + up_to).mean() / 2 / len(unlinked))
    ranks = np.searchsorted(in_order, linked, "right")
    neighbours_so_far = np.searchsorted(linked, linked, "right")
    return auc, float((neighbours_so_far / ranks).mean()), int(ranks[0])
