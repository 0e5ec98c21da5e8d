"""Linked texts put in one context: what a graph gives without any new loss.

Following Yasunaga et al. 2022, "LinkBERT: Pretraining Language Models with Document Links",
arXiv 2203.15827, without its second loss: the arm that a loss on links has to beat.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hf_apt.stats.graphs.graph import Graph


def linked_contexts(
    texts: Sequence[str], graph: Graph, *, separator: str = " ", seed: int = 0
) -> Iterator[str]:
    """Each text, followed by one that it is linked to.

    As documents of a corpus, each fitting one sequence, they let masked words be told from what
    linked texts say. Where they are cut, cut the texts to half of that before.

    Args:
        texts: one for each node of the graph.
        graph: which of them are linked.
        separator: what stands between the two; " [SEP] " for tokenizers that know it.
        seed: of the choice among the texts that one is linked to.

    Yields:
        One document for each text, in order; a text without a link alone.

    Raises:
        ValueError: unless there is a text for each node.
    """
    if len(texts) != graph.num_nodes:
        raise ValueError(
            f"{len(texts)} texts came with a graph of {graph.num_nodes} nodes: give one for each."
        )
    generator = np.random.default_rng(seed)
    for node, text in enumerate(texts):
        linked = graph.of(node)
        other = int(generator.integers(len(linked))) if len(linked) else None
        yield text if other is None else f"{text}{separator}{texts[linked[other]]}"
