"""How well linear functions of features can follow random labels: their Rademacher complexity.

Given are features, a row a text or position; `hf_apt.rademacher_complexity` computes the same of an
array.
"""

import datasets
import evaluate

from hf_apt.stats.metric_modules.feature_stream import FeatureStream
from hf_apt.stats.metric_modules.rademacher_scores import rademacher_scores
from hf_apt.stats.metric_modules.streaming_metric import Streamed

_CITATION = """\
@misc{apt,
  title = {Learning Mechanism Underlying NLP Pre-Training and Fine-Tuning},
  year = {2025},
  eprint = {2509.03407},
  archivePrefix = {arXiv},
}"""


class RademacherComplexity(Streamed, evaluate.Metric):
    """The Rademacher complexity of linear functions of features, and what it is made of.

    Args:
        predictions: features, a row a text or position: list, array or tensor.
        references: there are none; what is given is refused.
        radius: largest length of a linear function's weights; 1 unless told.
        num_draws: random choices of signs; all of them for at most 12 features, else 1,000.
        seed: seed of the draws; 0 unless told.

    Returns:
        value: the complexity, and `standard_error` over draws, 0 where `is_exact`; scaled: times
            the root of num_features, which compares between numbers of features;
        lower, upper: bounds by the features' lengths alone; norm_share: value by upper, 1 for
            orthogonal features, near 0.8 for many that are alike;
        effective_rank, mean_cosine: in how many directions features lie, and how alike they are.

    Raises:
        ValueError: for values that are no finite numbers, references, and numbers out of range.

    Examples:
        The name is that of the metric's folder, or of its Space on the Hub.

        >>> rademacher = evaluate.load("rademacher_complexity")

        Every choice of signs of three features.

        >>> scores = rademacher.compute(predictions=[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
        >>> round(scores["value"], 6), round(scores["upper"], 6), scores["is_exact"]
        (0.569036, 0.666667, True)

        Batch by batch; features that are alike.

        >>> rademacher.add_batch(predictions=[[1.0, 0.0]] * 2)
        >>> rademacher.add_batch(predictions=[[1.0, 0.0]] * 2)
        >>> scores = rademacher.compute(radius=2.0)
        >>> scores["value"], scores["norm_share"], scores["mean_cosine"]
        (0.75, 0.75, 1.0)
    """

    stream_type = FeatureStream

    def _info(self):
        return evaluate.MetricInfo(
            description=str(__doc__),
            citation=_CITATION,
            inputs_description=str(self.__doc__),
            features=datasets.Features({"predictions": datasets.Value("float64")}),
            reference_urls=["https://arxiv.org/abs/2509.03407"],
        )

    def _compute(self, inputs, radius=1.0, num_draws=None, seed=0):
        return rademacher_scores(inputs, radius, num_draws, seed)
