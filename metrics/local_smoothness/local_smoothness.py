"""How far the answers of a model move when its inputs are perturbed: divergence and flip rate.

Given are the logits of inputs as they are and of the same inputs perturbed, at worst by an
adversary; `hf_apt.local_smoothness` finds both of any text classifier.
"""

import datasets
import evaluate

from hf_apt.stats.metric_modules.moved_stream import MovedStream
from hf_apt.stats.metric_modules.smoothness_scores import smoothness_scores
from hf_apt.stats.metric_modules.streaming_metric import Streamed

_CITATION = """\
@misc{apt,
  title = {Learning Mechanism Underlying NLP Pre-Training and Fine-Tuning},
  year = {2025},
  eprint = {2509.03407},
  archivePrefix = {arXiv},
}"""


class LocalSmoothness(Streamed, evaluate.Metric):
    """How far answers move when inputs are perturbed.

    Args:
        predictions: logits of perturbed inputs, a row an input: list, array or tensor; one number
            an input for regression.
        references: logits of the same inputs as they are, of the same shape.

    Returns:
        divergence: mean over num_inputs of KL(p || q) + KL(q || p) between the answers to an input
            as it is and perturbed, in nats, at least 0; of a single output the mean squared
            difference; largest_divergence of an input;
        flip_rate: share of the inputs that get another class, in [0, 1]; NaN of a single output.
        Both means with standard errors, `divergence_standard_error` and so on.

    Raises:
        ValueError: for values that are no finite logits, for other shapes, and if there is none.

    Examples:
        The name is that of the metric's folder, or of its Space on the Hub.

        >>> local_smoothness = evaluate.load("local_smoothness")

        Two texts: the first answer goes from 0.9 to 0.5, the second stays.

        >>> import numpy as np
        >>> clean, perturbed = np.log([[0.9, 0.1], [0.2, 0.8]]), np.log([[0.5, 0.5], [0.2, 0.8]])
        >>> scores = local_smoothness.compute(predictions=perturbed, references=clean)
        >>> round(scores["divergence"], 4), round(scores["largest_divergence"], 4)
        (0.4394, 0.8789)
        >>> scores["flip_rate"], scores["num_inputs"]
        (0.0, 2)

        Batch by batch.

        >>> local_smoothness.add_batch(predictions=[[0.0, 1.0]], references=[[1.0, 0.0]])
        >>> local_smoothness.add_batch(predictions=[[2.0, 1.0]], references=[[1.0, 0.0]])
        >>> local_smoothness.compute()["flip_rate"]
        0.5
    """

    stream_type = MovedStream

    def _info(self):
        logits = {"predictions": datasets.Value("float64"), "references": datasets.Value("float64")}
        return evaluate.MetricInfo(
            description=str(__doc__),
            citation=_CITATION,
            inputs_description=str(self.__doc__),
            features=datasets.Features(logits),
            reference_urls=["https://arxiv.org/abs/2509.03407"],
        )

    def _compute(self, inputs):
        return smoothness_scores(inputs)
