"""Clusters of strong-match tokens: the tokens that a masked language model takes for one another.

A row of the token confusion matrix is kept if its right answer is its commonest; token j is a
strong match of a kept token i if i is answered by j at least `threshold` times as often as by i.
"""

import datasets
import evaluate

from hf_apt.stats.metric_modules.scores import token_clusters_scores
from hf_apt.stats.metric_modules.streaming_metric import Streamed
from hf_apt.stats.metric_modules.streams import PairStream

_CITATION = """\
@misc{apt,
  title = {Learning Mechanism Underlying NLP Pre-Training and Fine-Tuning},
  year = {2025},
  eprint = {2509.03407},
  archivePrefix = {arXiv},
}"""


class TokenClusters(Streamed, evaluate.Metric):
    """Clusters of tokens that a masked language model takes for one another.

    Args:
        predictions: predicted token ids, of any shape: list, array or tensor.
        references: true token ids, of the same shape; -100 where nothing is asked.
        threshold: smallest share of the right answers that is a strong match, in (0, 1].
            Default 0.05.
        definition: "mutual" (default): components of the matches that hold in both directions;
            "weak": components whatever the direction; "row": each kept token with its own matches,
            so that clusters may overlap; "errors": as "mutual", where `threshold` is the smallest
            share of a token's wrong answers, of those given twice at least, however often it is
            right.
        vocab_size (optional): ids from here on are refused. Default: any id is counted.

    Returns:
        clusters: lists of two or more token ids, largest first;
        num_clusters, num_tokens_in_clusters, mean_size, median_size, max_size, and size_histogram,
            the number of clusters of each size;
        share_with_strong_match: share of the kept tokens with a strong match, in [0, 1];
        noise_mass: mean over kept tokens of the share of answers that are neither right nor a
            strong match, in [0, 1];
        share_with_strong_match, mean_size and noise_mass each with its standard error,
            `noise_mass_standard_error` and so on, over kept tokens or clusters;
        definition and threshold. None where a value is undefined.

    Raises:
        ValueError: for values that are not token ids, of other shapes or outside `vocab_size`, an
            unknown definition, a threshold outside (0, 1], and if nothing was asked.

    Examples:
        The name is that of the metric's folder, or of its Space on the Hub.

        >>> token_clusters = evaluate.load("token_clusters")

        Tokens 3 and 4 are taken for one another; 5 is always right.

        >>> references = [3, 3, 3, 4, 4, 4, 5, 5]
        >>> predictions = [3, 3, 4, 4, 4, 3, 5, 5]
        >>> scores = token_clusters.compute(references=references, predictions=predictions)
        >>> scores["clusters"], scores["max_size"], scores["noise_mass"]
        ([[3, 4]], 2, 0.0)

        Half of the right answers is too few for a threshold of 0.6: what was a match is noise.

        >>> token_clusters.add_batch(references=references, predictions=predictions)
        >>> scores = token_clusters.compute(threshold=0.6)
        >>> scores["clusters"], scores["mean_size"], round(scores["noise_mass"], 3)
        ([], None, 0.222)

        A match in one direction.

        >>> token_clusters.compute(
        ...     references=[1, 1, 1, 2], predictions=[1, 1, 2, 2], definition="weak"
        ... )["clusters"]
        [[1, 2]]

        Tokens that are right 96 times of 100, and taken for one another whenever they are not.

        >>> references = [7] * 100 + [8] * 100
        >>> predictions = [7] * 96 + [8] * 4 + [8] * 96 + [7] * 4
        >>> for definition in ("mutual", "errors"):
        ...     token_clusters.add_batch(references=references, predictions=predictions)
        ...     print(token_clusters.compute(definition=definition)["clusters"])
        []
        [[7, 8]]
    """

    stream_type = PairStream

    def _info(self):
        ids = {"predictions": datasets.Value("int64"), "references": datasets.Value("int64")}
        return evaluate.MetricInfo(
            description=str(__doc__),
            citation=_CITATION,
            inputs_description=str(self.__doc__),
            features=datasets.Features(ids),
            reference_urls=["https://arxiv.org/abs/2509.03407"],
        )

    def _compute(self, pairs, threshold=0.05, definition="mutual", vocab_size=None):
        return token_clusters_scores(
            pairs, threshold=threshold, definition=definition, vocab_size=vocab_size
        )
