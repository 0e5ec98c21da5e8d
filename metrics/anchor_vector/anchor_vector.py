"""How well one vector predicts the log-partition of a language model from its states.

Given are the states that enter the output layer and the logits of the same positions;
`hf_apt.anchor_vectors` finds both of any language model, at every depth.
"""

import datasets
import evaluate

from hf_apt.stats.metric_modules.anchor_scores import anchor_scores
from hf_apt.stats.metric_modules.anchor_stream import AnchorStream
from hf_apt.stats.metric_modules.streaming_metric import Streamed

_CITATION = """\
@misc{apt,
  title = {Learning Mechanism Underlying NLP Pre-Training and Fine-Tuning},
  year = {2025},
  eprint = {2509.03407},
  archivePrefix = {arXiv},
}"""


class AnchorVector(Streamed, evaluate.Metric):
    """How well one vector predicts the log-partition from the state.

    Args:
        predictions: states that enter the output layer, a row a position: list, array or tensor.
        references: logits of the same positions, a row each; those of some words for their part of
            the partition function.
        documents: optional, of which document each position is: one is predicted by fits on others.
            Stretches of 16 positions otherwise.

    Returns:
        r_squared: share of the variance of the log-partition that an affine function of the state
            explains on states that it was not fitted on, at most 1, over num_states states, with
            `r_squared_standard_error`; mean_word_r_squared, by the mean of the logits. NaN where
            the log-partition does not vary;
        mean and variance of the log-partition, in nats; error, mean_word_error, constant_error:
            mean squared ones;
        anchor, intercept: the affine function; rank: directions in which states vary, of width.

    Raises:
        ValueError: for values that are no finite numbers, other numbers of rows, and states of
            fewer than two documents.

    Examples:
        The name is that of the metric's folder, or of its Space on the Hub.

        >>> anchor_vector = evaluate.load("anchor_vector")

        Three words of one vector, 0.5: the log-partition is 0.5 x + log 3.

        >>> import numpy as np
        >>> states = np.arange(64.0)[:, None]
        >>> scores = anchor_vector.compute(predictions=states, references=states @ [[0.5] * 3])
        >>> round(scores["r_squared"], 6), round(scores["intercept"], 6)
        (1.0, 1.098612)
        >>> [round(each, 6) for each in scores["anchor"]], scores["num_states"]
        ([0.5], 64)

        Batch by batch, by document.

        >>> anchor_vector.add_batch(
        ...     predictions=[[1.0], [2.0]], references=[[1.0, 1.0], [2.0, 2.0]], documents=[0, 0]
        ... )
        >>> anchor_vector.add_batch(
        ...     predictions=[[3.0], [5.0]], references=[[3.0, 3.0], [5.0, 5.0]], documents=[1, 1]
        ... )
        >>> round(anchor_vector.compute()["r_squared"], 6)
        1.0
    """

    stream_type = AnchorStream
    optional_inputs = ("documents",)

    def _info(self):
        numbers = {
            "predictions": datasets.Value("float64"),
            "references": datasets.Value("float64"),
        }
        return evaluate.MetricInfo(
            description=str(__doc__),
            citation=_CITATION,
            inputs_description=str(self.__doc__),
            features=datasets.Features(numbers),
            reference_urls=["https://arxiv.org/abs/2509.03407"],
        )

    def _compute(self, inputs):
        return anchor_scores(inputs)
