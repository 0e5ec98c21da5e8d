"""Whether vectors of texts lie by label and by link: nearest neighbours, votes on a graph, ranks.

The local consistency of labels on a graph says what structure-inducing pre-training on it can give.
"""

import datasets
import evaluate

from hf_apt.stats.metric_modules.graph_scores import graph_scores
from hf_apt.stats.metric_modules.streaming_metric import Streamed
from hf_apt.stats.metric_modules.vector_stream import VectorStream

_CITATION = """\
@misc{apt,
  title = {Learning Mechanism Underlying NLP Pre-Training and Fine-Tuning},
  year = {2025},
  eprint = {2509.03407},
  archivePrefix = {arXiv},
}"""


class GraphNeighbours(Streamed, evaluate.Metric):
    """What neighbours among vectors, and in a graph, say of labels and of each other.

    Args:
        predictions: vectors of texts, a row a text: list, array or tensor.
        references: the label of each, a whole number from 0.
        links: optional at `compute`, pairs of linked texts by their places, from 0.
        num_neighbours: optional at `compute`, how many of the nearest vote: 3.
        radius: optional at `compute`, links within which another text counts for
            local_consistency: 1, which are the neighbours.

    Returns:
        knn_accuracy: share of the num_texts texts whose label most of the nearest others have by
            Euclidean distance, each vote weighing 1 / distance, in [0, 1];
        with links also num_links; local_consistency, the mean share of the texts within radius
            links of a text that have its label; graph_vote_accuracy, of most neighbours; link_auc,
            the probability that a neighbour lies nearer than a text that is none;
            ranking_precision, reciprocal_rank, hits_at_1 and hits_at_10 of neighbours among all
            others: all in [0, 1], ties counting against. Each with its standard error over texts,
            `link_auc_standard_error` and so on.

    Raises:
        ValueError: for what are no vectors, labels or links, for too few texts, and for a radius
            below 1.

    Examples:
        The name is that of the metric's folder, or of its Space on the Hub.

        >>> graph_neighbours = evaluate.load("graph_neighbours")

        Two texts of each label lie together, and one link joins two labels.

        >>> vectors, labels = [[0.0], [0.1], [5.0], [5.1]], [0, 0, 1, 1]
        >>> scores = graph_neighbours.compute(
        ...     predictions=vectors, references=labels, links=[(0, 1), (2, 3), (1, 2)],
        ...     num_neighbours=1,
        ... )
        >>> scores["knn_accuracy"], scores["local_consistency"], scores["num_links"]
        (1.0, 0.75, 3)
        >>> scores["link_auc"], scores["hits_at_1"]
        (1.0, 1.0)

        Batch by batch.

        >>> graph_neighbours.add_batch(predictions=vectors[:3], references=labels[:3])
        >>> graph_neighbours.add_batch(predictions=vectors[3:], references=labels[3:])
        >>> graph_neighbours.compute(num_neighbours=1)["knn_accuracy"]
        1.0
    """

    stream_type = VectorStream

    def _info(self):
        columns = {
            "predictions": datasets.Value("float64"),
            "references": datasets.Value("int64"),
        }
        return evaluate.MetricInfo(
            description=str(__doc__),
            citation=_CITATION,
            inputs_description=str(self.__doc__),
            features=datasets.Features(columns),
            reference_urls=[
                "https://arxiv.org/abs/2509.03407",
                "https://arxiv.org/abs/2103.10334",
            ],
        )

    def _compute(self, inputs, links=None, num_neighbours=3, radius=1):
        return graph_scores(inputs, links=links, num_neighbours=num_neighbours, radius=radius)
