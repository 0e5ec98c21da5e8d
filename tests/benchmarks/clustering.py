"""Clusters at all thresholds and under all definitions, against networkx."""

from collections.abc import Callable

from hf_apt.stats.clusters import (
    DEFINITIONS,
    THRESHOLDS,
    strong_matches,
    token_clusters,
)
from hf_apt.stats.confusion import confusion
from hf_apt.stats.counts import PairCounts

from .ratio import limit, medians, peer_package, report, setting_of
from .text import answered_pairs

_VOCAB_SIZE = 30_522


def run() -> bool:
    """Whether the sweep over two million distinct pairs is quick enough."""
    counts = PairCounts(_VOCAB_SIZE).update(*answered_pairs(10_000_000, _VOCAB_SIZE))
    assert len(counts.keys) > 2_000_000  # merged before anything is timed

    def sweep() -> None:
        table = confusion(counts)
        for threshold in THRESHOLDS:
            for definition in DEFINITIONS:
                token_clusters(table, threshold, definition)

    variants: dict[str, Callable[[], object]] = {"sweep": sweep}
    table = confusion(counts)
    variants["ours"] = lambda: token_clusters(table, 0.05, "weak")
    networkx = peer_package("clusters at one threshold", "networkx")
    if networkx:
        edges = strong_matches(table, 0.05).tocoo()

        def peer() -> None:
            graph = networkx.DiGraph()
            graph.add_edges_from(zip(edges.row.tolist(), edges.col.tolist(), strict=True))
            list(networkx.weakly_connected_components(graph))

        variants["networkx"] = peer
    times = medians(variants, rounds=3)
    passed = limit("cluster sweep, 2.2 M distinct pairs", ours=times["sweep"], at_most=0.3)
    if networkx:
        passed &= report(
            "clusters at one threshold: networkx / ours",
            ours=times["ours"],
            peer=times["networkx"],
            at_least=16.0,
            setting=setting_of("networkx"),
        )
    return passed
