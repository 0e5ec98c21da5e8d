"""Label confidence of a fine-tuned classifier against the mean APT of an input's tokens.

Confidence is the largest softmax probability; APT (accuracy per token) is what the pre-trained
model has learnt of each token.
"""

import datasets
import evaluate

from hf_apt.stats.metric_modules.scores import confidence_scores
from hf_apt.stats.metric_modules.streaming_metric import Streamed
from hf_apt.stats.metric_modules.streams import ConfidenceStream

_CITATION = """\
@misc{apt,
  title = {Learning Mechanism Underlying NLP Pre-Training and Fine-Tuning},
  year = {2025},
  eprint = {2509.03407},
  archivePrefix = {arXiv},
}"""


class ConfidenceApt(Streamed, evaluate.Metric):
    """Label confidence of a classifier against the mean APT of an input's tokens.

    Args:
        predictions: label confidence of each input, in [0, 1]: list, array or tensor.
        references: mean APT of the tokens of each input, in [0, 1]; inputs where it is NaN are left
            out. `hf_apt.stats.confidence.mean_apt_of_inputs` computes it.
        correct (optional): whether the label of each input is right, 1 or 0.
        labels (optional): the true class of each input, a whole number.
        num_bins: number of quantile bins of mean APT. Default 10.

    Returns:
        pearson, spearman: correlation of confidence and mean APT over num_inputs, in [-1, 1];
        mean_confidence and, with correct, accuracy, in [0, 1];
        slope of confidence on mean APT, from slope_low to slope_high with 95 % confidence; with
        labels, within_class_slope, the slope between inputs of the same class, and its interval;
        each with its standard error, `pearson_standard_error` and so on; NaN where undefined.
        bins: by mean APT from low to high, lowest first, each with num_inputs, mean_confidence and,
            with correct, accuracy, and their standard errors.

    Raises:
        ValueError: for values outside [0, 1], of other shapes, inputs given with some batches only,
            and if there is none.

    Examples:
        The name is that of the metric's folder, or of its Space on the Hub.

        >>> confidence_apt = evaluate.load("confidence_apt")
        >>> mean_apt, confidence = [0.1, 0.2, 0.3, 0.4], [0.5, 0.7, 0.6, 0.8]
        >>> scores = confidence_apt.compute(predictions=confidence, references=mean_apt)
        >>> round(scores["pearson"], 3), round(scores["spearman"], 3), scores["num_inputs"]
        (0.8, 0.8, 4)

        >>> confidence_apt.add_batch(
        ...     predictions=confidence, references=mean_apt, correct=[0, 1, 1, 1]
        ... )
        >>> scores = confidence_apt.compute(num_bins=2)
        >>> [(part["high"], round(part["mean_confidence"], 3)) for part in scores["bins"]]
        [(0.2, 0.6), (0.4, 0.7)]
        >>> scores["accuracy"], [part["accuracy"] for part in scores["bins"]]
        (0.75, [0.5, 1.0])

        Within each of two classes confidence falls with mean APT, over both it rises.

        >>> scores = confidence_apt.compute(
        ...     predictions=[0.6, 0.5, 0.9, 0.8], references=mean_apt, labels=[0, 0, 1, 1]
        ... )
        >>> round(scores["slope"], 3), round(scores["within_class_slope"], 3)
        (1.0, -1.0)
    """

    stream_type = ConfidenceStream
    optional_inputs = ("correct", "labels")

    def _info(self):
        shares = {"predictions": datasets.Value("float64"), "references": datasets.Value("float64")}
        return evaluate.MetricInfo(
            description=str(__doc__),
            citation=_CITATION,
            inputs_description=str(self.__doc__),
            features=datasets.Features(shares),
            reference_urls=["https://arxiv.org/abs/2509.03407"],
        )

    def _compute(self, inputs, num_bins=10):
        return confidence_scores(inputs, num_bins=num_bins)
