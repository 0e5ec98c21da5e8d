"""Clusters of strong-match tokens, read off the normalised confusion matrix.

That they exist and are small and finite is claimed by arXiv 2509.03407; the paper's threshold and
algorithm are not known to us, so thresholds are swept and four definitions are reported (ours).
Three hold a confusion against the right answers, so that a model that is nearly always right has no
cluster left; `errors` holds it against the wrong answers, and shows what such a model confuses.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from jaxtyping import Bool, Int
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from hf_apt.stats.confusion import Confusion
from hf_apt.stats.notebooks.shown import ShownInNotebooks

if TYPE_CHECKING:
    import pandas as pd

Definition = Literal["row", "mutual", "weak", "errors"]
"""`row`: each kept token with its own strong matches (sets may overlap). `mutual`: components of
the strong matches that hold in both directions. `weak`: components whatever the direction.
`errors`: as `mutual`, of the strong matches by share of a token's wrong answers."""

Basis = Literal["right", "wrong"]
"""What a confusion is a share of: the token's right answers, or its wrong answers."""

DEFINITIONS: tuple[Definition, ...] = get_args(Definition)
THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.5)
"""The thresholds of the sweep; none is known to be the paper's."""
HEADLINE: tuple[Definition, float] = ("mutual", 0.05)
"""The definition and threshold that tables show where there is room for one."""
PLANTED_HEADLINE: tuple[Definition, float] = ("weak", 0.05)
"""The pair under which the exact best predictor's own confusion gives back the planted classes."""
ERRORS_HEADLINE: tuple[Definition, float] = ("errors", 0.2)
"""The pair that tables show beside `HEADLINE`: of 20 tokens each has a twentieth of the wrong
answers by chance, and a fifth is four times that. No more than six tokens can all match so."""


@dataclass(frozen=True)
class TokenClusters(ShownInNotebooks):
    """The clusters of one definition at one threshold."""

    definition: Definition
    """Definition by which the clusters are formed."""

    strong_match_threshold: float
    """Smallest normalised confusion, for `errors` smallest share of a token's wrong answers, that
    counts as a strong match."""

    members: tuple[Int[np.ndarray, " _"], ...]
    """Token ids of each cluster of two or more, largest first, then by first token id.

    For `row` the first id is the token whose row it is, then its matches, strongest first.
    """

    covered_V: Bool[np.ndarray, " vocab"]
    """Tokens that could be put in a cluster: the kept tokens and, for `row` and `weak`, the tokens
    that a kept token is confused with."""

    num_kept: int
    """Tokens that passed the row filter."""

    num_matched: int
    """Kept tokens with at least one strong match under this definition."""

    def facts(self) -> dict[str, str]:
        """The definition and threshold, the number of clusters and the sizes.

        Returns:
            The figures as text, by what they are called.
        """
        sizes = self.sizes()
        return {
            "definition": f"{self.definition}, from {self.strong_match_threshold:g}",
            "clusters": f"{len(sizes):,}",
            "largest": f"{sizes.max(initial=0):,}",
            "kept tokens": f"{self.num_kept:,}, {self.num_matched:,} with a strong match",
        }

    def to_pandas(self) -> pd.DataFrame:
        """A pandas table with a row for each token of each cluster.

        Returns:
            `cluster`, from 0 for the largest, `token`, an id, and the cluster's `size`, in the
            order of `members`. A token can be in several clusters of the definition `row`.
        """
        import pandas as pd

        sizes = self.sizes()
        return pd.DataFrame(
            {
                "cluster": np.repeat(np.arange(len(sizes)), sizes),
                "token": np.concatenate([np.empty(0, np.int64), *self.members]),
                "size": np.repeat(sizes, sizes),
            }
        )

    def sizes(self) -> Int[np.ndarray, " clusters"]:
        """The number of tokens of each cluster of two or more.

        Returns:
            Integers of shape (clusters,), in the order of `members`.
        """
        return np.array([len(tokens) for tokens in self.members], dtype=np.int64)

    def size_histogram(self) -> dict[int, int]:
        """The number of clusters of each size that occurs, two or more.

        Returns:
            Numbers of clusters, by the number of tokens in each.
        """
        return dict(sorted(Counter(self.sizes().tolist()).items()))

    def labels(self) -> Int[np.ndarray, " vocab"]:
        """The cluster of each token, where every token without one has a cluster of its own.

        Returns:
            A cluster's number for each token id, integers of shape (V,).

        Raises:
            ValueError: for `row`, whose clusters overlap.
        """
        if self.definition == "row":
            raise ValueError("`row` clusters overlap and are no partition: use another definition.")
        labels_V = np.arange(len(self.covered_V))
        for tokens in self.members:
            labels_V[tokens] = tokens[0]
        return labels_V


def strong_matches(confusion: Confusion, threshold: float, basis: Basis = "right") -> csr_array:
    """The (V, V) 0/1 matrix of strong matches: i kept, j != i, strength[i, j] >= threshold.

    The strength is the normalised confusion where the `basis` are the right answers, and the share
    of i's wrong answers that are j (`Confusion.error_shares`) where it is the wrong ones.

    Raises ValueError for a threshold outside (0, 1].
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"a strong-match threshold lies in (0, 1], got {threshold}.")
    strengths = _strong(confusion, threshold, basis)
    ones = np.ones(strengths.nnz, np.int8)
    return csr_array((ones, strengths.indices, strengths.indptr), shape=strengths.shape)


def basis_of(definition: Definition) -> Basis:
    """What a definition's strong matches are a share of."""
    return "wrong" if definition == "errors" else "right"


def _strong(confusion: Confusion, threshold: float, basis: Basis) -> csr_array:
    """The strengths of the strong matches alone."""
    shares = confusion.normalised if basis == "right" else confusion.error_shares
    places = np.flatnonzero(shares.data >= threshold)
    rows = np.searchsorted(shares.indptr, places, side="right") - 1
    columns = shares.indices[places]
    other = rows != columns
    row_starts = np.searchsorted(rows[other], np.arange(len(shares.indptr)))
    return csr_array((shares.data[places[other]], columns[other], row_starts), shape=shares.shape)


def token_clusters(confusion: Confusion, threshold: float, definition: Definition) -> TokenClusters:
    """The clusters of strong-match tokens at one threshold.

    Token j is a strong match of a kept token i if its normalised confusion reaches the threshold.
    Sources: arXiv 2509.03407 for the matches; `hf_apt.stats.clusters` says of each definition whose
    it is.

    Args:
        confusion: a confusion matrix, as `hf_apt.confusion` returns it.
        threshold: smallest normalised confusion that is a strong match, in (0, 1]; for `errors` the
            smallest share of a token's wrong answers.
        definition: `mutual`, components of the matches that hold in both directions; `weak`,
            components whatever the direction; `row`, each kept token with its own matches, so that
            clusters may overlap; `errors`, as `mutual`, of shares of wrong answers.

    Returns:
        The clusters of two or more tokens, largest first, with the numbers of tokens they are made
        of.

    Raises:
        ValueError: for an unknown definition, and for a threshold outside (0, 1].
    """
    if definition not in DEFINITIONS:
        raise ValueError(f"definition {definition!r} is none of {', '.join(DEFINITIONS)}.")
    matches = strong_matches(confusion, threshold, basis_of(definition))
    # A token dropped by the row filter has no matches of its own: it can be matched, not mutually.
    is_mutual = definition in ("mutual", "errors")
    edges = csr_array(matches.multiply(matches.T)) if is_mutual else matches
    covered_V = confusion.kept_V.copy()
    if not is_mutual:
        covered_V[matches.indices] = True
    if definition == "row":
        members = _row_members(_strong(confusion, threshold, "right"))
    else:
        members = _component_members(edges)
    has_match_V = np.diff(edges.indptr) > 0
    return TokenClusters(
        definition=definition,
        strong_match_threshold=threshold,
        members=members,
        covered_V=covered_V,
        num_kept=int(confusion.kept_V.sum()),
        num_matched=int(has_match_V.sum()),
    )


def cluster_agreement(
    labels_V: Int[np.ndarray, " vocab"],
    other_labels_V: Int[np.ndarray, " vocab"],
    tokens_V: Bool[np.ndarray, " vocab"],
) -> float:
    """Adjusted Rand index of two partitions over the chosen tokens: 1 equal, about 0 unrelated."""
    from sklearn.metrics import adjusted_rand_score  # seconds, for this alone

    return float(adjusted_rand_score(labels_V[tokens_V], other_labels_V[tokens_V]))


def _row_members(strengths: csr_array) -> tuple[np.ndarray, ...]:
    num_V = np.diff(strengths.indptr)
    rows = np.repeat(np.arange(len(num_V)), num_V)
    order = np.lexsort((strengths.indices, np.negative(strengths.data), rows))
    matched = np.flatnonzero(num_V)
    starts = strengths.indptr[matched]
    members = np.insert(strengths.indices[order], starts, matched)
    return _largest_first(members, num_V[matched] + 1)


def _component_members(edges: csr_array) -> tuple[np.ndarray, ...]:
    _, component_V = connected_components(edges, directed=True, connection="weak")
    size_V = np.bincount(component_V)[component_V]
    tokens = np.flatnonzero(size_V > 1)
    tokens = tokens[np.argsort(component_V[tokens], kind="stable")]
    starts = np.flatnonzero(np.diff(component_V[tokens], prepend=-1))
    return _largest_first(tokens, size_V[tokens[starts]])


def _largest_first(members: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, ...]:
    """The clusters that stand one after the other in `members`, put in order."""
    ends = np.cumsum(sizes)
    order = np.lexsort((members[ends - sizes], -sizes))
    bounds = zip((ends - sizes)[order].tolist(), ends[order].tolist(), strict=True)
    return tuple(members[start:end] for start, end in bounds)
