"""Which sentence of each minimal pair is the more likely one, at every depth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from hf_apt.stats.estimates import Estimate, mean_estimate
from hf_apt.stats.likelihood.sentence_scores import SentenceScores
from hf_apt.stats.notebooks.shown import ShownInNotebooks

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class PairScores(ShownInNotebooks):
    """The log-likelihoods of pairs of sentences of which the first is the acceptable one."""

    good: SentenceScores
    """The acceptable sentences, in the order of the pairs."""

    bad: SentenceScores
    """The unacceptable sentences, in the order of the pairs."""

    paradigms: tuple[str, ...]
    """The paradigm that each pair belongs to."""

    def facts(self) -> dict[str, str]:
        """How much was scored, and the accuracy after the last block."""
        last = self.overall()[-1]
        return {
            "kind": self.good.kind,
            "pairs": f"{len(self.paradigms):,} of {len(set(self.paradigms)):,} paradigms",
            "accuracy": f"{last.value:.4g} ± {last.standard_error:.2g}, last depth",
        }

    @property
    def preferred_DP(self) -> Float[np.ndarray, "depth pairs"]:
        """1 where the acceptable sentence is the more likely one, 0 where the other is.

        0.5 where both are equally likely.
        """
        difference_DP = self.good.log_likelihood_DS - self.bad.log_likelihood_DS
        return (np.sign(difference_DP) + 1) / 2

    def accuracy(self) -> dict[str, list[Estimate]]:
        """For each paradigm, in order of appearance, the accuracy at each depth.

        The share of pairs of which the acceptable sentence is preferred, from 0 to 1, chance 0.5;
        equal ones count by half. The standard error is that over pairs. Source: BLiMP, Warstadt et
        al., arXiv 1912.00582, section 4; the depths, ties and errors are ours.
        """
        names = np.array(self.paradigms)
        preferred_DP = self.preferred_DP
        return {
            name: [mean_estimate(values_P) for values_P in preferred_DP[:, names == name]]
            for name in dict.fromkeys(self.paradigms)
        }

    def overall(self) -> list[Estimate]:
        """At each depth the unweighted mean of the paradigms' accuracies.

        Its standard error is over pairs, for these paradigms: other ones could be harder. It is NaN
        where a paradigm has one pair alone. `num` is the number of paradigms.
        """
        by_paradigm = list(self.accuracy().values())
        return [_mean(estimates) for estimates in zip(*by_paradigm, strict=True)]

    def to_pandas(self) -> pd.DataFrame:
        """A row for each paradigm at each depth.

        Columns: `paradigm`, `depth`, `accuracy`, `standard_error`, `num_pairs`.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "paradigm": name,
                "depth": depth,
                "accuracy": at.value,
                "standard_error": at.standard_error,
                "num_pairs": at.num,
            }
            for name, estimates in self.accuracy().items()
            for depth, at in enumerate(estimates)
        )


def _mean(estimates: Sequence[Estimate]) -> Estimate:
    num = len(estimates)
    error = math.sqrt(math.fsum(at.standard_error**2 for at in estimates)) / num
    return Estimate(math.fsum(at.value for at in estimates) / num, error, num)
