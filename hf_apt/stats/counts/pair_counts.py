"""How often each token was answered where another was asked for: one sparse table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from jaxtyping import Int, Integer

from hf_apt.stats.counts.token_ids import refuse_outside
from hf_apt.stats.stored_counts import key_type

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_FLUSH_AT = 1 << 21
"""Pairs held back before they are sorted into a run: 8 MB of int32 keys a table."""
_SORT_AT_ONCE = 1 << 24
"""Pairs of one call that are sorted into a run at most: merging shorter runs would take longer."""
_MERGE_AT = 8
"""Runs held back before they are merged into one."""


class PairCounts:
    """How often each reference token was answered by each prediction.

    A pair is packed into one integer key, `reference * vocab_size + prediction`: int32 where
    `vocab_size ** 2` fits (up to 46,340 tokens), int64 beyond. Only pairs that occurred are held,
    12 bytes each (16 with int64 keys), so 10 million distinct pairs take 120 MB where the dense
    matrix of a vocabulary of 30,522 takes 7.5 GB.

    Args:
        vocab_size: number of token ids V, at least 1.

    Raises:
        ValueError: for a `vocab_size` below 1.
    """

    def __init__(self, vocab_size: int):
        if vocab_size < 1:
            raise ValueError(f"vocab_size must be at least 1, got {vocab_size}.")
        self.vocab_size = vocab_size
        """Number of tokens V, the side of the matrix."""
        self._key_type = key_type(vocab_size)
        self._pending: list[np.ndarray] = []
        self._num_pending = 0
        self._runs: list[tuple[np.ndarray, np.ndarray]] = []

    def update(
        self, references: Integer[np.ndarray, " n"], predictions: Integer[np.ndarray, " n"]
    ) -> Self:
        """Count one more occurrence of each of N pairs.

        Args:
            references: ids of the tokens that were asked for, integers of shape (N,).
            predictions: ids of the tokens that were answered, integers of shape (N,).

        Returns:
            These counts, changed in place.

        Raises:
            ValueError: for other numbers of references than of predictions, and for an id outside 0
                to V - 1; nothing is counted then.
        """
        if len(references) != len(predictions):
            raise ValueError(
                f"{len(references)} references came with {len(predictions)} predictions: "
                "give one prediction for each reference."
            )
        if len(references) == 0:
            return self
        refuse_outside("reference id", references, self.vocab_size)
        refuse_outside("prediction id", predictions, self.vocab_size)
        return self._count(references, predictions)

    def merge(self, other: PairCounts) -> Self:
        """Add the counts of another part of the data.

        Args:
            other: counts over as many token ids, which are left as they were.

        Returns:
            These counts, changed in place.

        Raises:
            ValueError: for counts over another number of token ids.
        """
        if other.vocab_size != self.vocab_size:
            raise ValueError(
                f"counts over {other.vocab_size} tokens cannot be merged with "
                f"counts over {self.vocab_size}."
            )
        if len(other.keys):
            self._add_run(other.keys, other.counts)
        return self

    def resized(self, vocab_size: int) -> PairCounts:
        """The same counts over another number of token ids.

        Args:
            vocab_size: the new number of token ids, at least 1.

        Returns:
            New counts; these are left as they were.

        Raises:
            ValueError: if a token that was counted is outside the new vocabulary.
        """
        resized = PairCounts(vocab_size)
        if len(self.keys):
            references, predictions = np.divmod(self.keys, self._key_type.type(self.vocab_size))
            refuse_outside("reference id", references, vocab_size)
            refuse_outside("prediction id", predictions, vocab_size)
            keys = references.astype(resized._key_type) * resized._key_type.type(vocab_size)
            resized._add_run(keys + predictions.astype(resized._key_type), self.counts)
        return resized

    @property
    def keys(self) -> Integer[np.ndarray, " pairs"]:
        """The packed pairs that occurred, ascending and distinct."""
        return self._merged()[0]

    @property
    def counts(self) -> Int[np.ndarray, " pairs"]:
        """How often each of `keys` occurred, int64, at least 1."""
        return self._merged()[1]

    @property
    def total(self) -> int:
        """Number of pairs counted."""
        return int(self.counts.sum())

    def matrix(self) -> csr_array:
        """The token confusion matrix.

        Returns:
            Sparse int64 counts of shape (V, V), with the reference as row.
        """
        from scipy.sparse import csr_array

        references, predictions = np.divmod(self.keys, self._key_type.type(self.vocab_size))
        row_starts = np.searchsorted(references, np.arange(self.vocab_size + 1))
        size = (self.vocab_size, self.vocab_size)
        return csr_array((self.counts.copy(), predictions, row_starts), shape=size)

    def hits(self) -> Int[np.ndarray, " vocab"]:
        """Right answers of each reference token: the diagonal of the confusion matrix.

        Returns:
            int64 counts of shape (V,).
        """
        # Diagonal keys are the multiples of V + 1.
        on_diagonal = self.keys % (self.vocab_size + 1) == 0
        hits_V = np.zeros(self.vocab_size, np.int64)
        hits_V[self.keys[on_diagonal] // (self.vocab_size + 1)] = self.counts[on_diagonal]
        return hits_V

    def support(self) -> Int[np.ndarray, " vocab"]:
        """Modified occurrences of each reference token: the row sums of the confusion matrix.

        Returns:
            int64 counts of shape (V,).
        """
        support_V = np.zeros(self.vocab_size, np.int64)
        np.add.at(support_V, self.keys // self.vocab_size, self.counts)
        return support_V

    def _count(self, references: np.ndarray, predictions: np.ndarray) -> Self:
        """These counts with pairs of ids that were checked, so that narrow keys lose nothing."""
        for start in range(0, len(references), _SORT_AT_ONCE):
            part = slice(start, start + _SORT_AT_ONCE)
            keys = np.multiply(
                references[part], self.vocab_size, dtype=self._key_type, casting="unsafe"
            )
            np.add(keys, predictions[part], out=keys, dtype=self._key_type, casting="unsafe")
            self._pending.append(keys)
            self._num_pending += len(keys)
            if self._num_pending >= _FLUSH_AT:
                self._flush()
        return self

    def _flush(self) -> None:
        if not self._pending:
            return
        keys = np.concatenate(self._pending) if len(self._pending) > 1 else self._pending[0]
        self._pending, self._num_pending = [], 0
        keys.sort()
        starts = _run_starts(keys)
        counts = np.empty_like(starts)
        np.subtract(starts[1:], starts[:-1], out=counts[:-1])
        counts[-1] = len(keys) - starts[-1]
        self._add_run(keys[starts], counts)

    def _add_run(self, keys: np.ndarray, counts: np.ndarray) -> None:
        self._runs.append((keys, counts))
        if len(self._runs) >= _MERGE_AT:
            self._merged()

    def _merged(self) -> tuple[np.ndarray, np.ndarray]:
        self._flush()
        if not self._runs:
            self._runs = [(np.empty(0, self._key_type), np.empty(0, np.int64))]
        if len(self._runs) > 1:
            keys = np.concatenate([run_keys for run_keys, _ in self._runs])
            counts = np.concatenate([run_counts for _, run_counts in self._runs])
            order = np.argsort(keys, kind="stable")
            keys, counts = keys[order], counts[order]
            del order  # 80 MB at 10 million pairs, at the moment when memory peaks
            starts = _run_starts(keys)
            self._runs = [(keys[starts], np.add.reduceat(counts, starts))]
        return self._runs[0]


def _run_starts(keys: np.ndarray) -> np.ndarray:
    """Where each distinct value of the sorted `keys`, of which there is at least one, begins."""
    begins = np.empty(len(keys), bool)
    begins[0] = True
    np.not_equal(keys[1:], keys[:-1], out=begins[1:])
    return np.flatnonzero(begins)
