"""Pair counts at every depth, one table for each of the three things that masking does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from jaxtyping import Int, Integer

from hf_apt.atomic import writing
from hf_apt.reading import read_arrays
from hf_apt.stats.counts.pair_counts import PairCounts
from hf_apt.stats.counts.token_ids import refuse_outside
from hf_apt.stats.notebooks.frames import entries_frame
from hf_apt.stats.notebooks.shown import ShownAsText
from hf_apt.stats.stored_counts import stored_tables

if TYPE_CHECKING:
    import pandas as pd

TREATMENTS = ("masked", "replaced", "unchanged")
"""What masking did to a modified position, by its code 0, 1, 2."""


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
            treated_N = np.flatnonzero(treatments_N == code)
            references = references_N[treated_N]
            for by_treatment, predictions_N in zip(self.pairs, predictions_DN, strict=True):
                by_treatment[code]._count(references, predictions_N[treated_N])
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

    def resized(self, vocab_size: int) -> DepthCounts:
        """The same counts over another number of token ids.

        Args:
            vocab_size: the new number of token ids, at least 1.

        Returns:
            New counts; these are left as they were.

        Raises:
            ValueError: if a token that was counted is outside the new vocabulary.
        """
        return DepthCounts(
            tuple(
                tuple(pair_counts.resized(vocab_size) for pair_counts in by_treatment)
                for by_treatment in self.pairs
            )
        )

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
