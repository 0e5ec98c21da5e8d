"""Accuracy against masking rate at every depth, from the counts of each rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_apt.stats.apt import masked_accuracy, mean_apt
from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.estimates import Estimate, plain
from hf_apt.stats.floors.diffusion_bound import diffusion_bound
from hf_apt.stats.measures.cross_entropy import CrossEntropy
from hf_apt.stats.measures.rarefied_apt import RarefiedApt
from hf_apt.stats.measures.readout import Readout
from hf_apt.stats.notebooks.shown import ShownInNotebooks
from hf_apt.stats.rarefaction import common_sizes, rarefied_mean_apt, rarefied_num_tokens

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class RateCurve(ShownInNotebooks):
    """What a model reaches at each masking rate; mean APT compares at one number of positions."""

    rates: tuple[float, ...]
    """Shares of the positions that were asked, ascending."""

    only_masks: bool
    """Whether every asked position showed a mask; else 80 % did, 10 % any token, 10 % their own."""

    readouts: tuple[Readout, ...]
    """The counts of each rate."""

    ceilings: tuple[DepthCounts, ...] = ()
    """What the exact best predictor answers at each rate, where it is known."""

    @property
    def num_positions(self) -> int:
        """Positions to which mean APT is rarefied: what all rates have, and the errors need."""
        total = min(int(readout.counts.support().sum()) for readout in self.readouts)
        least = min(_least_left(readout) for readout in self.readouts)
        return (common_sizes(least) or (total,))[-1]

    def rows(self) -> list[dict[str, Any]]:
        """The figures of each rate and depth, as a list of rows.

        Each has `rate`, `depth`, and the estimates `accuracy` over all asked positions,
        `accuracy_masked` over those that show a mask, `mean_apt`, and `rarefied_mean_apt` of
        `num_positions`, with its error over stretches of the text. Then come those of the exact
        best predictor, where it is known, with the depth `ceiling`.
        """
        rows = []
        for rate, readout in zip(self.rates, self.readouts, strict=True):
            rarefied = _rarefied(readout, self.num_positions)
            rows += [
                {
                    "rate": rate,
                    "depth": depth,
                    **_figures(readout.counts, depth),
                    "rarefied_mean_apt": mean,
                }
                for depth, mean in enumerate(rarefied)
            ]
        for rate, counts in zip(self.rates, self.ceilings, strict=False):
            mean = _rarefied(Readout(counts, {}), self.num_positions)[0]
            figures = _figures(counts, 0) | {"rarefied_mean_apt": mean}
            rows.append({"rate": rate, "depth": "ceiling", **figures})
        return rows

    def record(self) -> dict[str, Any]:
        """All as JSON, with the answer of `trained_for` and the `diffusion_bound`, or null."""
        return {
            "schema": "hf_apt.masking_rates/1",
            "only_masks": self.only_masks,
            "num_positions": self.num_positions,
            "trained_for": self.trained_for(),
            "diffusion_bound": self.diffusion_bound,
            "rates": plain(self.rows()),
        }

    def to_pandas(self) -> pd.DataFrame:
        """The rows with a column for each figure, and one with `_error` for its standard error."""
        import pandas as pd

        flat = []
        for row in self.rows():
            cells = {}
            for name, value in row.items():
                is_estimate = isinstance(value, Estimate)
                cells[name] = value.value if is_estimate else value
                if is_estimate:
                    cells[f"{name}_error"] = value.standard_error
            flat.append(cells)
        return pd.DataFrame(flat)

    def trained_for(self) -> str:
        """For which rate the model was trained, as far as the curve says, in one sentence."""
        if not self.ceilings:
            return (
                "The rate of training cannot be told from this curve: less context is shown at "
                "higher rates, so that accuracy falls whatever a model was trained for, and what "
                "could be reached at each rate is not known."
            )
        shares = [
            _accuracy(readout.counts, -1).value / _accuracy(ceiling, 0).value
            for readout, ceiling in zip(self.readouts, self.ceilings, strict=True)
        ]
        best = int(np.argmax(shares))
        return (
            f"The model is nearest to the exact best predictor at a masking rate of "
            f"{self.rates[best]:g}, where it reaches {shares[best]:.3f} of its accuracy; a model "
            "that was trained at another rate may be nearest there, too."
        )

    @property
    def diffusion_bound(self) -> float | None:
        """What the last depth needs as a masked diffusion model, in nats a token at most.

        None unless every asked position showed a mask, and the last rate is 1
        (`hf_apt.stats.floors.diffusion_bound`).
        """
        losses = [readout.measures.get(CrossEntropy.name) for readout in self.readouts]
        kept = [float(loss.mean()[-1]) for loss in losses if isinstance(loss, CrossEntropy)]
        if not self.only_masks or self.rates[-1] != 1 or len(kept) != len(self.rates):
            return None
        return diffusion_bound(self.rates, kept)

    def as_diffusion(self) -> str:
        """How the model would do as one of masked diffusion, in one sentence."""
        bound = self.diffusion_bound
        if bound is None:
            return (
                "How far the model is from masked diffusion is told where every asked position "
                "shows a mask and rates go up to 1 (--only-masks)."
            )
        return (
            f"As a model of masked diffusion it needs {bound:.3f} nats a token at most: the mean "
            "of its cross-entropy over all masking rates (arXiv 2406.07524)."
        )

    def facts(self) -> dict[str, str]:
        """Accuracy and rarefied mean APT of the last depth at each rate."""
        last = self.readouts[0].counts.num_depths - 1
        return {
            f"rate {row['rate']:g}": f"accuracy {row['accuracy'].value:.4f}, mean APT of "
            f"{self.num_positions:,} positions {row['rarefied_mean_apt'].value:.4f}"
            for row in self.rows()
            if row["depth"] == last
        }

    def __repr__(self) -> str:
        return "\n".join(
            ["RateCurve", *(f"  {name}: {text}" for name, text in self.facts().items())]
        )


def _accuracy(counts: DepthCounts, depth: int, treatment: str | None = None) -> Estimate:
    pairs = counts.at(depth, treatment)
    return masked_accuracy(pairs.hits(), pairs.support())


def _figures(counts: DepthCounts, depth: int) -> dict[str, Estimate]:
    pairs = counts.at(depth)
    return {
        "accuracy": _accuracy(counts, depth),
        "accuracy_masked": _accuracy(counts, depth, "masked"),
        "mean_apt": mean_apt(pairs.hits(), pairs.support()),
    }


def _least_left(readout: Readout) -> int:
    """Positions that are left where the largest group of sequences is taken away; all of one."""
    total = int(readout.counts.support().sum())
    measure = readout.measures.get(RarefiedApt.name)
    if not isinstance(measure, RarefiedApt):
        return total
    answers = measure.grouped()
    sizes_G = np.bincount(answers.groups_K, answers.support_K)
    return total - int(sizes_G.max(initial=0)) if np.count_nonzero(sizes_G) > 1 else total


def _rarefied(readout: Readout, num_positions: int) -> Sequence[Estimate]:
    support_V, hits_DV = readout.counts.support(), readout.counts.hits()
    measure = readout.measures.get(RarefiedApt.name)
    if isinstance(measure, RarefiedApt):
        values_D, errors_D = measure.rarefied([num_positions])[:, 0]
    else:
        values_D = rarefied_mean_apt(hits_DV, support_V, num_positions)
        errors_D = np.full(len(values_D), np.nan)
    num = round(rarefied_num_tokens(support_V, num_positions))
    return [Estimate(float(v), float(e), num) for v, e in zip(values_D, errors_D, strict=True)]
