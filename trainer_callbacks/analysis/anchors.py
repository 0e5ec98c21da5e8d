"""The anchor vector of the model in training: when does its log-partition become linear?"""

from __future__ import annotations

import json
import logging
import math
from contextlib import closing
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hf_apt.analysis.anchors.anchor_reader import AnchorReader, require_word_vectors
from hf_apt.atomic import writing
from hf_apt.depths.depth_pass import read, totals
from hf_apt.stats.anchors.anchor_fit import AnchorFit
from hf_apt.stats.anchors.bulk import AnchorBulk
from hf_apt.stats.estimates import plain
from trainer_callbacks.files import StepFiles, warned_of
from trainer_callbacks.known_tokenizer import known_tokenizer, mask_id
from trainer_callbacks.measurement import (
    Measurement,
    asked_of,
    loaded,
    raise_in_all,
    reading,
    said,
)
from trainer_callbacks.peers import log, objective_sums_metrics, prefix_of, require_alone
from trainer_callbacks.schedule import whole_number
from trainer_callbacks.sources import evaluated

_logger = logging.getLogger(__name__)


class AnchorCallback(TrainerCallback):
    """How well one vector predicts the log-partition of the model in training, at each evaluation.

    At the positions that the evaluation asks for, the labels of a masked model and each next token
    of a causal one, the logarithm of the partition function is fitted by an affine function of the
    state that enters the output layer, at every depth by the model's own head, on rows that were
    not fitted on (`hf_apt.anchor_fit`; Wu, Lee, Ge, NeurIPS 2023). Labels that the collator makes
    are the same ones at every evaluation. The model learns what it would have learnt without.

    Logged after the prefix of the data (`eval_`): `anchor_r_squared` of the last depth, the share
    of the variance that is explained, NaN where the log-partition does not vary. With
    `detail="all"` also `log_partition_variance`, and at each depth d `anchor_r_squared_depth_<d>`.
    Tables of all depths with errors are in `<output_dir>/anchors/eval-step-<step>.json`.

    What cannot be measured or written after training has begun gets a warning, and training goes
    on.

    Args:
        bulk: which words are summed over; all if None.
        detail: `few` scalars, or `all`.
        seed: seed of the labels where the collator makes them, at least 0.

    Raises:
        ValueError: for an unknown detail and a negative seed; before training begins if the model
            has no linear output layer, if the Trainer has two such callbacks, or if nothing can be
            written to the output folder.
    """

    def __init__(self, *, bulk: AnchorBulk | None = None, detail: str = "few", seed: int = 2509):
        if detail not in ("few", "all"):
            raise ValueError(f"detail is {detail!r}: choose one of few, all.")
        self.bulk = AnchorBulk() if bulk is None else bulk
        self.detail = detail
        self.measurement = Measurement(seed=whole_number("seed", seed, at_least=0))

    def files(self, args: TrainingArguments) -> StepFiles:
        """Where the tables are.

        Args:
            args: the arguments of the training.

        Returns:
            The step-numbered files in the output folder.
        """
        from pathlib import Path

        return StepFiles(Path(args.output_dir or ".") / "anchors")

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Refuse a model without word vectors; drop the files of steps that are trained again."""
        require_alone(self)
        self.bulk.require_fit(
            len(require_word_vectors(self.measurement.begin(event["model"])).weight)
        )
        problem = None
        if state.is_world_process_zero:
            try:
                self.files(args).begin(state.global_step)
            except ValueError as error:
                problem = str(error)
        raise_in_all(problem)

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        *,
        metrics: dict[str, float],
        **event: Any,
    ) -> None:
        """Fit, and add the scalars to what the evaluation returns.

        Args:
            args: the arguments of the training.
            state: where the training is.
            control: what the Trainer is asked to do next.
            metrics: the metrics of the evaluation, which are added to.
            **event: what else a Trainer tells its callbacks, such as the model.
        """
        prefix = prefix_of(metrics)
        try:
            fits_D = self.fits(args, event)
        except Exception as error:  # training is to go on, whatever cannot be measured
            _logger.warning(
                "%s at step %d: %s", type(self).__name__, state.global_step, said(error)
            )
            return
        few = {f"{prefix}_anchor_r_squared": _share(fits_D[-1])}
        scores = few | (self._all(prefix, fits_D) if self.detail == "all" else {})
        if not objective_sums_metrics():
            metrics.update(scores)
        if state.is_world_process_zero:
            files = self.files(args)
            with warned_of(files.folder):
                _write(files, (prefix, state.global_step), fits_D)
        log(args, state, control, scores, printed=few)

    def fits(self, args: TrainingArguments, event: dict[str, Any]) -> list[AnchorFit]:
        """The fits at every depth, of the data that was evaluated, the same in all processes.

        Args:
            args: the arguments of the training.
            event: what a Trainer tells its callbacks: the model and the loader.

        Returns:
            For each depth the fit.

        Raises:
            ValueError: in all processes, if one cannot read the data, and for fewer than two rows.
        """
        head = self.measurement.head_of(event["model"])
        problem, reader = None, None
        with reading(head.trunk.model):
            data = loaded(evaluated(event["eval_dataloader"]), self.measurement.seed)
            mask = mask_id(known_tokenizer(event, data))
            try:
                reader = AnchorReader(head, self.bulk, None)
                with closing(asked_of(data, head.trunk, mask, args)) as batches:
                    read(head.trunk, batches, [reader])
            except Exception as error:  # data can be broken in any way: training is to go on
                problem = said(error)
        raise_in_all(problem)
        assert reader is not None, "a process without one has a problem"
        return reader.fits(totals({"anchors": reader})["anchors"])

    def _all(self, prefix: str, fits_D: list[AnchorFit]) -> dict[str, float]:
        return {f"{prefix}_log_partition_variance": fits_D[-1].variance.value} | {
            f"{prefix}_anchor_r_squared_depth_{depth}": _share(fit)
            for depth, fit in enumerate(fits_D)
        }


def _share(fit: AnchorFit) -> float:
    return math.nan if fit.r_squared is None else fit.r_squared["affine"].value


def _write(files: StepFiles, name: tuple[str, int], fits_D: list[AnchorFit]) -> None:
    depths = [
        {
            "depth": depth,
            "num": fit.num,
            "mean": fit.mean,
            "variance": fit.variance,
            "r_squared": None if fit.r_squared is None else dict(fit.r_squared),
            "errors": dict(fit.errors),
            "rank": fit.rank,
            "cosine_to_mean_word": fit.cosine_to_mean_word,
        }
        for depth, fit in enumerate(fits_D)
    ]
    with writing(files.claimed(*name, "json")) as file:
        json.dump(plain({"step": name[1], "depths": depths}), file, indent=1)
