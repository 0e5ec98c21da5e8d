"""Exact, sparse, mergeable counts of which token was asked for and which was answered.

They are the sufficient statistic of everything else: accuracy per token is their diagonal over
their row sums, the token confusion matrix is made of nothing else, clusters are read off it.
Integers only; a division happens when a value is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from jaxtyping import Int, Integer

from hf_apt.atomic import writing
from hf_apt.reading import read_arrays
from hf_apt.stats.notebooks.frames import entries_frame
from hf_apt.stats.notebooks.shown import ShownAsText
from hf_apt.stats.stored_counts import key_type, stored_tables

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_array

TREATMENTS = ("masked", "replaced", "unchanged")
"""What masking did to a modified position, by its code 0, 1, 2."""

_FLUSH_AT = 1 << 21
"""Pairs held back before they are sorted into a run: 8 MB of int32 keys a table."""
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
        # Ids were checked, so that the narrower keys lose nothing.
        keys = np.multiply(references, self.vocab_size, dtype=self._key_type, casting="unsafe")
        self._pending.append(np.add(keys, predictions, out=keys, casting="unsafe"))
        self._num_pending += len(keys)
        if self._num_pending >= _FLUSH_AT:
            self._flush()
        return self

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

    def _flush(self) -> None:
        if not self._pending:
            return
        keys = np.concatenate(self._pending)
        self._pending, self._num_pending = [], 0
        keys.sort()
        starts = _run_starts(keys)
        self._add_run(keys[starts], np.diff(starts, append=len(keys)))

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


@dataclass(frozen=True)
class DepthCounts(ShownAsText):
    """Pair counts at every depth, kept apart by what masking did to the position."""

    pairs: tuple[tuple[PairCounts, ...], ...]
    """`pairs[depth][treatment]`, treatments in the order of `TREATMENTS`."""

    @classmethod
    def empty(cls, num_depths: int, vocab_size: int) -> Self:
        """Counts of nothing yet.

        Args:
            num_depths: number of depths D, the embeddings included.
            vocab_size: number of token ids V, at least 1.

        Returns:
            Counts that `update` and `merge` add to.
        """
        return cls(
            tuple(tuple(PairCounts(vocab_size) for _ in TREATMENTS) for _ in range(num_depths))
        )

    def __repr__(self) -> str:
        asked = f"{self.at(0).total:,} positions of {np.count_nonzero(self.support()):,} tokens"
        return f"DepthCounts({self.num_depths} depths, {asked})"

    @property
    def num_depths(self) -> int:
        """Number of depths D, the embeddings included."""
        return len(self.pairs)

    @property
    def vocab_size(self) -> int:
        """Number of tokens V."""
        return self.pairs[0][0].vocab_size

    def update(
        self,
        references_N: Integer[np.ndarray, " n"],
        predictions_DN: Integer[np.ndarray, "depth n"],
        treatments_N: Integer[np.ndarray, " n"],
    ) -> Self:
        """Count N more modified positions, answered at every depth.

        Args:
            references_N: ids of the tokens that were asked for, integers of shape (N,).
            predictions_DN: ids that were answered at each depth, integers of shape (D, N).
            treatments_N: what masking did to each position, the codes 0 to 2 of `TREATMENTS`, shape
                (N,).

        Returns:
            These counts, changed in place.

        Raises:
            ValueError: for shapes that do not belong together, and for an id or a code that is out
                of range; nothing is counted then.
        """
        shape = (self.num_depths, len(references_N))
        if predictions_DN.shape != shape or len(treatments_N) != len(references_N):
            raise ValueError(
                f"{len(references_N)} references came with {len(treatments_N)} treatments and "
                f"predictions of shape {predictions_DN.shape}: give one treatment for each "
                f"reference and one prediction at each of {self.num_depths} depths."
            )
        # All is checked before any is counted, so that a bad id does not leave depths out of step.
        refuse_outside("reference id", references_N, self.vocab_size)
        refuse_outside("prediction id", predictions_DN, self.vocab_size)
        refuse_outside("treatment code", treatments_N, len(TREATMENTS))
        for code in range(len(TREATMENTS)):
            treated_N = treatments_N == code
            for depth, predictions_N in enumerate(predictions_DN):
                self.pairs[depth][code].update(references_N[treated_N], predictions_N[treated_N])
        return self

    def merge(self, other: DepthCounts) -> Self:
        """Add the counts of another part of the data, depth by depth.

        Args:
            other: counts at as many depths over as many token ids, which are left as they were.

        Returns:
            These counts, changed in place.

        Raises:
            ValueError: for counts at another number of depths or over another number of token ids.
        """
        if other.num_depths != self.num_depths:
            raise ValueError(
                f"counts at {other.num_depths} depths cannot be merged with "
                f"counts at {self.num_depths}."
            )
        for mine, theirs in zip(self.pairs, other.pairs, strict=True):
            for pair_counts, other_counts in zip(mine, theirs, strict=True):
                pair_counts.merge(other_counts)
        return self

    def at(self, depth: int, treatment: str | None = None) -> PairCounts:
        """The pair counts of one depth.

        Args:
            depth: 0 for the embeddings, m for after block m.
            treatment: `masked`, `replaced` or `unchanged`; all three pooled if None.

        Returns:
            The pair counts; changing pooled ones changes nothing here.

        Raises:
            ValueError: for an unknown treatment.
        """
        if treatment is not None:
            if treatment not in TREATMENTS:
                raise ValueError(f"treatment {treatment!r} is none of {', '.join(TREATMENTS)}.")
            return self.pairs[depth][TREATMENTS.index(treatment)]
        pooled = PairCounts(self.vocab_size)
        for pair_counts in self.pairs[depth]:
            pooled.merge(pair_counts)
        return pooled

    def hits(self, treatment: str | None = None) -> Int[np.ndarray, "depth vocab"]:
        """Right answers of each reference token at each depth.

        Args:
            treatment: `masked`, `replaced` or `unchanged`; all three pooled if None.

        Returns:
            int64 counts of shape (D, V).
        """
        return np.stack([self.at(depth, treatment).hits() for depth in range(self.num_depths)])

    def support(self, treatment: str | None = None) -> Int[np.ndarray, " vocab"]:
        """Modified occurrences of each reference token, the same at every depth.

        Args:
            treatment: `masked`, `replaced` or `unchanged`; all three pooled if None.

        Returns:
            int64 counts of shape (V,).
        """
        return self.at(0, treatment).support()

    def to_pandas(self) -> pd.DataFrame:
        """A pandas table with a row for each pair that occurred, at each depth and treatment.

        Returns:
            `depth`; `treatment`, of `TREATMENTS`; `reference` and `prediction`, ids of tokens;
            `count`, how often the one was asked for and answered by the other.
        """
        import pandas as pd

        parts = [
            entries_frame(pairs.matrix()).assign(depth=depth, treatment=treatment)
            for depth, by_treatment in enumerate(self.pairs)
            for treatment, pairs in zip(TREATMENTS, by_treatment, strict=True)
        ]
        columns = ["depth", "treatment", "reference", "prediction", "count"]
        return pd.concat(parts, ignore_index=True).reindex(columns=columns)

    def save(self, path: Path | str) -> None:
        """Write the counts as one compressed `.npz`, whole or not at all.

        Args:
            path: the file to write, or to replace.
        """
        arrays: dict[str, np.ndarray] = {"vocab_size": np.array(self.vocab_size)}
        for depth, by_treatment in enumerate(self.pairs):
            for treatment, pair_counts in zip(TREATMENTS, by_treatment, strict=True):
                arrays[f"depth_{depth}.{treatment}.keys"] = pair_counts.keys
                arrays[f"depth_{depth}.{treatment}.counts"] = pair_counts.counts
        with writing(Path(path), "wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """The counts that `save` wrote.

        Args:
            path: the `.npz` file.

        Returns:
            The counts of every depth and treatment.

        Raises:
            ValueError: with the file's name, if it cannot be read or breaks a law of
                `hf_apt.stats.stored_counts`.
        """
        arrays = read_arrays(path)
        try:
            vocab_size, tables = stored_tables(arrays, TREATMENTS)
        except ValueError as error:
            raise ValueError(f"{path} holds no counts: {error}. Measure again.") from None
        counts = cls.empty(len(tables), vocab_size)
        for by_treatment, of_depth in zip(counts.pairs, tables, strict=True):
            for pair_counts, table in zip(by_treatment, of_depth, strict=True):
                pair_counts._add_run(*table)
        return counts


def _run_starts(keys: np.ndarray) -> np.ndarray:
    """Where each distinct value of the sorted `keys`, of which there is at least one, begins."""
    begins = np.empty(len(keys), bool)
    begins[0] = True
    np.not_equal(keys[1:], keys[:-1], out=begins[1:])
    return np.flatnonzero(begins)


def refuse_outside(name: str, ids: np.ndarray, num: int) -> None:
    """Raise ValueError unless all `ids`, called `name`, are whole numbers from 0 to num - 1."""
    if ids.size == 0:
        return
    if ids.dtype.kind not in "iu":
        raise ValueError(f"{name}s are of {ids.dtype}: give whole numbers.")
    if ids.dtype.kind == "i":  # read as unsigned, a negative id is a very large one
        if ids.view(f"u{ids.dtype.itemsize}").max() < num:
            return
    low, high = int(ids.min()), int(ids.max())
    if low < 0 or high >= num:
        wrong = low if low < 0 else high
        raise ValueError(f"{name} {wrong} is outside 0 to {num - 1}.")


NOT_ASKED = -100
"""The label of a position that is not asked for, as everywhere in transformers."""
