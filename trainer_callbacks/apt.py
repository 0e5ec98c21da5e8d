"""Accuracy per token of the model in training, at every depth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from transformers import TrainerControl, TrainerState, TrainingArguments

from hf_apt.atomic import writing
from hf_apt.depths.decoded import DecodedTotal
from hf_apt.depths.head_config import HeadConfig, HeadsName
from trainer_callbacks.apt_figures import apt_scalars, depth_entries, mean_apts, token_arrays
from trainer_callbacks.depth_callback import DepthCallback
from trainer_callbacks.depth_heads import HeadsInTraining, HeadsMoment
from trainer_callbacks.files import StepFiles
from trainer_callbacks.head_training import TrainedHeads
from trainer_callbacks.measurement import Moment
from trainer_callbacks.never_right import never_right_entry
from trainer_callbacks.peers import MeanAptReader, peers
from trainer_callbacks.ruler import floors_entry, ruler_entry
from trainer_callbacks.same_positions import SamePositions
from trainer_callbacks.sources import Source
from trainer_callbacks.unwrapped import unwrapped


class AptCallback(DepthCallback):
    """Accuracy per token (APT) and its mean, the order parameter, at every depth.

    When and on which data it measures, and what else it refuses: see `DepthCallback`. A causal
    model is asked for the next token at every position that has a label; it never sees it, so all
    positions count as masked. Source: arXiv 2509.03407.

    Scalars, after the prefix of the data (`eval_`), at the last depth: `mean_apt`, in [0, 1], with
    its standard error `mean_apt_standard_error` over `num_tokens` tokens, and `masked_accuracy`
    (`next_token_accuracy` of a causal model). With `detail="all"` also
    `masked_accuracy_standard_error` over `num_positions`, and `num_never_right`, the number of
    tokens that were asked at least ten times and never right; and at every depth d
    `mean_apt_depth_<d>`, `masked_accuracy_depth_<d>` and the figures of every measure
    (`hf_apt.stats.measures.registry`), such as `cross_entropy_depth_<d>` in nats. List this
    callback before others that read metrics, such as `EarlyStoppingCallback`.

    Tables, in `<output_dir>/apt/`: `eval-step-<step>.json`, the estimates at every depth pooled and
    by treatment, `mean_apt_common` over the tokens asked under every treatment that occurred, on
    which alone these can be compared, and the tokens that were never right, most often asked first,
    as ids and, where the Trainer has a tokenizer, as words, with `rows`, length of the input
    embedding and output bias of the first twenty beside those of unused ids and of tokens answered
    right, by which a token that was never trained is known; null where weights are shared out among
    processes, and of heads; and `floors`, what guessers without
    context reach at the positions asked (`hf_apt.stats.floors.floors`), and `ruler`, the published
    models nearest in vocabulary and in the share of tokens asked, with one sentence on whether the
    accuracy is normal beside floors and models; `eval-step-<step>.npz`, `hits` (D, V) and `support`
    (V,) of every token, and `cross_entropy` (D, V), the sum over its positions in nats; hits and
    cross-entropies are -1 at depths where answers are missing. `hf-apt acquisition` reads them.

    Figures of two steps are of the same text: the same positions are asked at every measurement.
    Where the number of times that a token is asked has changed since the table before, as with a
    stream that goes on, a warning says so once.

    Heads for every depth: the model's own head is not made for inner blocks, and of causal models
    it says next to nothing before the last. With `heads` one of its own is trained for every depth
    on the frozen model, and asked about the same evaluation data. Its scalars are called as those
    of the own head, after `eval_linear_head_` or `eval_mlm_head_`, with `mean_apt_depth_<d>`
    whatever the detail; its tables `eval_linear_head-step-<step>`. The model, its optimizer, random
    numbers and data are left to the bit as they were.

    What heads cost: a forward pass of the model and a training step of each head for each of
    `num_steps` batches, 1,000 of 32 sequences if nothing else is said. At all measurements this can
    be more than the training itself. In training a head takes 16 bytes of memory for each of its
    weights, of which a linear one has V (H + 1) at each depth. Every process trains on whole
    batches: more processes make it no faster.

    Args:
        every: measure every so many steps; at evaluations if None.
        at_steps: measure at these steps.
        eval_dataset: data to measure on, one set or several by name; those of the evaluation if
            None.
        detail: `few` scalars, or `all`.
        seed: seed of the labels where the collator makes them, at least 0.
        heads: heads to train for every depth: `linear`, one linear map; `mlm`, BERT's whole MLM
            head; `both`; or `none`.
        heads_at: `train_end`, once, when the best model has been loaded if that was asked for;
            later evaluations of the same weights are read by these heads too. Or `measurement`, at
            each one.
        head_config: how heads are trained; the defaults of `HeadConfig` if None.
        head_dataset: data to train heads on; the Trainer's training data if None.

    Raises:
        ValueError: for an unknown detail or kind of heads, invalid steps, and a negative
            seed.
    """

    folder: ClassVar[str] = "apt"
    few: ClassVar[tuple[str, ...]] = (
        *("mean_apt", "mean_apt_standard_error", "num_tokens"),
        *("masked_accuracy", "next_token_accuracy"),
    )

    def __init__(
        self,
        *,
        every: int | None = None,
        at_steps: Sequence[int] = (),
        eval_dataset: Any = None,
        detail: str = "few",
        seed: int = 2509,
        heads: HeadsName = "none",
        heads_at: HeadsMoment = "train_end",
        head_config: HeadConfig | None = None,
        head_dataset: Any = None,
    ):
        super().__init__(
            every=every, at_steps=at_steps, eval_dataset=eval_dataset, detail=detail, seed=seed
        )
        self.heads = HeadsInTraining(
            heads=heads, at=heads_at, config=head_config, dataset=head_dataset
        )
        self._positions = SamePositions()

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Refuse what cannot be measured, and names of heads' figures that other data have."""
        self._positions = SamePositions()
        if self.heads.kinds:
            self.heads.begin(set(self._sources("eval")))
        super().on_train_begin(args, state, control, **event)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **event: Any
    ) -> None:
        """Train heads on the model that has come out, and ask them about the evaluation data."""
        if self.heads.kinds and self.heads.at == "train_end":
            moment = Moment(state, state.global_step)
            try:
                heads = self.heads.trained(self.measurement, args, event)
                for prefix, source in self._sources("eval").items():
                    self._read_by(heads, args, state, control, moment, prefix, source, event)
            except Exception as error:  # what was trained is not to be lost
                self._warn_of(error, state)
            self.heads.release()
        super().on_train_end(args, state, control, **event)

    def _measured(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        moment: Moment,
        prefix: str,
        source: Source,
        event: dict[str, Any],
    ) -> dict[str, float]:
        scores = super()._measured(args, state, control, moment, prefix, source, event)
        if not scores or not self.heads.kinds:
            return scores
        try:
            if self.heads.at == "measurement":
                heads = self.heads.trained(self.measurement, args, event)
            else:
                heads = self.heads.known(unwrapped(event["model"]))
            scores |= self._read_by(heads, args, state, control, moment, prefix, source, event)
        except Exception as error:  # training is to go on, whatever cannot be measured
            self._warn_of(error, state)
        self.heads.release()
        return scores

    def _read_by(
        self,
        heads: dict[str, TrainedHeads],
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        moment: Moment,
        prefix: str,
        source: Source,
        event: dict[str, Any],
    ) -> dict[str, float]:
        """The scalars of heads, logged, and their tables written."""
        if not heads:
            return {}
        scores: dict[str, float] = {}
        named = {kind.replace("_", " "): decoder for kind, decoder in heads.items()}
        totals = self.measurement.decoded(args, moment, source, named, event)
        for kind, total in zip(heads, totals, strict=True):
            unprefixed = self.scores(total, is_causal=self.measurement.is_causal)
            few = {*self.few, *(name for name in unprefixed if name.startswith("mean_apt_depth_"))}
            scores |= self._entered(
                args, state, control, f"{prefix}_{kind}", total, unprefixed, few, event
            )
        return scores

    def scores(self, total: DecodedTotal, *, is_causal: bool) -> dict[str, float]:
        """The scalars of APT to log of one measurement.

        Args:
            total: what the model answered at every depth.
            is_causal: whether the model was asked for next tokens.

        Returns:
            Figures by name, without the prefix of the data; NaN where answers are missing.
        """
        return apt_scalars(total, is_causal=is_causal)

    def write(
        self, total: DecodedTotal, files: StepFiles, name: tuple[str, int], words: Any
    ) -> None:
        """Write the estimates, the tokens that were never right, and the counts of every token.

        Args:
            total: what the model answered at every depth.
            files: the step-numbered files of this callback.
            name: the prefix of the data and the step.
            words: the Trainer's tokenizer, for tokens as words; None for ids.
        """
        counts = total.readout.counts
        is_of_heads = name[0].endswith(self.heads.kinds)
        if not self._training_is_over and not is_of_heads:
            self._positions.check(files, *name, counts.support())
        with writing(files.claimed(*name, "npz"), "wb") as file:
            np.savez_compressed(file, allow_pickle=False, **token_arrays(total))
        with writing(files.claimed(*name, "json")) as file:
            content = {
                "step": name[1],
                "never_right": never_right_entry(
                    total, words, None if is_of_heads else self.measurement.model
                ),
                "floors": floors_entry(total),
                "ruler": ruler_entry(total, self.measurement.asked_share),
                "depths": depth_entries(total, knows_treatments=self.measurement.knows_treatments),
            }
            json.dump(content, file, indent=1, ensure_ascii=False)

    def tell(
        self, args: TrainingArguments, state: TrainerState, prefix: str, total: DecodedTotal
    ) -> None:
        """Tell mean APT at every depth to callbacks that show it (`on_mean_apt`).

        Args:
            args: the arguments of the training.
            state: where the training is.
            prefix: prefix of the data, `eval` or `eval_<name>`.
            total: what the model answered at every depth.
        """
        means_D = mean_apts(total)
        for peer in peers():
            if isinstance(peer, MeanAptReader):
                peer.on_mean_apt(args, state, prefix=prefix, means_D=means_D)
