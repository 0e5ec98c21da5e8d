"""Mean APT at a number of positions that measurements have in common, with errors over the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
from jaxtyping import Float, Int

from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.estimates import Estimate, jackknife_error
from hf_apt.stats.measures.answers import Answers
from hf_apt.stats.measures.measure import Column, stored_arrays
from hf_apt.stats.measures.text_groups import OVER_GROUPS, groups_of_neighbours
from hf_apt.stats.rarefaction import rarefied_mean_apt, rarefied_num_tokens

RAREFIED_TO = 1000
"""Asked positions to which the headline figure is rarefied."""

MOST_STRETCHES = 160
"""Stretches of the text that answers are kept by: twice as long from where there would be more."""

_MERGE_AT = 1 << 20


@dataclass(frozen=True)
class GroupedAnswers:
    """Right answers of each token in each group of neighbouring sequences where it was asked."""

    tokens_K: Int[np.ndarray, " pairs"]
    """Token ids, ascending."""

    groups_K: Int[np.ndarray, " pairs"]
    """Groups of sequences, 0 to 19, ascending for each token."""

    support_K: Int[np.ndarray, " pairs"]
    """Asked positions, at least 1."""

    hits_DK: Int[np.ndarray, "depth pairs"]
    """Right answers at them."""


@dataclass
class RarefiedApt:
    """Right answers of each token in each stretch of neighbouring sequences, at every depth.

    Mean APT depends on how many positions were asked (`hf_apt.stats.rarefaction`). Its errors here
    are those of a delete-one-group jackknife over twenty groups of neighbouring sequences (Kott,
    The Delete-a-Group Jackknife, Journal of Official Statistics 17, 2001), which holds for other
    text of the same kind and size: positions of one sequence, and of one document that is longer
    than a sequence, are not independent, and common tokens occur in all of them.

    How much text there will be is not known while it is counted: answers are kept by stretches of
    1, 2, 4, … sequences, the fewest that make 160 stretches at most. It holds 16 bytes, and 8 more
    for each depth, for each token in each stretch where it was asked.
    """

    keys_K: Int[np.ndarray, " pairs"]
    """Tokens with stretches, `token * 160 + stretch`, ascending and distinct."""

    support_K: Int[np.ndarray, " pairs"]
    """Asked positions of each."""

    hits_DK: Int[np.ndarray, "depth pairs"]
    """Right answers at them."""

    stretch_length: int = 1
    """Sequences of a stretch, a power of two: sequence s is in stretch `s // stretch_length`."""

    _waiting: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)

    name: ClassVar[str] = "apt_by_stretch"
    compares_depths: ClassVar[bool] = False
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "rarefied_mean_apt",
            f"mean APT of {RAREFIED_TO:,}",
            f"mean APT expected of {RAREFIED_TO:,} of the asked positions, to compare measurements"
            f" of different size, {OVER_GROUPS}",
        ),
    )

    @classmethod
    def empty(cls, num_depths: int, vocab_size: int = 0) -> Self:
        """Counts of no position yet."""
        nothing = np.zeros(0, np.int64)
        return cls(nothing, nothing, np.zeros((num_depths, 0), np.int64))

    def update(self, answers: Answers) -> None:
        """Count the positions of a batch."""
        if not len(answers.references_N):
            return
        self._lengthen(int(answers.sequences_N.max()))
        keys_N = answers.references_N.astype(np.int64) * MOST_STRETCHES
        keys_N += answers.sequences_N // self.stretch_length
        right_DN = answers.predictions_DN == answers.references_N
        self._take(keys_N, np.ones(len(keys_N), np.int64), right_DN)

    def merge(self, other: Self) -> Self:
        """These counts and those of `other`, which is left as it was."""
        parts = other._counted()
        self._coarsen(other.stretch_length)
        self._take(_coarser(parts[0], self.stretch_length // other.stretch_length), *parts[1:])
        return self

    def grouped(self) -> GroupedAnswers:
        """The answers by twenty groups of neighbouring sequences, or fewer of so many stretches."""
        keys_K, support_K, hits_DK = self._counted()
        tokens_K, stretches_K = np.divmod(keys_K, MOST_STRETCHES)
        groups_K = groups_of_neighbours(stretches_K, int(stretches_K.max(initial=0)) + 1)
        keys_K = tokens_K * MOST_STRETCHES + groups_K
        keys_K, support_K, hits_DK = _added_by_key(keys_K, support_K, hits_DK)
        return GroupedAnswers(*np.divmod(keys_K, MOST_STRETCHES), support_K, hits_DK)

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
        """Keys, positions, right answers, and the sequences of a stretch."""
        keys_K, support_K, hits_DK = self._counted()
        length = np.array([self.stretch_length], np.int64)
        return {
            "keys_K": keys_K,
            "support_K": support_K,
            "hits_DK": hits_DK,
            "stretch_length_1": length,
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        """The counts whose `arrays` these are.

        Raises ValueError unless the keys ascend, each was asked for, no more answers are right
        than were asked, and the stretches are of a power of two of sequences.
        """
        keys_K, support_K, hits_DK, length_1 = stored_arrays(
            arrays,
            keys_K=("int64", 1),
            support_K=("int64", 1),
            hits_DK=("int64", 2),
            stretch_length_1=("int64", 1),
        )
        if len(length_1) != 1 or length_1[0] < 1 or length_1[0] & (length_1[0] - 1):
            raise ValueError(f"stretches are of {length_1.tolist()} sequences, not 1, 2, 4, …")
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
        return cls(keys_K, support_K, hits_DK, int(length_1[0]))

    def require_same_pass(self, counts: DepthCounts) -> None:
        """Raise ValueError unless `counts` has the same right answers of the same positions."""
        tokens_K = self._counted()[0] // MOST_STRETCHES
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
            self.keys_K, self.support_K, self.hits_DK = _added_by_key(
                np.concatenate([keys for keys, _, _ in parts]),
                np.concatenate([support for _, support, _ in parts]),
                np.concatenate([hits for _, _, hits in parts], axis=1),
            )
        return self.keys_K, self.support_K, self.hits_DK

    def _lengthen(self, sequence: int) -> None:
        """Make the stretches so long that `sequence` is in one of them."""
        length = self.stretch_length
        while sequence // length >= MOST_STRETCHES:
            length *= 2
        self._coarsen(length)

    def _coarsen(self, stretch_length: int) -> None:
        """Put neighbouring stretches together until they are as long as that at least."""
        if stretch_length > self.stretch_length:
            keys_K, support_K, hits_DK = self._counted()
            keys_K = _coarser(keys_K, stretch_length // self.stretch_length)
            self.keys_K, self.support_K, self.hits_DK = _added_by_key(keys_K, support_K, hits_DK)
            self.stretch_length = stretch_length

    def _by_token(self, vocab_size: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Positions (V,) and right answers (D, V) of each token over all groups."""
        keys_K, support_K, hits_DK = self._counted()
        tokens_K = keys_K // MOST_STRETCHES
        size = int(tokens_K.max(initial=-1)) + 1 if vocab_size is None else vocab_size
        return _added(tokens_K, support_K, size), np.stack(
            [_added(tokens_K, hits_K, size) for hits_K in hits_DK]
        )

    def _estimated(self, sizes: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Rarefied mean APT of all sequences (S, D), and without each group in turn (G, S, D)."""
        answers = self.grouped()
        support_V, hits_DV = self._by_token()
        values_SD = np.stack([rarefied_mean_apt(hits_DV, support_V, size) for size in sizes])
        left_GSD = []
        for group in np.unique(answers.groups_K):
            here_K = answers.groups_K == group
            tokens_K, left_V, left_DV = answers.tokens_K[here_K], support_V.copy(), hits_DV.copy()
            left_V[tokens_K] -= answers.support_K[here_K]  # a token is once in a group at most
            left_DV[:, tokens_K] -= answers.hits_DK[:, here_K]
            total = int(left_V.sum())
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


def _coarser(keys_K: np.ndarray, factor: int) -> np.ndarray:
    """Keys of the same tokens with stretches `factor` times as long; some may be equal."""
    tokens_K, stretches_K = np.divmod(keys_K, MOST_STRETCHES)
    return tokens_K * MOST_STRETCHES + stretches_K // factor


def _added_by_key(
    keys_N: np.ndarray, support_N: np.ndarray, hits_DN: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct keys, ascending, with the sums of the positions and right answers of each."""
    order_N = np.argsort(keys_N, kind="stable")
    keys_N, support_N, hits_DN = keys_N[order_N], support_N[order_N], hits_DN[:, order_N]
    starts = np.flatnonzero(np.diff(keys_N, prepend=-1))
    if len(starts):
        support_N = np.add.reduceat(support_N, starts)
        hits_DN = np.add.reduceat(hits_DN, starts, axis=1, dtype=np.int64)
    return keys_N[starts], support_N, hits_DN.astype(np.int64, copy=False)
