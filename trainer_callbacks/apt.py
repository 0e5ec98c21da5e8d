"""Accuracy per token of the model in training, at every depth."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from transformers import TrainerState, TrainingArguments

from hf_apt.atomic import writing
from hf_apt.depths.decoded import NO_FIGURE, DecodedTotal
from hf_apt.stats.apt import masked_accuracy, mean_apt
from hf_apt.stats.counts import TREATMENTS, DepthCounts
from hf_apt.stats.estimates import Estimate, plain
from trainer_callbacks.depth_callback import DepthCallback
from trainer_callbacks.files import StepFiles
from trainer_callbacks.peers import MeanAptReader, peers


class AptCallback(DepthCallback):
    """Accuracy per token (APT) and its mean, the order parameter, at every depth
    (arXiv 2509.03407).

    When and on which data, and what is raised: see `DepthCallback`. A causal model is asked for the
    next token at every position that has a label; it never sees it, so all positions count as
    masked.

    Scalars, after the prefix of the data (`eval_`), at the last depth: `mean_apt`, in [0, 1], with
    its standard error `mean_apt_standard_error` over `num_tokens` tokens, and `masked_accuracy`
    (`next_token_accuracy` of a causal model). With `detail="all"` also
    `masked_accuracy_standard_error` over `num_positions`, and at every depth d
    `mean_apt_depth_<d>`, `masked_accuracy_depth_<d>` and the figures of every measure
    (`hf_apt.stats.measures.registry`), such as `cross_entropy_depth_<d>` in nats. List this
    callback before others that read metrics, such as `EarlyStoppingCallback`.

    Tables, in `<output_dir>/apt/`: `eval-step-<step>.json`, the estimates at every depth pooled and
    by treatment; `eval-step-<step>.npz`, `hits` (D, V) and `support` (V,) of every token; hits
    are -1 at depths where answers are missing.
    """

    folder: ClassVar[str] = "apt"
    few: ClassVar[tuple[str, ...]] = (
        *("mean_apt", "mean_apt_standard_error", "num_tokens"),
        *("masked_accuracy", "next_token_accuracy"),
    )

    def scores(self, total: DecodedTotal, *, is_causal: bool) -> dict[str, float]:
        """The scalars to log, without the prefix of the data; NaN where answers are missing."""
        hits_DV, support_V = total.readout.counts.hits(), total.readout.counts.support()
        means = _at_answered(total, mean_apt, hits_DV, support_V)
        accuracies = _at_answered(total, masked_accuracy, hits_DV, support_V)
        accuracy = "next_token_accuracy" if is_causal else "masked_accuracy"
        return {
            "mean_apt": means[-1].value,
            "mean_apt_standard_error": means[-1].standard_error,
            "num_tokens": means[-1].num,
            accuracy: accuracies[-1].value,
            f"{accuracy}_standard_error": accuracies[-1].standard_error,
            "num_positions": accuracies[-1].num,
            **{f"mean_apt_depth_{depth}": mean.value for depth, mean in enumerate(means)},
            **{f"{accuracy}_depth_{depth}": share.value for depth, share in enumerate(accuracies)},
            **{
                f"{key}_depth_{depth}": figure.value
                for depth, figures in enumerate(total.figures())
                for key, figure in figures.items()
            },
        }

    def write(self, total: DecodedTotal, files: StepFiles, name: tuple[str, int], words: Any):
        """Write the estimates and the counts of every token."""
        counts, figures = total.readout.counts, total.figures()
        hits_DV = counts.hits()
        hits_DV[total.unanswered_D > 0] = -1
        with writing(files.claimed(*name, "npz"), "wb") as file:
            np.savez_compressed(file, hits=hits_DV, support=counts.support())
        estimates = {
            treatment or "pooled": {
                "mean_apt": _at_answered(total, mean_apt, hits_DV, support_V),
                "accuracy": _at_answered(total, masked_accuracy, hits_DV, support_V),
            }
            for treatment, hits_DV, support_V in self._by_treatment(counts)
        }
        depths = [
            {
                "depth": depth,
                **{
                    treatment: {key: plain(values[depth]) for key, values in kinds.items()}
                    for treatment, kinds in estimates.items()
                },
                **plain(figures[depth]),
            }
            for depth in range(counts.num_depths)
        ]
        with writing(files.claimed(*name, "json")) as file:
            json.dump({"step": name[1], "depths": depths}, file, indent=1)

    def tell(
        self, args: TrainingArguments, state: TrainerState, prefix: str, total: DecodedTotal
    ) -> None:
        """Tell mean APT at every depth to callbacks that show it (`on_mean_apt`)."""
        hits_DV, support_V = total.readout.counts.hits(), total.readout.counts.support()
        means_D = [mean.value for mean in _at_answered(total, mean_apt, hits_DV, support_V)]
        for peer in peers():
            if isinstance(peer, MeanAptReader):
                peer.on_mean_apt(args, state, prefix=prefix, means_D=means_D)

    def _by_treatment(self, counts: DepthCounts) -> list[tuple[str | None, np.ndarray, np.ndarray]]:
        """Hits (D, V) and support (V,), pooled and of each treatment that occurred, if known."""
        kinds = (None, *TREATMENTS) if self.measurement.knows_treatments else (None,)
        entries = [(kind, counts.hits(kind), counts.support(kind)) for kind in kinds]
        return [entry for entry in entries if entry[2].any()]


def _at_answered(
    total: DecodedTotal,
    estimate: Callable[[np.ndarray, np.ndarray], Estimate],
    hits_DV: np.ndarray,
    support_V: np.ndarray,
) -> list[Estimate]:
    """The estimate at each depth; none where answers are missing."""
    answered = set(total.answered_depths)
    return [
        estimate(hits_V, support_V) if depth in answered else NO_FIGURE
        for depth, hits_V in enumerate(hits_DV)
    ]
