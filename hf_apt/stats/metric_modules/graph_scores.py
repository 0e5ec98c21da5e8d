"""What the module `graph_neighbours` returns."""

from __future__ import annotations

from typing import Any

from hf_apt.stats.config_checks import require_whole_number
from hf_apt.stats.estimates import Estimate
from hf_apt.stats.graphs.graph import graph_of_links
from hf_apt.stats.graphs.ranking import neighbour_ranks
from hf_apt.stats.graphs.votes import graph_votes, local_consistency, nearest_votes, share_right
from hf_apt.stats.metric_modules.vector_stream import VectorStream


def graph_scores(
    stream: VectorStream, *, links: Any = None, num_neighbours: int = 3, radius: int = 1
) -> dict[str, Any]:
    """What neighbours among vectors, and in a graph, say of labels and of each other.

    - `knn_accuracy`: share of texts whose label most of the `num_neighbours` nearest others have,
      each vote weighing 1 / distance, over `num_texts`.
    - With `links`, pairs of places in the order in which texts were given: `num_links`;
      `local_consistency`, mean share of its label among the texts within `radius` links of a text;
      `graph_vote_accuracy`, of its neighbours alone, whatever the radius, as all that follow;
      `link_auc`, `ranking_precision`, `reciprocal_rank`, `hits_at_1` and `hits_at_10`, how near to
      each text its neighbours lie.

    All with `…_standard_error`. Raises ValueError if there is no text, for as many neighbours as
    there are texts, for links that are none, and for a radius below 1.
    """
    vectors_NE, labels_N = stream.columns()
    require_whole_number("num_neighbours", num_neighbours)
    require_whole_number("radius", radius)
    votes_N = nearest_votes(vectors_NE, labels_N, num_neighbours)
    figures: dict[str, Estimate] = {"knn_accuracy": share_right(votes_N, labels_N)}
    counts = {"num_texts": len(labels_N)}
    if links is not None:
        graph = graph_of_links(len(labels_N), links)
        ranks = neighbour_ranks(graph, vectors_NE)
        counts["num_links"] = graph.num_links
        figures |= {
            "local_consistency": local_consistency(graph, labels_N, radius=radius),
            "graph_vote_accuracy": share_right(graph_votes(graph, labels_N), labels_N),
            "link_auc": ranks.link_auc,
            "ranking_precision": ranks.precision,
            "reciprocal_rank": ranks.reciprocal_rank,
            **{f"hits_at_{most}": share for most, share in ranks.hits.items()},
        }
    scores: dict[str, Any] = dict(counts)
    for name, estimate in figures.items():
        scores |= {name: estimate.value, f"{name}_standard_error": estimate.standard_error}
    return scores
