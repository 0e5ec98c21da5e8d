"""What neighbours say of a label: local consistency of a graph, votes on it and in space.

The structure of a graph bounds what a nearest-neighbour classifier can do on embeddings that
reproduce it (McDermott et al. 2023, "Structure-inducing pre-training", Nature Machine Intelligence,
arXiv 2103.10334, section 3). Both sides are computed here; ours, from the idea.
"""
# N nodes, M nodes that are asked, C classes, E numbers of a vector.

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from hf_apt.stats.estimates import Estimate, mean_estimate
from hf_apt.stats.graphs.builders import distances, radius_graph
from hf_apt.stats.graphs.graph import Graph

NO_VOTE = -1
"""The answer of a node that has no neighbour."""

_ROWS = 1024


def local_consistency(graph: Graph, labels: Any, *, radius: int = 1) -> Estimate:
    """How often nodes within some steps of each other have the same label.

    Args:
        graph: the graph.
        labels: one whole number of at least 0 for each node.
        radius: steps within which another node counts.

    Returns:
        The mean over nodes that have neighbours of the share of these that have the node's label,
        in [0, 1], with the standard error over nodes; NaN where no node has a neighbour.

    Raises:
        ValueError: unless there is a label for each node, and for a radius below 1.
    """
    labels_N = require_labels(graph.num_nodes, labels)
    reached = graph if radius == 1 else graph.within(radius)
    same_L = labels_N[reached.neighbours] == np.repeat(labels_N, reached.degrees)
    nodes_L = np.repeat(np.arange(graph.num_nodes), reached.degrees)
    same_N = np.bincount(nodes_L, weights=same_L, minlength=graph.num_nodes)
    has_any_N = reached.degrees > 0
    return mean_estimate(same_N[has_any_N] / reached.degrees[has_any_N])


def graph_votes(graph: Graph, labels: Any) -> Int[np.ndarray, " n"]:
    """What most neighbours of each node have as label; its own does not count.

    Args:
        graph: the graph.
        labels: one whole number of at least 0 for each node.

    Returns:
        A label for each node, the smallest of those with most votes; -1 for a node without
        neighbours.

    Raises:
        ValueError: unless there is a label for each node.
    """
    labels_N = require_labels(graph.num_nodes, labels)
    num_classes = int(labels_N.max(initial=0)) + 1
    nodes_L = np.repeat(np.arange(graph.num_nodes), graph.degrees)
    keys_L = nodes_L * num_classes + labels_N[graph.neighbours]
    votes_NC = np.bincount(keys_L, minlength=graph.num_nodes * num_classes)
    answers_N = votes_NC.reshape(graph.num_nodes, num_classes).argmax(axis=1)
    return np.where(graph.degrees > 0, answers_N, NO_VOTE)


def radius_votes(
    vectors: Float[np.ndarray, "n e"], labels: Any, radius: float
) -> Int[np.ndarray, " n"]:
    """What most vectors nearer than `radius` have as label: `graph_votes` on their radius graph.

    Where embeddings reproduce a graph, so that exactly the linked ones are nearer than `radius`,
    this is the vote on the graph, node by node.

    Args:
        vectors: a row of numbers for each node (N, E).
        labels: one whole number of at least 0 for each node.
        radius: the Euclidean distance below which a vector counts.

    Returns:
        A label for each node; -1 for one without a vector that near.

    Raises:
        ValueError: unless there is a label for each node.
    """
    return graph_votes(radius_graph(vectors, radius), labels)


def nearest_votes(
    vectors: Float[np.ndarray, "n e"],
    labels: Any,
    num_neighbours: int = 3,
    *,
    asked: Float[np.ndarray, "m e"] | None = None,
) -> Int[np.ndarray, " m"]:
    """What most of the nearest vectors have as label, each vote weighing 1 / distance.

    Args:
        vectors: a row of numbers for each node (N, E).
        labels: one whole number of at least 0 for each node.
        num_neighbours: how many of the nearest vote, by Euclidean distance. Of those equally near,
            the ones of smaller number. A vector at distance 0 outvotes all that are not.
        asked: vectors (M, E) that are asked about; None for `vectors` themselves, each without its
            own vote.

    Returns:
        A label for each vector asked about, the smallest of those with most votes.

    Raises:
        ValueError: unless there is a label for each node, and more nodes than neighbours.
    """
    vectors_NE = np.asarray(vectors, np.float64)
    labels_N = require_labels(len(vectors_NE), labels)
    if not 1 <= num_neighbours < len(vectors_NE):
        raise ValueError(
            f"{num_neighbours} nearest of {len(vectors_NE)} vectors: give a whole number from 1 to "
            f"{len(vectors_NE) - 1}."
        )
    asked_ME = vectors_NE if asked is None else np.asarray(asked, np.float64)
    num_classes = int(labels_N.max(initial=0)) + 1
    answers: list[np.ndarray] = []
    for start in range(0, len(asked_ME), _ROWS):
        distances_BN = distances(asked_ME[start : start + _ROWS], vectors_NE)
        rows_B = np.arange(len(distances_BN))
        if asked is None:
            distances_BN[rows_B, start + rows_B] = np.inf
        nearest_BK = np.argsort(distances_BN, axis=1, kind="stable")[:, :num_neighbours]
        near_BK = np.take_along_axis(distances_BN, nearest_BK, axis=1)
        is_same_BK = near_BK == 0
        with np.errstate(divide="ignore"):
            weights_BK = np.where(is_same_BK.any(axis=1, keepdims=True), is_same_BK, 1 / near_BK)
        votes_BC = np.zeros((len(rows_B), num_classes))
        np.add.at(votes_BC, (rows_B[:, None], labels_N[nearest_BK]), weights_BK)
        answers.append(votes_BC.argmax(axis=1))
    return np.concatenate([np.zeros(0, np.int64), *answers])


def share_right(answers: Any, labels: Any) -> Estimate:
    """The share of answers that are the label, with its standard error; no vote is not right."""
    return mean_estimate((np.asarray(answers) == np.asarray(labels)).astype(np.float64))


def require_labels(num_nodes: int, labels: Any) -> Int[np.ndarray, " n"]:
    """`labels` as an array of whole numbers; ValueError unless they are one of each node."""
    labels_N = np.asarray(labels)
    if labels_N.shape != (num_nodes,):
        raise ValueError(
            f"labels of shape {labels_N.shape} came with {num_nodes} nodes: give one for each."
        )
    if labels_N.size and (labels_N.dtype.kind not in "iu" or labels_N.min() < 0):
        raise ValueError(
            f"labels of type {labels_N.dtype} from {labels_N.min()}: give whole numbers from 0."
        )
    return labels_N.astype(np.int64)
