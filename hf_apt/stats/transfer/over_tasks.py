"""Statistics of predictors, mean over tasks, with errors by drawing tasks and checkpoints."""
# J tasks, P predictors, O checkpoints.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hf_apt.stats.estimates import Estimate
from hf_apt.stats.transfer.task_agreement import STATISTICS, TaskPairs, task_agreement

LEAST = 3
"""Tasks, and checkpoints, below which no error is said."""


@dataclass(frozen=True)
class PredictorAgreement:
    """One statistic of one predictor, mean over tasks."""

    value: Estimate
    """The mean over tasks; its error is over tasks and checkpoints together."""

    over_tasks: float
    """The error over tasks alone, the checkpoints being as they are; NaN below three tasks."""

    minus_depth: Estimate
    """By how much it is above that of depth ("deeper is better"), on the same draws, tasks and
    checkpoints; for `regret`, below 0 means that less is lost."""

    num_undefined: int
    """Pairs of a task and a checkpoint in which it is not defined and left out, of those statistics
    that are formed for each checkpoint; 0 for the others."""


def agreement_over_tasks(
    tasks: Sequence[TaskPairs], depth: int, *, num_draws: int = 200, seed: int = 0
) -> list[dict[str, PredictorAgreement]]:
    """What each predictor is worth: every one of `STATISTICS`, with errors.

    Errors are standard deviations of the mean over draws with replacement, of tasks and of
    checkpoints independently (the pigeonhole bootstrap, Owen 2007, Annals of Applied Statistics 1,
    386); where there are fewer than three checkpoints, of tasks alone; where there are fewer than
    three tasks, NaN. They are enlarged by root(J / (J - 1)), so that the error over J tasks alone
    is what it would be of their mean (ours).

    Args:
        tasks: accuracies and predictors of the same checkpoints on each task.
        depth: number of the predictor that is depth itself.
        num_draws: number of draws.
        seed: their seed.

    Returns:
        For each predictor, its agreement by statistic. `num` of an estimate is that of tasks.

    Raises:
        ValueError: for no task, tasks of different checkpoints, and what `task_agreement` refuses.
    """
    agreements = [task_agreement(pairs) for pairs in tasks]
    if len({each.num_checkpoints for each in agreements}) != 1:
        raise ValueError("the tasks are not of the same checkpoints: give each task all of them.")
    num_tasks, num_checkpoints = len(agreements), agreements[0].num_checkpoints
    values_JSP = np.stack([each.statistics() for each in agreements])
    generator = np.random.default_rng(seed)
    above_JSP = np.stack([each.above(depth) for each in agreements])
    both, tasks_alone = [], []
    both_above, tasks_alone_above = [], []
    for _ in range(num_draws if num_tasks >= LEAST else 0):
        drawn_J = generator.integers(0, num_tasks, num_tasks)
        tasks_alone.append(_mean(values_JSP[drawn_J]))
        tasks_alone_above.append(_mean(above_JSP[drawn_J]))
        if num_checkpoints >= LEAST:
            drawn_O = generator.integers(0, num_checkpoints, num_checkpoints)
            drawn = {task: agreements[task] for task in np.unique(drawn_J)}
            again = {task: of.statistics(drawn_O) for task, of in drawn.items()}
            both.append(_mean(np.stack([again[task] for task in drawn_J])))
            again = {task: of.above(depth, drawn_O) for task, of in drawn.items()}
            both_above.append(_mean(np.stack([again[task] for task in drawn_J])))
    enlarged = np.sqrt(num_tasks / (num_tasks - 1)) if num_tasks > 1 else np.nan
    alone_RSP = np.array(tasks_alone)
    draws_RSP = np.array(both) if both else alone_RSP
    above_RSP = np.array(both_above) if both_above else np.array(tasks_alone_above)
    mean_SP, mean_above_SP = _mean(values_JSP), _mean(above_JSP)
    return [
        {
            name: PredictorAgreement(
                value=Estimate(
                    float(mean_SP[place, predictor]),
                    _spread(draws_RSP, place, predictor) * enlarged,
                    num_tasks,
                ),
                over_tasks=_spread(alone_RSP, place, predictor) * enlarged,
                minus_depth=Estimate(
                    float(mean_above_SP[place, predictor]),
                    _spread(above_RSP, place, predictor) * enlarged,
                    num_tasks,
                ),
                num_undefined=sum(
                    int(np.isnan(each.by_checkpoint[name][predictor]).sum())
                    for each in agreements
                    if name in each.by_checkpoint
                ),
            )
            for place, name in enumerate(STATISTICS)
        }
        for predictor in range(mean_SP.shape[1])
    ]


def _mean(values_JSP: np.ndarray) -> np.ndarray:
    """The mean over the tasks in which a statistic is defined."""
    known_JSP = ~np.isnan(values_JSP)
    num_SP = known_JSP.sum(axis=0)
    sum_SP = np.where(known_JSP, values_JSP, 0).sum(axis=0)
    return np.where(num_SP > 0, sum_SP / np.maximum(num_SP, 1), np.nan)


def _spread(draws_RSP: np.ndarray, place: int, predictor: int) -> float:
    if not len(draws_RSP):
        return float("nan")
    values_R = draws_RSP[:, place, predictor]
    values_R = values_R[~np.isnan(values_R)]
    return float(values_R.std(ddof=1)) if len(values_R) > 1 else float("nan")
