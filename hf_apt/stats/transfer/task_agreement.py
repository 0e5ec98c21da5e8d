"""How well predictors rank the blocks of several checkpoints as their accuracy on a task does."""
# P predictors, O checkpoints. X: pairs of a checkpoint and a depth.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from hf_apt.stats.transfer.rank_correlations import partial_rank_correlations, rank_correlations

STATISTICS = ("pairs", "within", "across", "pairs_given_depth", "within_given_depth", "regret")
"""What is said of a predictor. `pairs`: its rank correlation with accuracy over all blocks of all
checkpoints. `within`: the mean over checkpoints of that over their depths. `across`: the mean over
depths of that over checkpoints at the same depth. `..._given_depth`: partial ones, given depth.
`regret`: by how much the block that it ranks first is worse than the best, mean over checkpoints;
of blocks that it ranks first together, their mean.
"""


@dataclass(frozen=True)
class TaskPairs:
    """Accuracy and predictors at all depths of all checkpoints, on one task."""

    task: str
    """Name of the task."""

    checkpoint_X: Int[np.ndarray, " pairs"]
    """Number of the checkpoint, from 0 without a gap; the same in all tasks."""

    depth_X: Float[np.ndarray, " pairs"]
    """Share of the blocks that are behind: 0 for the embeddings, 1 after the last block."""

    accuracy_X: Float[np.ndarray, " pairs"]
    """Accuracy in [0, 1]."""

    predictors_PX: Float[np.ndarray, "predictors pairs"]
    """What each predictor says, the larger the better; no NaN."""


@dataclass(frozen=True)
class TaskAgreement:
    """The statistics of one task, as far as checkpoints can be drawn again and again."""

    pairs: TaskPairs
    """What they are of."""

    by_checkpoint: dict[str, Float[np.ndarray, "predictors checkpoints"]]
    """`within`, `within_given_depth` and `regret` of each checkpoint."""

    @property
    def num_checkpoints(self) -> int:
        """Number of checkpoints."""
        return int(self.pairs.checkpoint_X.max()) + 1

    def statistics(
        self, drawn_O: Int[np.ndarray, " checkpoints"] | None = None
    ) -> Float[np.ndarray, "statistics predictors"]:
        """Each of `STATISTICS` for each predictor; NaN where it is not defined.

        Args:
            drawn_O: the checkpoints to take, some of them repeatedly; None for each once.
        """
        drawn_O = np.arange(self.num_checkpoints) if drawn_O is None else drawn_O
        pairs = self.pairs
        kept_X = np.concatenate(
            [np.flatnonzero(pairs.checkpoint_X == checkpoint) for checkpoint in drawn_O]
        )
        depth_X, accuracy_X = pairs.depth_X[kept_X], pairs.accuracy_X[kept_X]
        predictors_PX = pairs.predictors_PX[:, kept_X]
        said = {
            "pairs": rank_correlations(predictors_PX, accuracy_X),
            "across": _across(predictors_PX, accuracy_X, depth_X),
            "pairs_given_depth": partial_rank_correlations(predictors_PX, accuracy_X, depth_X),
        }
        said |= {
            name: _mean_known(values_PO[:, drawn_O])
            for name, values_PO in self.by_checkpoint.items()
        }
        return np.stack([said[name] for name in STATISTICS])

    def above(
        self, predictor: int, drawn_O: Int[np.ndarray, " checkpoints"] | None = None
    ) -> Float[np.ndarray, "statistics predictors"]:
        """By how much each predictor's `statistics` are above those of one of them.

        What is a mean over checkpoints is compared over those in which both are defined: a
        predictor that is the same at all depths of one has no correlation there.

        Args:
            predictor: number of the predictor to compare with.
            drawn_O: the checkpoints to take, some of them repeatedly; None for each once.
        """
        drawn_O = np.arange(self.num_checkpoints) if drawn_O is None else drawn_O
        statistics_SP = self.statistics(drawn_O)
        above_SP = statistics_SP - statistics_SP[:, [predictor]]
        for name, values_PO in self.by_checkpoint.items():
            drawn_PO = values_PO[:, drawn_O]
            above_SP[STATISTICS.index(name)] = _mean_known(drawn_PO - drawn_PO[predictor])
        return above_SP


def task_agreement(pairs: TaskPairs) -> TaskAgreement:
    """The statistics of one task, those of single checkpoints already formed.

    Raises ValueError where the predictors are not all known or do not fit the accuracies.
    """
    if pairs.predictors_PX.shape[1:] != pairs.accuracy_X.shape or not len(pairs.accuracy_X):
        raise ValueError(
            f"{pairs.task} has {len(pairs.accuracy_X)} accuracies and predictors of shape "
            f"{pairs.predictors_PX.shape}: one of each predictor is needed for each accuracy."
        )
    if np.isnan(pairs.predictors_PX).any() or np.isnan(pairs.accuracy_X).any():
        raise ValueError(f"a predictor or an accuracy of {pairs.task} is NaN: leave it out.")
    by_checkpoint: dict[str, list[np.ndarray]] = {}
    for checkpoint in range(int(pairs.checkpoint_X.max()) + 1):
        own_X = pairs.checkpoint_X == checkpoint
        predictors_PD, accuracy_D = pairs.predictors_PX[:, own_X], pairs.accuracy_X[own_X]
        is_first_PD = predictors_PD == predictors_PD.max(axis=1, keepdims=True)
        chosen_P = (is_first_PD * accuracy_D).sum(axis=1) / is_first_PD.sum(axis=1)
        for name, values_P in (
            ("within", rank_correlations(predictors_PD, accuracy_D)),
            (
                "within_given_depth",
                partial_rank_correlations(predictors_PD, accuracy_D, pairs.depth_X[own_X]),
            ),
            ("regret", accuracy_D.max() - chosen_P),
        ):
            by_checkpoint.setdefault(name, []).append(values_P)
    return TaskAgreement(
        pairs, {name: np.stack(values, axis=1) for name, values in by_checkpoint.items()}
    )


def _across(predictors_PX: np.ndarray, accuracy_X: np.ndarray, depth_X: np.ndarray) -> np.ndarray:
    at_depths = [
        rank_correlations(predictors_PX[:, depth_X == depth], accuracy_X[depth_X == depth])
        for depth in np.unique(depth_X)
    ]
    return _mean_known(np.stack(at_depths, axis=1))


def _mean_known(values_PX: np.ndarray) -> np.ndarray:
    """The mean of each row's values that are no NaN; NaN where there is none."""
    known_PX = ~np.isnan(values_PX)
    num_P = known_PX.sum(axis=1)
    sum_P = np.where(known_PX, values_PX, 0).sum(axis=1)
    return np.where(num_P > 0, sum_P / np.maximum(num_P, 1), np.nan)
