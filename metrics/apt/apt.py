"""Accuracy per token (APT) of a masked language model, and its mean over tokens.

APT of a token is the share of its modified occurrences that are predicted right; mean APT, its
unweighted mean over the tokens asked for, is the order parameter of pre-training.
"""

import datasets
import evaluate

from hf_apt.stats.metric_modules.hit_stream import HitStream
from hf_apt.stats.metric_modules.scores import apt_scores
from hf_apt.stats.metric_modules.streaming_metric import Streamed

_CITATION = """\
@misc{apt,
  title = {Learning Mechanism Underlying NLP Pre-Training and Fine-Tuning},
  year = {2025},
  eprint = {2509.03407},
  archivePrefix = {arXiv},
}"""


class Apt(Streamed, evaluate.Metric):
    """Accuracy per token (APT) and its mean over tokens, the order parameter.

    Args:
        predictions: predicted token ids, of any shape: list, array or tensor.
        references: true token ids, of the same shape; -100 where nothing is asked.
        treatment (optional): what masking did at each position: "masked", "replaced", "unchanged",
            or 0, 1, 2.
        documents (optional): the number, from 0 on, of the document that each position is in;
            neighbours in the text have neighbouring numbers.
        frequencies (optional): occurrences of each token id in a corpus.
        min_support: a token counts for `mean_apt` if it was asked at least that often. Default 1.
        rarefied_to (optional): a number of positions, at most those asked, such as 1000.
        per_token: whether to return lists by token. Default False.
        vocab_size (optional): ids from here on are refused. Default: any id is counted.

    Returns:
        mean_apt, in [0, 1], over num_tokens tokens; masked_accuracy, in [0, 1], over num_positions;
        apt50_most_frequent_50, apt50_upper_half, apt50_support_50: mean APT of the 50 most frequent
            tokens, of the more frequent half, of the tokens asked at least 50 times. Frequency is
            that of `frequencies`, else how often a token was asked.
        Each with its standard error, `mean_apt_standard_error` and so on; NaN where undefined.
        With rarefied_to: rarefied_mean_apt, what mean APT of so many of the positions would be
            expected to be, over rarefied_num_tokens tokens: comparable between texts of any size.
            rarefied_mean_apt_standard_error is over the text, and needs documents: NaN without, as
            positions of one document are not independent.
        With treatment: all of these again, `mean_apt_masked` and so on; and mean_apt_common,
            mean_apt_common_masked and so on with standard errors, over the num_tokens_common tokens
            that every treatment asked for: on these alone treatments can be compared.
        With frequencies: apt_by_frequency, mean APT in logarithmic bins from low to below high.
        With per_token: tokens, apt, apt_standard_error, support, lists over the tokens asked for.

    Raises:
        ValueError: for values that are not token ids, of other shapes or outside `vocab_size`,
            inputs given with some batches only, unknown treatments, frequencies that do not reach a
            token asked for, and if nothing was asked.

    Examples:
        The name is that of the metric's folder, or of its Space on the Hub.

        >>> apt = evaluate.load("apt")

        Token 5 is right twice of four times, 7 always, 9 never: the mean is (1/2 + 1 + 0) / 3.

        >>> scores = apt.compute(references=[5, 5, 5, 5, 7, 9], predictions=[5, 5, 6, 8, 7, 8])
        >>> scores["mean_apt"], scores["masked_accuracy"], scores["num_tokens"]
        (0.5, 0.5, 3)

        Batch by batch; where the reference is -100, nothing is asked.

        >>> apt.add_batch(references=[[5, -100], [7, -100]], predictions=[[5, 1], [6, 2]])
        >>> apt.add_batch(references=[[5, 5]], predictions=[[5, 6]])
        >>> scores = apt.compute(min_support=2, per_token=True)
        >>> scores["tokens"], scores["support"], round(scores["mean_apt"], 3)
        ([5, 7], [3, 1], 0.667)

        Mean APT falls with the number of positions, as more of them bring in rarer tokens. Of any
        two of those six positions:

        >>> scores = apt.compute(
        ...     references=[5, 5, 5, 5, 7, 9], predictions=[5, 5, 6, 8, 7, 8], rarefied_to=2
        ... )
        >>> round(scores["rarefied_mean_apt"], 3), round(scores["rarefied_num_tokens"], 3)
        (0.5, 1.6)

        Its standard error, here of three documents of two positions each.

        >>> scores = apt.compute(
        ...     references=[5, 5, 5, 5, 7, 9],
        ...     predictions=[5, 5, 6, 8, 7, 8],
        ...     documents=[0, 0, 1, 1, 2, 2],
        ...     rarefied_to=2,
        ... )
        >>> round(scores["rarefied_mean_apt_standard_error"], 3)
        0.262

        By treatment and by frequency.

        >>> scores = apt.compute(
        ...     references=[1, 1, 2, 2],
        ...     predictions=[1, 1, 2, 0],
        ...     treatment=["masked", "unchanged", "unchanged", "masked"],
        ...     frequencies=[0, 2000, 1000],
        ... )
        >>> scores["mean_apt_masked"], scores["mean_apt_unchanged"], scores["num_tokens_replaced"]
        (0.5, 1.0, 0)
        >>> scores["num_tokens_common"]  # 1 and 2 were both unchanged, and masked
        2
        >>> [(part["low"], part["mean_apt"]) for part in scores["apt_by_frequency"]]
        [(1000.0, 0.75)]
    """

    stream_type = HitStream
    optional_inputs = ("treatment", "documents")

    def _info(self):
        ids = {"predictions": datasets.Value("int64"), "references": datasets.Value("int64")}
        return evaluate.MetricInfo(
            description=str(__doc__),
            citation=_CITATION,
            inputs_description=str(self.__doc__),
            features=datasets.Features(ids),
            reference_urls=["https://arxiv.org/abs/2509.03407"],
        )

    def _compute(
        self,
        hits,
        frequencies=None,
        min_support=1,
        rarefied_to=None,
        per_token=False,
        vocab_size=None,
    ):
        return apt_scores(
            hits,
            frequencies=frequencies,
            min_support=min_support,
            rarefied_to=rarefied_to,
            per_token=per_token,
            vocab_size=vocab_size,
        )
