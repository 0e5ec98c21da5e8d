"""Exact, sparse, mergeable counts of which token was asked for and which was answered.

They are the sufficient statistic of everything else: accuracy per token is their diagonal over
their row sums, the token confusion matrix is made of nothing else, clusters are read off it.
Integers only; a division happens when a value is read.
"""

from hf_apt.stats.counts.depth_counts import TREATMENTS, DepthCounts
from hf_apt.stats.counts.pair_counts import PairCounts
from hf_apt.stats.counts.token_ids import refuse_outside
from hf_apt.stats.not_asked import NOT_ASKED

__all__ = ["NOT_ASKED", "TREATMENTS", "DepthCounts", "PairCounts", "refuse_outside"]
