"""Mean APT at a number of positions that measurements have in common, with errors by sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
from jaxtyping import Float, Int

from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.estimates import Estimate, jackknife_error
from hf_apt.stats.measures.answers import Answers
from hf_apt.stats.measures.measure import OVER_SEQUENCES, Column, stored_arrays
from hf_apt.stats.rarefaction import rarefied_mean_apt, rarefied_num_tokens

RAREFIED_TO = 1000
"""Asked positions to which the headline figure is rarefied."""

NUM_GROUPS = 20
"""Groups of sequences that are left out in turn for the errors: sequence s is in group s mod 20."""

_MERGE_AT = 1 << 20


@dataclass
class RarefiedApt:
    """Right answers of each token in each of twenty groups of sequences, at every depth.

    Mean APT depends on how many positions were asked (`hf_apt.stats.rarefaction`). Its errors here
    are those of a delete-one-group jackknife over sequences (Kott, The Delete-a-Group Jackknife,
    Journal of Official Statistics 17, 2001), which holds for other text of the same kind and size:
    positions of one sequence are not independent, and common tokens occur in all of them.

    It holds 16 bytes, and 8 more for each depth, for each token in each group where it was asked.
    """

    keys_K: Int[np.ndarray, " pairs"]
    """Tokens with groups, `token * 20 + group`, ascending and distinct."""

    support_K: Int[np.ndarray, " pairs"]
    """Asked positions of each."""

    hits_DK: Int[np.ndarray, "depth pairs"]
    """Right answers at them."""

    _waiting: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)

    name: ClassVar[str] = "rarefied_apt"
    compares_depths: ClassVar[bool] = False
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "rarefied_mean_apt",
            f"mean APT of {RAREFIED_TO:,}",
            f"mean APT expected of {RAREFIED_TO:,} of the asked positions, to compare measurements"
            f" of different size, {OVER_SEQUENCES}",
        ),
    )

    @classmethod
    def empty(cls, num_depths: int, vocab_size: int = 0) -> Self:
        """Counts of no position yet."""
        nothing = np.zeros(0, np.int64)
        return cls(nothing, nothing, np.zeros((num_depths, 0), np.int64))

    def update(self, answers: Answers) -> None:
        """Count the positions of a batch."""
        keys_N = answers.references_N.astype(np.int64) * NUM_GROUPS
        keys_N += answers.sequences_N % NUM_GROUPS
        right_DN = answers.predictions_DN == answers.references_N
        self._take(keys_N, np.ones(len(keys_N), np.int64), right_DN)

    def merge(self, other: Self) -> Self:
        """These counts and those of `other`, which is left as it was."""
        self._take(*other._counted())
        return self

    def rarefied(self, sizes: Sequence[int]) -> Float[np.ndarray, "2 sizes depth"]:
        """Mean APT expected at each number of positions, and its standard error, at each depth.

        The error is NaN where less than that many positions are left without a group, or where
        there are fewer than two groups. Raises ValueError for more positions than were asked.
        """
        values_SD, left_GSD = self._estimated(sizes)
        return np.stack([values_SD, jackknife_error(left_GSD)])

    def growth(self, num_positions: int) -> list[Estimate]:
        """The growth of rarefied mean APT from each depth to the next, `num` being tokens expected.

        The error is that of the difference: both depths lose the same group. Raises ValueError as
        `rarefied` does.
        """
        values_SD, left_GSD = self._estimated([num_positions])
        errors_D = jackknife_error(np.diff(left_GSD, axis=2))[0]
        num = round(rarefied_num_tokens(self._by_token()[0], num_positions))
        return [
            Estimate(float(value), float(error), num)
            for value, error in zip(np.diff(values_SD[0]), errors_D, strict=True)
        ]

    def figures(self) -> list[dict[str, Estimate]]:
        """Mean APT rarefied to `RAREFIED_TO` positions; NaN where fewer were asked."""
        if self.num_positions < RAREFIED_TO:
            nothing = Estimate(float("nan"), float("nan"), 0)
            return [{"rarefied_mean_apt": nothing} for _ in self.hits_DK]
        values_D, errors_D = self.rarefied([RAREFIED_TO])[:, 0]
        num = round(rarefied_num_tokens(self._by_token()[0], RAREFIED_TO))
        return [
            {"rarefied_mean_apt": Estimate(float(value), float(error), num)}
            for value, error in zip(values_D, errors_D, strict=True)
        ]

    @property
    def num_positions(self) -> int:
        """Number of asked positions."""
        return int(self._counted()[1].sum())

    def arrays(self) -> dict[str, np.ndarray]:
        """Keys, positions and right answers."""
        keys_K, support_K, hits_DK = self._counted()
        return {"keys_K": keys_K, "support_K": support_K, "hits_DK": hits_DK}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        """The counts whose `arrays` these are.

        Raises ValueError unless the keys ascend, each was asked for, and no more answers are right
        than were asked.
        """
        keys_K, support_K, hits_DK = stored_arrays(
            arrays, keys_K=("int64", 1), support_K=("int64", 1), hits_DK=("int64", 2)
        )
        if not len(keys_K) == len(support_K) == hits_DK.shape[1]:
            raise ValueError(f"it has {len(keys_K)} keys and right answers {hits_DK.shape}")
        laws = (
            keys_K.min(initial=0) >= 0,
            (np.diff(keys_K) > 0).all(),
            (support_K > 0).all(),
            (hits_DK >= 0).all(),
            (hits_DK <= support_K).all(),
        )
        if not all(laws):
            raise ValueError("keys do not ascend, or more answers are right than were asked")
        return cls(keys_K, support_K, hits_DK)

    def require_same_pass(self, counts: DepthCounts) -> None:
        """Raise ValueError unless `counts` has the same right answers of the same positions."""
        tokens_K = self._counted()[0] // NUM_GROUPS
        if len(self.hits_DK) != counts.num_depths or tokens_K.max(initial=0) >= counts.vocab_size:
            raise ValueError("it is of other depths or tokens than the counts")
        support_V, hits_DV = self._by_token(counts.vocab_size)
        if not np.array_equal(support_V, counts.support()):
            raise ValueError("it is of other positions than the counts")
        if not np.array_equal(hits_DV, counts.hits()):
            raise ValueError("it has other right answers than the counts")

    def _take(self, keys_N: np.ndarray, support_N: np.ndarray, hits_DN: np.ndarray) -> None:
        self._waiting.append((keys_N, support_N, hits_DN))
        if sum(len(keys) for keys, _, _ in self._waiting) >= max(_MERGE_AT, len(self.keys_K)):
            self._counted()

    def _counted(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Keys, positions and right answers, with all that was waiting added up."""
        if self._waiting:
            parts = [(self.keys_K, self.support_K, self.hits_DK), *self._waiting]
            self._waiting = []
            keys_N = np.concatenate([keys for keys, _, _ in parts])
            order_N = np.argsort(keys_N, kind="stable")
            keys_N = keys_N[order_N]
            starts = np.flatnonzero(np.diff(keys_N, prepend=-1))
            support_N = np.concatenate([support for _, support, _ in parts])[order_N]
            hits_DN = np.concatenate([hits for _, _, hits in parts], axis=1)[:, order_N]
            self.keys_K = keys_N[starts]
            self.support_K = np.add.reduceat(support_N, starts) if len(starts) else support_N
            if len(starts):
                hits_DN = np.add.reduceat(hits_DN, starts, axis=1, dtype=np.int64)
            self.hits_DK = hits_DN.astype(np.int64, copy=False)
        return self.keys_K, self.support_K, self.hits_DK

    def _by_token(self, vocab_size: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Positions (V,) and right answers (D, V) of each token over all groups."""
        keys_K, support_K, hits_DK = self._counted()
        tokens_K = keys_K // NUM_GROUPS
        size = int(tokens_K.max(initial=-1)) + 1 if vocab_size is None else vocab_size
        return _added(tokens_K, support_K, size), np.stack(
            [_added(tokens_K, hits_K, size) for hits_K in hits_DK]
        )

    def _estimated(self, sizes: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Rarefied mean APT of all sequences (S, D), and without each group in turn (G, S, D)."""
        keys_K, support_K, hits_DK = self._counted()
        tokens_K, groups_K = np.divmod(keys_K, NUM_GROUPS)
        support_V, hits_DV = self._by_token()
        values_SD = np.stack([rarefied_mean_apt(hits_DV, support_V, size) for size in sizes])
        left_GSD = []
        for group in np.unique(groups_K):
            here_K = groups_K == group
            size_V = len(support_V)
            left_V = support_V - _added(tokens_K[here_K], support_K[here_K], size_V)
            lost = [_added(tokens_K[here_K], hits_K[here_K], size_V) for hits_K in hits_DK]
            left_DV, total = hits_DV - np.stack(lost), int(left_V.sum())
            left_GSD.append(
                [
                    rarefied_mean_apt(left_DV, left_V, size)
                    if size <= total
                    else np.full(len(left_DV), np.nan)
                    for size in sizes
                ]
            )
        return values_SD, np.array(left_GSD)


def _added(tokens_K: np.ndarray, numbers_K: np.ndarray, size: int) -> np.ndarray:
    sums_V = np.zeros(size, np.int64)
    np.add.at(sums_V, tokens_K, numbers_K)
    return sums_V
