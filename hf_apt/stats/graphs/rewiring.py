"""A random graph in which every node has as many links as before: the control of a graph."""

from __future__ import annotations

import numpy as np

from hf_apt.stats.graphs.graph import Graph, graph_of_links


def rewired(graph: Graph, *, seed: int = 0, swaps_per_link: int = 10, share: float = 1.0) -> Graph:
    """`graph` with its links exchanged at random, the degree of each node kept.

    Two links a-b and c-d become a-d and c-b where that makes no link twice and none of a node with
    itself (Maslov and Sneppen 2002). With a share of 1, all that is left of the graph is how many
    links each node has; with a smaller one, links that are not exchanged say what they said.

    Args:
        graph: the graph.
        seed: of the choice.
        swaps_per_link: exchanges that are tried for each link, at least 1.
        share: share of the links that are exchanged with one another, drawn at random, in [0, 1];
            the others stay, and with 0 the graph is returned as it is.

    Returns:
        Another graph of the same degrees.

    Raises:
        ValueError: for a share out of range; for less than one exchange a link; if no exchange was
            possible, as in a complete graph or with a share of less than two links.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"a share of {share} of the links cannot be exchanged: it is from 0 to 1.")
    if swaps_per_link < 1:
        raise ValueError(
            f"swaps_per_link is {swaps_per_link}, and nothing would be exchanged: give 1 or more."
        )
    if share == 0:
        return graph
    generator = np.random.default_rng(seed)
    links = [(int(first), int(second)) for first, second in graph.links()]
    present = set(links)
    free = np.arange(len(links))
    if share < 1:
        free = generator.permutation(len(links))[: round(share * len(links))]
    num_tried, num_made = swaps_per_link * len(free), 0
    chosen = free[generator.integers(0, max(len(free), 1), (num_tried, 2))].tolist()
    turned = generator.random(num_tried) < 0.5
    for (one, other), is_turned in zip(chosen, turned.tolist(), strict=True):
        (a, b), (c, d) = links[one], links[other]
        if is_turned:
            c, d = d, c
        new = (min(a, d), max(a, d)), (min(c, b), max(c, b))
        if a == d or c == b or new[0] == new[1] or new[0] in present or new[1] in present:
            continue
        present -= {links[one], links[other]}
        present |= {*new}
        links[one], links[other] = new
        num_made += 1
    if not num_made and share < 1:
        raise ValueError(
            f"a share of {share} is {len(free)} of the graph's {graph.num_links} links, and no two "
            "of these can be exchanged: give a larger share."
        )
    if not num_made:
        raise ValueError(
            f"no two of the graph's {graph.num_links} links can be exchanged: a random graph of "
            "these degrees is the graph itself."
        )
    return graph_of_links(graph.num_nodes, np.array(links))
