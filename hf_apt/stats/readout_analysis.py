"""One readout's confusion tables and clusters at every depth, each formed once."""

from __future__ import annotations

from functools import cached_property
from typing import Self

import numpy as np
from jaxtyping import Int

from hf_apt.stats.clusters import Definition, TokenClusters, token_clusters
from hf_apt.stats.confusion import Confusion, confusion
from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.measures.readout import Readout


class ReadoutAnalysis:
    """What summary, page and card read off one readout, formed when it is first asked for.

    A confusion table takes up to 32 bytes a distinct pair, and 16 more for each wrong answer
    that was given more than once, for as long as the analysis is held.
    """

    def __init__(self, readout: Readout):
        self.readout = readout
        self._tables: dict[int, Confusion] = {}
        self._clusters: dict[tuple[int, float, Definition], TokenClusters] = {}

    @classmethod
    def of_counts(cls, counts: DepthCounts) -> Self:
        """The analysis of counts alone, without measures."""
        return cls(Readout(counts, {}))

    @property
    def counts(self) -> DepthCounts:
        """The counts that all else is read off."""
        return self.readout.counts

    @cached_property
    def hits_DV(self) -> Int[np.ndarray, "depth vocab"]:
        """Right answers of each token at each depth."""
        return self.counts.hits()

    @cached_property
    def support_V(self) -> Int[np.ndarray, " vocab"]:
        """Modified occurrences of each token."""
        return self.counts.support()

    def table(self, depth: int) -> Confusion:
        """The confusion table of one depth."""
        if depth not in self._tables:
            self._tables[depth] = confusion(self.counts.at(depth))
        return self._tables[depth]

    def clusters(self, depth: int, threshold: float, definition: Definition) -> TokenClusters:
        """The clusters of one depth by one threshold and definition."""
        key = depth, threshold, definition
        if key not in self._clusters:
            self._clusters[key] = token_clusters(self.table(depth), threshold, definition)
        return self._clusters[key]
