"""The token confusion matrix of a masked language model: what it answers where a token is asked.

Exact and sparse: only the pairs of reference and prediction that occurred are held.
"""

import datasets
import evaluate

from hf_apt.stats.metric_modules.scores import token_confusion_scores
from hf_apt.stats.metric_modules.streaming_metric import Streamed
from hf_apt.stats.metric_modules.streams import PairStream

_CITATION = """\
@misc{apt,
  title = {Learning Mechanism Underlying NLP Pre-Training and Fine-Tuning},
  year = {2025},
  eprint = {2509.03407},
  archivePrefix = {arXiv},
}"""


class TokenConfusion(Streamed, evaluate.Metric):
    """The token confusion matrix of a masked language model, exact and sparse.

    Args:
        predictions: predicted token ids, of any shape: list, array or tensor.
        references: true token ids, of the same shape; -100 where nothing is asked.
        vocab_size (optional): ids from here on are refused. Default: any id is counted.

    Returns:
        rows, columns, counts: the entries of the matrix that are not 0, as lists: the
            reference, the prediction, and how often the one was answered by the other.
        kept: ids of the tokens that pass the row filter: their right answer is their commonest.
        num_pairs: number of entries; num_rows: number of tokens asked for; num_kept;
        num_ties: kept tokens with another answer exactly as common as the right one.

    Raises:
        ValueError: for values that are not token ids, of other shapes or outside `vocab_size`, and
            if nothing was asked.

    Examples:
        The name is that of the metric's folder, or of its Space on the Hub.

        >>> token_confusion = evaluate.load("token_confusion")
        >>> matrix = token_confusion.compute(references=[5, 5, 5, 7], predictions=[5, 5, 7, 5])
        >>> [matrix[name] for name in ("rows", "columns", "counts")]
        [[5, 5, 7], [5, 7, 5], [2, 1, 1]]
        >>> matrix["kept"], matrix["num_rows"], matrix["num_ties"]
        ([5], 2, 0)

        As a SciPy matrix, row = reference:

        >>> from scipy.sparse import csr_array
        >>> entries = (matrix["counts"], (matrix["rows"], matrix["columns"]))
        >>> csr_array(entries, shape=(8, 8)).diagonal().tolist()
        [0, 0, 0, 0, 0, 2, 0, 0]

        Batch by batch; where the reference is -100, nothing is asked.

        >>> for references, predictions in [([1, -100], [1, 3]), ([1, 2], [2, 2])]:
        ...     token_confusion.add_batch(references=references, predictions=predictions)
        >>> token_confusion.compute()["counts"]
        [1, 1, 1]
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

    def _compute(self, pairs, vocab_size=None):
        return token_confusion_scores(pairs, vocab_size=vocab_size)
