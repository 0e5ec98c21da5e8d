"""Graphs made of what is known of the nodes: labels, texts, places in space."""
# N nodes, E numbers of a vector, K neighbours.

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from hf_apt.stats.graphs.graph import Graph, graph_of_links, require_size

_ROWS = 1024
"""Nodes whose distances to all others are held at once."""


def label_graph(labels: Any) -> Graph:
    """The graph that links all nodes of one label.

    Args:
        labels: one for each node; what is equal is one label.

    Returns:
        A complete graph for each label.

    Raises:
        ValueError: for more than 100 million links.
    """
    _, classes_N = np.unique(np.asarray(labels), return_inverse=True)
    sizes = np.bincount(classes_N)
    require_size(int((sizes * (sizes - 1) // 2).sum()))
    groups = (np.flatnonzero(classes_N == each) for each in range(len(sizes)))
    pairs = [group[np.stack(np.triu_indices(len(group), 1), axis=1)] for group in groups]
    return graph_of_links(len(classes_N), np.concatenate([np.zeros((0, 2), int), *pairs]))


def nearest_graph(vectors: Any, num_neighbours: int) -> Graph:
    """The graph that links each node to its nearest by cosine, in either direction.

    Args:
        vectors: a row of numbers for each node (N, E), dense or a sparse matrix of SciPy. A row of
            zeros is near to none.
        num_neighbours: how many of the nearest each node links to. Of those equally near, the ones
            of smaller number.

    Returns:
        A graph in which a node may have more than `num_neighbours` links, those that others make.

    Raises:
        ValueError: unless there are more nodes than neighbours.
    """
    from scipy.sparse import issparse
    from sklearn.preprocessing import normalize

    num = vectors.shape[0]
    if not 1 <= num_neighbours < num:
        raise ValueError(
            f"{num_neighbours} nearest of {num} nodes: give a whole number from 1 to {num - 1}."
        )
    unit_NE: Any = normalize(vectors if issparse(vectors) else np.asarray(vectors, np.float64))
    links: list[np.ndarray] = []
    for start in range(0, num, _ROWS):
        rows = unit_NE[start : start + _ROWS]
        product: Any = rows @ unit_NE.T
        cosines_MN: np.ndarray = product.toarray() if issparse(product) else product
        cosines_MN = np.round(cosines_MN, 9)  # so that equal ones are equal in any order of sums
        nodes_M = np.arange(start, start + len(cosines_MN))
        cosines_MN[np.arange(len(nodes_M)), nodes_M] = -np.inf
        nearest_MK = np.argsort(-cosines_MN, axis=1, kind="stable")[:, :num_neighbours]
        is_near_MK = np.take_along_axis(cosines_MN, nearest_MK, axis=1) > 0
        pairs = np.stack([np.repeat(nodes_M[:, None], num_neighbours, 1), nearest_MK], axis=2)
        links.append(pairs[is_near_MK])
    return graph_of_links(num, np.concatenate(links))


def text_graph(texts: Sequence[str], num_neighbours: int = 5) -> Graph:
    """The graph that links each text to those that share most of its rare words.

    Args:
        texts: one for each node.
        num_neighbours: how many of the nearest each text links to, by the cosine of TF-IDF.

    Returns:
        A graph as `nearest_graph` makes it.

    Raises:
        ValueError: for texts without a word, and unless there are more texts than neighbours.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(token_pattern=r"(?u)\b\w+\b", sublinear_tf=True)
    try:
        vectors = vectorizer.fit_transform(texts)
    except ValueError as error:
        raise ValueError("the texts hold no word to find neighbours by: name others.") from error
    return nearest_graph(vectors, num_neighbours)


def radius_graph(points: Float[np.ndarray, "n e"], radius: float) -> Graph:
    """The graph that links points nearer to each other than `radius`, by Euclidean distance.

    Args:
        points: a row of numbers for each node (N, E).
        radius: the distance below which two are linked, in the unit of the points.

    Returns:
        The graph.

    Raises:
        ValueError: for more than 100 million links.
    """
    points_NE = np.asarray(points, np.float64)
    links: list[np.ndarray] = []
    num_links = 0
    for start in range(0, len(points_NE), _ROWS):
        distances_MN = distances(points_NE[start : start + _ROWS], points_NE)
        pairs = np.stack(np.nonzero(distances_MN < radius), axis=1)
        pairs[:, 0] += start
        links.append(pairs[pairs[:, 0] < pairs[:, 1]])
        num_links += len(links[-1])
        require_size(num_links)
    return graph_of_links(len(points_NE), np.concatenate([np.zeros((0, 2), int), *links]))


def distances(
    rows: Float[np.ndarray, "m e"], others: Float[np.ndarray, "n e"]
) -> Float[np.ndarray, "m n"]:
    """The Euclidean distance of each row of `rows` to each of `others`."""
    from scipy.spatial.distance import cdist

    return cdist(rows, others)
