"""What became of a text when it was cut into sequences: what was read, cut off and unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_UNKNOWN = 0.5
"""Share of a text's tokens that may be the unknown one."""


@dataclass(kw_only=True)
class TextCounts:
    """Numbers of the documents and tokens that were read, special tokens around a text excluded."""

    num_documents: int = 0
    """Number of documents that have a token."""

    num_tokens: int = 0
    """Number of their tokens."""

    num_unknown: int = 0
    """Number of those that are the tokenizer's unknown token."""

    num_cut: int = 0
    """Number of tokens beyond the sequence length of their document; 0 where documents are
    packed."""

    num_dropped: int = 0
    """Number of tokens, separators included, that fill no last sequence; 0 where documents are not
    packed."""

    def add(self, rows: Sequence[Sequence[int]], unknown_id: int | None) -> None:
        """Count the tokens of documents, one row each, none of them empty."""
        self.num_documents += len(rows)
        self.num_tokens += sum(map(len, rows))
        if unknown_id is not None:
            self.num_unknown += sum(row.count(unknown_id) for row in rows)

    def require_known(self, unknown: str) -> None:
        """Raise ValueError if most tokens are `unknown`, the tokenizer's unknown token."""
        if self.num_unknown > MOST_UNKNOWN * self.num_tokens:
            raise UnknownTextError(
                f"{100 * self.num_unknown / self.num_tokens:.3g} % of the {self.num_tokens:,} "
                f"tokens are {unknown}: is this the tokenizer's text? Where it is written without "
                "blanks and the tokenizer wants them, put them between its letters."
            )


class UnknownTextError(ValueError):
    """A text of which a tokenizer knows next to nothing."""
