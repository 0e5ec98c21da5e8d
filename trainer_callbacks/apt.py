"""Accuracy per token of the model in training, at every depth."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import numpy as np

from hf_apt.atomic import writing
from hf_apt.stats.apt import masked_accuracy, mean_apt
from hf_apt.stats.counts import TREATMENTS, DepthCounts
from hf_apt.stats.estimates import plain
from hf_apt.stats.measures.readout import Readout
from trainer_callbacks.depth_callback import DepthCallback
from trainer_callbacks.files import StepFiles


class AptCallback(DepthCallback):
    """Accuracy per token (APT) and its mean, the order parameter, at every depth
    (arXiv 2509.03407).

    When and on which data, and what is raised: see `DepthCallback`. A causal model is asked for the
    next token at every position that has a label; it never sees it, so all positions count as
    masked.

    Scalars, in [0, 1] and after the prefix of the data (`eval_`): `mean_apt` at the last depth
    with its standard error `mean_apt_stderr`, `mean_apt_depth_<d>`, and
    `masked_accuracy_depth_<d>` (`next_token_accuracy_depth_<d>` of a causal model). With them the
    figures of every measure (`hf_apt.stats.measures.registry`) at every depth:
    `cross_entropy_depth_<d>` in nats, `final_answers_depth_<d>` and `settled_answers_depth_<d>`,
    shares. List this callback before others that read metrics, such as `EarlyStoppingCallback`.

    Tables, in `<output_dir>/apt/`: `eval-step-<step>.json`, the estimates at every depth pooled and
    by treatment; `eval-step-<step>.npz`, `hits` (D, V) and `support` (V,) of every token.
    """

    folder: ClassVar[str] = "apt"

    def scores(self, readout: Readout, *, is_causal: bool) -> dict[str, float]:
        """The scalars to log, without the prefix of the data."""
        counts = readout.counts
        hits_DV, support_V = counts.hits(), counts.support()
        means = [mean_apt(hits_V, support_V) for hits_V in hits_DV]
        accuracy = "next_token_accuracy" if is_causal else "masked_accuracy"
        return {
            "mean_apt": means[-1].value,
            "mean_apt_stderr": means[-1].standard_error,
            **{f"mean_apt_depth_{depth}": mean.value for depth, mean in enumerate(means)},
            **{
                f"{accuracy}_depth_{depth}": masked_accuracy(hits_V, support_V).value
                for depth, hits_V in enumerate(hits_DV)
            },
            **{
                f"{key}_depth_{depth}": figure.value
                for depth, figures in enumerate(readout.figures())
                for key, figure in figures.items()
            },
        }

    def write(self, readout: Readout, files: StepFiles, name: tuple[str, int], words: Any):
        """Write the estimates and the counts of every token."""
        counts, figures = readout.counts, readout.figures()
        with writing(files.path(*name, "npz"), "wb") as file:
            np.savez_compressed(file, hits=counts.hits(), support=counts.support())
        depths = [
            {
                "depth": depth,
                **{
                    treatment or "pooled": {
                        "mean_apt": plain(mean_apt(hits_DV[depth], support_V)),
                        "accuracy": plain(masked_accuracy(hits_DV[depth], support_V)),
                    }
                    for treatment, hits_DV, support_V in _by_treatment(counts)
                },
                **plain(figures[depth]),
            }
            for depth in range(counts.num_depths)
        ]
        with writing(files.path(*name, "json")) as file:
            json.dump({"step": name[1], "depths": depths}, file, indent=1)


def _by_treatment(counts: DepthCounts) -> list[tuple[str | None, np.ndarray, np.ndarray]]:
    """Hits (D, V) and support (V,), pooled and of each treatment that occurred."""
    entries = [(t, counts.hits(t), counts.support(t)) for t in (None, *TREATMENTS)]
    return [entry for entry in entries if entry[2].any()]
