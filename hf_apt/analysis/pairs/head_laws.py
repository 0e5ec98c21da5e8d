"""The joint law of a trained head over pairs, beside those made of a model's conditionals."""
# N pairs. S, T: chosen tokens of either position. V: the vocabulary.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Float

from hf_apt.analysis.pairs.pair_asker import PairAnswers
from hf_apt.depths.trunk import Trunk
from hf_apt.stats.pairs.joint_figures import conditional_divergence
from hf_apt.stats.pairs.pair_gap import divergences, mutual_information
from hf_apt.training.pairs.head_file import WordPairHead, log_shares, of_tokens

HeadReading = tuple[float, float, float, float | None]
"""Gap, surprisal, unfaithfulness and KL from the truth of one pair, in nats."""


@dataclass(frozen=True)
class HeadReadings:
    """What a head over pairs says, one entry a pair, in nats.

    NaN for pairs further apart than the head was trained for.
    """

    gap_N: Float[np.ndarray, " pairs"]
    """Mutual information of the head's law, over its own answers."""

    surprisal_N: Float[np.ndarray, " pairs"]
    """-log q(true pair), over the most probable tokens, as of the other joint laws."""

    unfaithful_N: Float[np.ndarray, " pairs"]
    """Mean divergence of the law's conditionals from the model's."""

    from_truth_N: Float[np.ndarray, " pairs"] | None
    """KL(exact || head's law) over the most probable tokens; None where the truth is not known."""

    @classmethod
    def of(cls, rows: Sequence[HeadReading]) -> Self:
        """The readings of several pairs, in their order.

        Args:
            rows: a row for each pair: gap, surprisal, unfaithfulness, and KL from the truth, which
                is None for all of them where it is not known.

        Returns:
            Arrays of as many numbers.
        """
        gaps, surprisals, unfaithful, from_truth = zip(*rows, strict=True)
        return cls(
            gap_N=np.array(gaps),
            surprisal_N=np.array(surprisals),
            unfaithful_N=np.array(unfaithful),
            from_truth_N=None if from_truth[0] is None else np.array(from_truth, float),
        )


def require_head_of(trunk: Trunk, trained: WordPairHead) -> None:
    """Raise ValueError unless a head can read the last states of a masked language model."""
    vocab_size, width = trunk.model.config.vocab_size, len(trained.head.transform)
    last_id = trained.word_ids_K.max(initial=0)
    if width != trunk.hidden_size or last_id >= vocab_size:
        raise ValueError(
            f"the head over pairs is for states of width {width} and token ids up to {last_id}, "
            f"and the model has width {trunk.hidden_size} and {vocab_size} tokens: give the head "
            "of its own run."
        )


def head_reading(
    trained: WordPairHead,
    answers: PairAnswers,
    distance: int,
    true: tuple[int, int],
    exact_ST: Float[np.ndarray, "first second"] | None,
) -> HeadReading:
    """Gap, surprisal, unfaithfulness and KL from the truth of the head's law of one pair.

    Args:
        trained: the head.
        answers: what the model says of the pair, with its last states.
        distance: tokens from the earlier position to the later one.
        true: where the true tokens stand among the most probable ones.
        exact_ST: the exact law over these, in logarithms; None where it is not known.

    Returns:
        Four numbers in nats: NaN for a pair that is further apart than the head was trained for,
        the last one None where the truth is not known.
    """
    if distance > trained.max_distance:
        return np.nan, np.nan, np.nan, None if exact_ST is None else np.nan
    log_ST, gap = _law(trained, answers, distance)
    unfaithful = conditional_divergence(answers.logits(-1), log_ST)
    truth = None if exact_ST is None else float(divergences(exact_ST.ravel(), log_ST.ravel()))
    return gap, -float(log_ST[true]), unfaithful, truth


def _law(
    trained: WordPairHead, answers: PairAnswers, distance: int
) -> tuple[Float[np.ndarray, "first second"], float]:
    """Log probabilities (S, T) over the most probable tokens, and the gap over all answers."""
    kept, (first_H, second_H) = answers.kept(), answers.states_2H
    log_AA = trained.log_joint(first_H, second_H, distance)
    classes_V = trained.classes(answers.log_2V.shape[1])
    shares = [
        log_shares(log_V, classes_V, ids) for log_V, ids in zip(answers.log_2V, kept, strict=True)
    ]
    log_ST = of_tokens(log_AA, (classes_V[kept[0]], classes_V[kept[1]]), (shares[0], shares[1]))
    return log_ST, mutual_information(np.exp(log_AA))
